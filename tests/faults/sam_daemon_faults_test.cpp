// SPDX-License-Identifier: BSD-3-Clause
// libsam with a daemon, under QUORUM and CMAP, while calls of libc fail in the supervisor: its own
// and libqb's. The daemon is lost on the way, and found again.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <vector>

#include "faults/dev_shm.h"
#include "faults/in_child.h"
#include "faults/limits.h"
#include "faults/sam_trial.h"
#include "support/corosync_daemon.h"

namespace cs::faults {
namespace {

constexpr Call kCalls[] = {
    Call::kBind,       Call::kCalloc,     Call::kConnect, Call::kEventfd,
    Call::kFcntl,      Call::kFork,       Call::kFstat,   Call::kFtruncate,
    Call::kGetsockopt, Call::kMalloc,     Call::kMmap,    Call::kOpen,
    Call::kPidfdOpen,  Call::kPipe2,      Call::kPoll,    Call::kPpoll,
    Call::kRead,       Call::kRealloc,    Call::kRecv,    Call::kRecvmsg,
    Call::kSend,       Call::kSetsockopt, Call::kSocket,  Call::kSchedGetaffinity,
    Call::kWaitid,     Call::kWrite};

// libqb 2.0.6 forgets a descriptor when it cannot map a file of the daemon's; and that in each
// attempt.
constexpr unsigned kForgottenByLibqb = 8;

Way way_with_daemon() {
  constexpr unsigned kPolicy = SAM_RECOVERY_POLICY_QUORUM_RESTART | SAM_RECOVERY_POLICY_CMAP;
  return {.interval_ms = 200, .policy = kPolicy};
}

class SamDaemonFaults : public test::DaemonTest {
 protected:
  void SetUp() override {
    DaemonTest::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    in_lanes(1, [](std::size_t) { EXPECT_EQ(expect_life(way_with_daemon()), 0U); });
  }
};

TEST_F(SamDaemonFaults, EachCallMayFail) {
  constexpr unsigned kMost = 12;  // after that they repeat
  const Counts counts(way_with_daemon());
  std::vector<Fault> faults;
  for (const Call call : kCalls) {
    const auto more = faults_of(call, counts, kMost);
    std::cout << call << ": " << counts.of(call, Whom::kSupervisor) << " calls in the supervisor, "
              << counts.of(call, Whom::kInstances) << " in the instances, " << more.size()
              << " runs" << std::endl;
    faults.insert(faults.end(), more.begin(), more.end());
  }
  const auto may_lose = std::stable_partition(
      faults.begin(), faults.end(), [](const Fault& fault) { return fault.call != Call::kMmap; });
  Way forgetful = way_with_daemon();
  forgetful.may_be_lost = kForgottenByLibqb;
  const unsigned runs = expect_lives(way_with_daemon(), {faults.begin(), may_lose}) +
                        expect_lives(forgetful, {may_lose, faults.end()});
  std::cout << runs << " runs" << std::endl;
  EXPECT_GT(runs, 300U);
  EXPECT_TRUE(daemon().running());
  const auto keys = daemon().run_tool({"corosync-cmapctl", "resources.process."});
  EXPECT_EQ(keys.output.find("resources.process"), std::string::npos) << keys;
}

// Each request of sam_register's fails in turn, and the process takes no for an answer.
TEST_F(SamDaemonFaults, FailedRegistrationLeavesNoKeys) {
  unsigned refused = 0;
  for (unsigned first = 1; first <= 8; ++first) {
    const auto outcome = in_child([first] {
      ASSERT_EQ(sam_initialize(0, static_cast<sam_recovery_policy_t>(SAM_RECOVERY_POLICY_QUIT |
                                                                     SAM_RECOVERY_POLICY_CMAP)),
                CS_OK);
      arm({.call = Call::kSend, .error = ENOBUFS, .first = first});
      const cs_error_t status = sam_register(nullptr);
      disarm();
      ::_exit(status == CS_OK ? 0 : 2);
    });
    EXPECT_TRUE(outcome.exited_with(0) || outcome.exited_with(2)) << outcome;
    refused += outcome.exited_with(2) ? 1U : 0U;
    const auto keys = daemon().run_tool({"corosync-cmapctl", "resources.process."});
    EXPECT_EQ(keys.output.find("resources.process"), std::string::npos) << first << keys;
  }
  EXPECT_GT(refused, 3U);
}

TEST_F(SamDaemonFaults, SoManyDescriptorsLeft) {
  constexpr unsigned kMost = 30;
  in_lanes(kMost + 1, [](std::size_t left) {
    Way way = way_with_daemon();
    way.hook = [left](Moment moment) {
      if (moment == Moment::kBegin) {
        lower(RLIMIT_NOFILE, descriptor_limit(static_cast<unsigned>(left)));
      }
      if (moment == Moment::kRefused) raise(RLIMIT_NOFILE);
    };
    const unsigned refused = expect_life(way);
    EXPECT_TRUE(left > 0 || refused > 0);
    EXPECT_TRUE(left < kMost || refused == 0);
  });
}

// A sanitizer ends a process in which it finds no room itself.
#ifndef CS_SANITIZED
TEST_F(SamDaemonFaults, SoMuchAddressSpaceLeft) {
  constexpr std::size_t kSteps = 24;
  in_lanes(kSteps, [](std::size_t step) {
    Way way = way_with_daemon();
    way.may_be_lost = kForgottenByLibqb;
    way.hook = [step](Moment moment) {
      if (moment == Moment::kBegin) leave_address_space(step * 128);
      if (moment == Moment::kRefused) raise(RLIMIT_AS);
    };
    const unsigned refused = expect_life(way);
    EXPECT_TRUE(step > 0 || refused > 0);
    EXPECT_TRUE(step < kSteps - 1 || refused == 0);
  });
}
#endif

TEST_F(SamDaemonFaults, SharedMemoryIsFull) {
  const DevShm memory;
  for (const Moment filled : {Moment::kBegin, Moment::kInitialized}) {
    // Not at once: the daemon still holds the files of clients that have gone.
    EXPECT_TRUE(test::eventually([&] {
      unsigned refused = 0;
      Way way = way_with_daemon();
      way.hook = [&](Moment moment) {
        const bool done = (moment != filled || memory.leave_no_room()) &&
                          (moment != Moment::kRefused || memory.make_room());
        if (!done) ::_exit(kBroken);
      };
      const auto outcome = in_child([&] {
        refused = expect_life(way);
        if (!HasFailure() && refused == 0) ::_exit(2);
      });
      EXPECT_TRUE(outcome.exited_with(0) || outcome.exited_with(2)) << outcome;
      return !outcome.exited_with(2);
    }));
  }
}

}  // namespace
}  // namespace cs::faults
