// SPDX-License-Identifier: BSD-3-Clause
// Hours of use in half a minute, or as long as CS_SOAK_SECONDS says: at the end the process, its
// daemon and the machine hold what they held at the start.
#include <corosync/votequorum.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <iostream>
#include <thread>
#include <vector>

#include "soak/resources.h"
#include "soak/votequorum_churn.h"
#include "support/child.h"
#include "support/corosync_daemon.h"

namespace cs::soak {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kClientThreads = 8;
constexpr unsigned kSamApplications = 3;
constexpr auto kWarmUp = 3s;  // what is only made once: stacks, arenas, tables

std::chrono::seconds duration() {
  const char* const given = ::getenv("CS_SOAK_SECONDS");
  return std::chrono::seconds(given != nullptr ? ::atoi(given) : 30);
}

struct Counts {
  VotequorumCounts votequorum;
  std::uint64_t sam_applications = 0;
  std::uint64_t sam_instances = 0;
};

std::ostream& operator<<(std::ostream& out, const Counts& counts) {
  return out << counts.votequorum.connections << " connections, " << counts.votequorum.requests
             << " requests, " << counts.votequorum.events << " events, " << counts.votequorum.wakes
             << " dispatches ended by finalize, " << counts.votequorum.changes
             << " changes of votes, " << counts.sam_applications << " SAM applications with "
             << counts.sam_instances << " instances";
}

// A SAM application that will have so many lives.
struct Application {
  unsigned seed;
  unsigned instances;
  test::Child supervisor;
};

Application start_application(unsigned seed) {
  const unsigned instances = 1 + seed % 6;
  return {seed, instances,
          test::Child::exec({CS_SAM_APPLICATION, std::to_string(seed), std::to_string(instances)})};
}

void finish(Application& application, Counts& counts) {
  const test::Outcome outcome = application.supervisor.wait();
  EXPECT_TRUE(outcome.exited_with(0)) << outcome << " with seed " << application.seed;
  ++counts.sam_applications;
  counts.sam_instances += application.instances;
}

class Soak : public test::DaemonTest {
 protected:
  // Runs everything for so long. The SAM applications are children of this thread, which lives
  // longest.
  void churn(std::chrono::seconds time, Counts& counts) {
    const auto end = std::chrono::steady_clock::now() + time;
    std::vector<std::jthread> threads;
    threads.emplace_back([&](std::stop_token stop) { change_votes(stop, counts.votequorum); });
    for (unsigned i = 0; i < kClientThreads; ++i) {
      threads.emplace_back([&counts, seed = seed_++](std::stop_token stop) {
        churn_clients(stop, seed, counts.votequorum);
      });
    }
    std::vector<Application> applications;
    for (unsigned i = 0; i < kSamApplications; ++i) {
      applications.push_back(start_application(seed_++));
    }
    while (std::chrono::steady_clock::now() < end && !HasFailure()) {
      for (Application& application : applications) {
        if (application.supervisor.running()) continue;
        finish(application, counts);
        application = start_application(seed_++);
      }
      std::this_thread::sleep_for(10ms);
    }
    for (Application& application : applications) finish(application, counts);
  }

 private:
  unsigned seed_ = 1;
};

TEST_F(Soak, NothingIsLeftBehind) {
  Counts warm_up;
  churn(kWarmUp, warm_up);
  ASSERT_FALSE(HasFailure());
  const Resources before = measure(daemon().pid());

  Counts counts;
  churn(duration(), counts);
  Resources after;
  // The daemon notices the end of a connection by and by.
  const bool same = test::eventually([&] {
    after = measure(daemon().pid());
    return is_as_before(after, before);
  });
  std::cout << "done:   " << counts << "\nbefore: " << before << "\nafter:  " << after << std::endl;
  EXPECT_TRUE(same);
  EXPECT_GT(counts.votequorum.connections, 0U);
  EXPECT_GT(counts.votequorum.wakes, 0U);
  EXPECT_GT(counts.votequorum.changes, 0U);
  // More than each is told of how things are when it begins.
  EXPECT_GT(counts.votequorum.events, 2 * counts.votequorum.connections);
  EXPECT_GT(counts.sam_instances, counts.sam_applications);
}

}  // namespace
}  // namespace cs::soak
