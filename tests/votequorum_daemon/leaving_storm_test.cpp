// SPDX-License-Identifier: BSD-3-Clause
// Thousands of calls left at any instruction: every answer that comes must be the right one.
#include <corosync/votequorum.h>

#include <atomic>
#include <random>

#include "support/sanitized.h"
#include "votequorum_daemon/daemon_session.h"
#include "votequorum_daemon/vanishing.h"

namespace cs::test {
namespace {

// One of several requests with different answers, or a dispatch. False for a wrong answer.
bool call_and_check(votequorum_handle_t handle, unsigned which) {
  votequorum_info info{};
  void* context = nullptr;
  switch (which % 8) {
    case 0:
      return votequorum_getinfo(handle, 0, &info) == CS_OK && info.node_id == 1;
    case 1:
      return votequorum_setexpected(handle, 0) == CS_ERR_INVALID_PARAM;
    case 2:
      return votequorum_getinfo(handle, 99, &info) == CS_ERR_NOT_EXIST;
    case 3:
      return votequorum_setvotes(handle, 99, 1) == CS_ERR_NAME_NOT_FOUND;
    case 4:
      return votequorum_qdevice_poll(handle, "none", 1, {}) != CS_OK;
    case 5:
      return votequorum_trackstart(handle, 7, CS_TRACK_CURRENT) == CS_OK;
    case 6:
      return votequorum_dispatch(handle, CS_DISPATCH_ALL) == CS_OK;
    default:
      return votequorum_context_get(handle, &context) == CS_OK;
  }
}

// Without callbacks: what they are left by a jump in the middle of holds its handle until the
// thread ends.
class StormBeyondStock : public SharedDaemonTest {
 protected:
  void SetUp() override {
    SharedDaemonTest::SetUp();
    if (IsSkipped()) return;
    before_ = Holdings::now();
    ASSERT_EQ(votequorum_initialize(&handle_, nullptr), CS_OK);
  }
  void expect_calm() {
    for (unsigned which = 0; which < 8; ++which) {
      EXPECT_TRUE(call_and_check(handle_, which)) << which;
    }
    EXPECT_EQ(votequorum_finalize(handle_), CS_OK);
    EXPECT_TRUE(back_to(before_));
  }

  votequorum_handle_t handle_ = 0;

  Holdings before_{};
};

TEST_F(StormBeyondStock, JumpsAtAnyMoment) {
  const TimeLimit limit;
  std::minstd_rand random(1);
  const int rounds = kSanitized ? 300 : 3000;
  int jumps = 0;
  volatile unsigned wrong = 0;
  volatile unsigned which = 0;
  for (int round = 0; round < rounds; ++round) {
    const long delay = 50 + static_cast<long>(random() % 450);
    const bool returned = TimeLimit::run(delay, [&] {
      for (unsigned i = 0; i < 100000; ++i) {
        which = which + 1;
        if (!call_and_check(handle_, which)) wrong = wrong + 1;
      }
    });
    if (!returned) ++jumps;
  }
  EXPECT_EQ(jumps, rounds);
  EXPECT_EQ(wrong, 0U);
  expect_calm();
}

// The workers come and go; a steady thread must notice nothing.
TEST_F(StormBeyondStock, CancellationsAtAnyMoment) {
  std::atomic<unsigned> wrong = 0;
  std::atomic<bool> stop = false;
  std::thread steady([&] {
    for (unsigned which = 0; !stop; ++which) {
      if (!call_and_check(handle_, which)) ++wrong;
    }
  });
  std::minstd_rand random(1);
  const int rounds = kSanitized ? 50 : 300;
  for (int round = 0; round < rounds; ++round) {
    const bool deferred = kThreadSanitized || round % 2 == 0;
    const auto type = deferred ? PTHREAD_CANCEL_DEFERRED : PTHREAD_CANCEL_ASYNCHRONOUS;
    const auto work = [&] {
      for (unsigned which = 0;; ++which) {
        if (!call_and_check(handle_, which)) ++wrong;
      }
    };
    Victim first(work, type);
    Victim second(work, type);
    std::this_thread::sleep_for(std::chrono::microseconds(50 + random() % 2000));
    first.cancel();
    second.cancel();
    ASSERT_TRUE(first.ends() && second.ends()) << round;
  }
  stop = true;
  steady.join();
  EXPECT_EQ(wrong, 0U);
  expect_calm();
}

}  // namespace
}  // namespace cs::test
