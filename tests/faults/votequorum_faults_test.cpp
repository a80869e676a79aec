// SPDX-License-Identifier: BSD-3-Clause
// libvotequorum while calls of libc fail, in it and in libqb: each call of the list that a client's
// life makes, the first one, the second and so on, once and from then on, with each error.
#include <corosync/votequorum.h>
#include <gtest/gtest.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <set>
#include <span>

#include "faults/dev_shm.h"
#include "faults/faults.h"
#include "faults/in_child.h"
#include "faults/limits.h"
#include "support/child.h"
#include "support/corosync_daemon.h"
#include "support/proc.h"

namespace cs::faults {
namespace {

constexpr Call kCalls[] = {Call::kBind,      Call::kCalloc,     Call::kConnect,
                           Call::kEventfd,   Call::kFcntl,      Call::kFstat,
                           Call::kFtruncate, Call::kGetsockopt, Call::kMalloc,
                           Call::kMmap,      Call::kOpen,       Call::kPoll,
                           Call::kRealloc,   Call::kRecv,       Call::kRecvmsg,
                           Call::kSend,      Call::kSendmsg,    Call::kSetsockopt,
                           Call::kSocket,    Call::kSocketpair, Call::kSchedGetaffinity,
                           Call::kWrite};

constexpr std::byte kUntouched{0xa5};
constexpr votequorum_handle_t kNoHandle = 0xa5a5a5a5a5a5a5a5;

// What the public header names as results of these calls.
bool is_documented(cs_error_t status) {
  static const std::set<cs_error_t> codes = {
      CS_OK,           CS_ERR_LIBRARY,   CS_ERR_TRY_AGAIN, CS_ERR_NO_MEMORY,     CS_ERR_ACCESS,
      CS_ERR_NO_SPACE, CS_ERR_NOT_EXIST, CS_ERR_INTERRUPT, CS_ERR_NOT_SUPPORTED, CS_ERR_BAD_HANDLE};
  return codes.contains(status);
}

// The life of a client, and what each call answered. Nothing here but the calls themselves: the
// plan is in force.
struct Life {
  cs_error_t initialize = CS_OK;
  cs_error_t track = CS_OK;
  cs_error_t info = CS_OK;
  cs_error_t dispatch = CS_OK;
  cs_error_t finalize = CS_OK;
  votequorum_handle_t handle = kNoHandle;
  votequorum_info answer;

  Life() { memset(&answer, static_cast<int>(kUntouched), sizeof(answer)); }

  void live() {
    initialize = votequorum_initialize(&handle, nullptr);
    if (initialize != CS_OK) return;
    track = votequorum_trackstart(handle, 1, CS_TRACK_CHANGES);
    info = votequorum_getinfo(handle, 0, &answer);
    dispatch = votequorum_dispatch(handle, CS_DISPATCH_ALL);
    finalize = votequorum_finalize(handle);
  }

  [[nodiscard]] bool all_ok() const {
    return initialize == CS_OK && track == CS_OK && info == CS_OK && dispatch == CS_OK &&
           finalize == CS_OK;
  }

  void check() const {
    for (const cs_error_t status : {initialize, track, info, dispatch}) {
      EXPECT_TRUE(is_documented(status)) << status;
    }
    EXPECT_EQ(finalize, CS_OK);
    EXPECT_EQ(handle == kNoHandle, initialize != CS_OK);
    if (initialize == CS_OK && info == CS_OK) {
      EXPECT_EQ(answer.node_id, 1U);
    } else {
      const auto bytes = std::as_bytes(std::span(&answer, 1));
      EXPECT_TRUE(std::all_of(bytes.begin(), bytes.end(),
                              [](std::byte byte) { return byte == kUntouched; }));
    }
  }
};

struct Holdings {
  std::size_t descriptors;
  long heap_blocks;
  ino_t standard_input;
};

Holdings holdings() {
  struct stat input;
  EXPECT_EQ(::fstat(STDIN_FILENO, &input), 0);
  return {test::proc::count_descriptors(::getpid()), heap_blocks(), input.st_ino};
}

// With nothing failing, and patience for a daemon that is cleaning up behind the last client.
void expect_that_all_is_well() {
  EXPECT_TRUE(test::eventually([] {
    Life life;
    life.live();
    return life.all_ok();
  }));
}

// libqb 2.0.6 forgets a descriptor when it cannot map a file of the daemon's; so it is there, with
// every library that uses it.
std::size_t forgotten_by_libqb(Call call) { return call == Call::kMmap && injected() > 0 ? 1 : 0; }

void live_under(const Plan& plan) {
  expect_that_all_is_well();
  (void)holdings();  // looking takes memory the first time
  const Holdings before = holdings();
  Life life;
  arm(plan);
  life.live();
  disarm();
  const Holdings after = holdings();

  life.check();
  EXPECT_GE(after.descriptors, before.descriptors);
  EXPECT_LE(after.descriptors, before.descriptors + forgotten_by_libqb(plan.call));
  EXPECT_EQ(after.standard_input, before.standard_input);
  EXPECT_LE(after.heap_blocks, before.heap_blocks);
  expect_that_all_is_well();
}

// An error that says "again" is not one that lasts.
bool can_last(const Plan& plan) { return plan.error != EINTR && plan.error != EAGAIN; }

class VotequorumFaults : public test::DaemonTest {
 protected:
  void SetUp() override {
    DaemonTest::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    expect_that_all_is_well();
  }

  unsigned expect_survival(const Plan& plan) {
    const test::Outcome outcome = in_child([&] { live_under(plan); });
    EXPECT_TRUE(outcome.exited_with(0)) << plan << ": " << outcome;
    return 1;
  }

  // Every position of one call, once and for good.
  unsigned fail_everywhere(Call call, unsigned positions) {
    unsigned runs = 0;
    for (const int error : errors_of(call)) {
      for (unsigned first = 1; first <= positions; ++first) {
        const Plan once{.call = call, .error = error, .first = first};
        runs += expect_survival(once);
        if (!can_last(once)) continue;
        runs +=
            expect_survival({.call = call, .error = error, .first = first, .times = kFromThenOn});
      }
    }
    return runs;
  }
};

TEST_F(VotequorumFaults, EveryCallMayFail) {
  constexpr unsigned kMostPositions = 12;  // after that they repeat
  unsigned positions[std::size(kCalls)];
  Life life;
  count_only();
  life.live();
  disarm();
  ASSERT_TRUE(life.all_ok());
  for (std::size_t i = 0; i < std::size(kCalls); ++i) positions[i] = calls_of(kCalls[i]);

  unsigned runs = 0;
  for (std::size_t i = 0; i < std::size(kCalls); ++i) {
    const unsigned most = std::min(positions[i], kMostPositions);
    const unsigned here = fail_everywhere(kCalls[i], most);
    std::cout << name_of(kCalls[i]) << ": " << positions[i] << " calls, " << here << " runs"
              << std::endl;
    runs += here;
  }
  std::cout << runs << " runs" << std::endl;
  EXPECT_GT(runs, 100U);
  EXPECT_TRUE(daemon().running());
}

// In force until it goes.
class Limit {
 public:
  Limit(__rlimit_resource resource, rlim_t value) : resource_(resource) {
    EXPECT_EQ(::getrlimit(resource, &before_), 0);
    const rlimit lowered{.rlim_cur = value, .rlim_max = before_.rlim_max};
    EXPECT_EQ(::setrlimit(resource, &lowered), 0);
  }
  ~Limit() { ::setrlimit(resource_, &before_); }

 private:
  const __rlimit_resource resource_;
  rlimit before_;
};

TEST_F(VotequorumFaults, SoManyDescriptorsLeft) {
  for (unsigned left = 0; left <= 10; ++left) {
    const auto outcome = in_child([left] {
      expect_that_all_is_well();
      const Holdings before = holdings();
      Life life;
      {
        const Limit limit(RLIMIT_NOFILE, descriptor_limit(left));
        life.live();
      }
      life.check();
      EXPECT_TRUE(life.initialize == CS_OK || life.initialize == CS_ERR_LIBRARY);
      EXPECT_TRUE(left > 0 || life.initialize != CS_OK);
      EXPECT_TRUE(left < 10 || life.initialize == CS_OK);
      EXPECT_EQ(holdings().descriptors, before.descriptors);
      EXPECT_EQ(holdings().standard_input, before.standard_input);
      expect_that_all_is_well();
    });
    EXPECT_TRUE(outcome.exited_with(0)) << left << " descriptors left: " << outcome;
  }
}

TEST_F(VotequorumFaults, SoMuchAddressSpaceLeft) {
  unsigned refused = 0;
  for (unsigned kib = 0; kib <= 1024; kib += 64) {
    const auto outcome = in_child([kib] {
      expect_that_all_is_well();
      Life life;
      const auto used = test::proc::status_number(::getpid(), "VmSize");
      {
        const Limit limit(RLIMIT_AS, static_cast<rlim_t>(used + kib) * 1024);
        life.live();
      }
      life.check();
      expect_that_all_is_well();
      if (life.initialize != CS_OK) ::_exit(testing::Test::HasFailure() ? 1 : 2);
    });
    refused += outcome.exited_with(2) ? 1U : 0U;
    EXPECT_TRUE(outcome.exited_with(0) || outcome.exited_with(2)) << kib << " KiB: " << outcome;
  }
  EXPECT_GT(refused, 0U);
  EXPECT_LT(refused, 17U);
}

// The daemon makes the files of a connection; with no room for them it cannot serve one more.
TEST_F(VotequorumFaults, SharedMemoryIsFull) {
  const DevShm memory;
  const Holdings before = holdings();
  // Not at once: the daemon still holds the files of clients that have gone.
  EXPECT_TRUE(test::eventually([&] {
    Life life;
    if (!memory.leave_no_room()) return false;
    life.live();
    life.check();
    return life.initialize != CS_OK;
  }));
  EXPECT_EQ(holdings().descriptors, before.descriptors);
  ASSERT_TRUE(memory.make_room()) << strerror(errno);
  expect_that_all_is_well();
}

}  // namespace
}  // namespace cs::faults
