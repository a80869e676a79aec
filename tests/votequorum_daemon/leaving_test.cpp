// SPDX-License-Identifier: BSD-3-Clause
// Calls that are left early, with the real daemon: the handle stays usable, no answer goes to
// somebody else, and nothing is left behind.
#include <corosync/votequorum.h>

#include <atomic>
#include <chrono>

#include "support/sanitized.h"
#include "votequorum_daemon/daemon_session.h"
#include "votequorum_daemon/vanishing.h"

namespace cs::test {
namespace {

using std::chrono::seconds;

class Leaving : public SharedDaemonTest, public testing::WithParamInterface<int> {
 protected:
  void SetUp() override {
    before_ = Holdings::now();
    SharedDaemonTest::SetUp();
  }
  void TearDown() override {
    if (!IsSkipped()) daemon().resume();
  }

  // Three requests with three answers: none may get another's.
  void expect_in_step() {
    votequorum_info info{};
    EXPECT_EQ(votequorum_getinfo(handle(), 0, &info), CS_OK);
    EXPECT_EQ(info.node_id, 1U);
    EXPECT_EQ(votequorum_setexpected(handle(), 0), CS_ERR_INVALID_PARAM);
    EXPECT_EQ(votequorum_getinfo(handle(), 99, &info), CS_ERR_NOT_EXIST);
    EXPECT_EQ(votequorum_setvotes(handle(), 99, 1), CS_ERR_NAME_NOT_FOUND);
  }
  void expect_nothing_left() {
    EXPECT_EQ(session_.finalize(), CS_OK);
    EXPECT_TRUE(back_to(before_));
  }
  void request() {
    votequorum_info info;
    votequorum_getinfo(handle(), 0, &info);
  }

  Holdings before_{};
};

std::string name_of(const testing::TestParamInfo<int>& type) {
  return type.param == PTHREAD_CANCEL_DEFERRED ? "Deferred" : "Asynchronous";
}
const auto kBothTypes = testing::Values(PTHREAD_CANCEL_DEFERRED, PTHREAD_CANCEL_ASYNCHRONOUS);

INSTANTIATE_TEST_SUITE_P(Type, Leaving, kBothTypes, name_of);

// Who waits, sleeps.
void let_it_wait() { std::this_thread::sleep_for(milliseconds(100)); }

TEST_P(Leaving, DispatchThatWaitsCanBeCancelled) {
  for (const auto flag : {CS_DISPATCH_BLOCKING, CS_DISPATCH_ONE}) {
    Victim victim([&] { votequorum_dispatch(handle(), flag); }, GetParam());
    let_it_wait();
    victim.cancel();
    ASSERT_TRUE(victim.ends());
    EXPECT_TRUE(victim.was_cancelled());
    EXPECT_EQ(session_.getinfo(), CS_OK);
    EXPECT_EQ(votequorum_trackstart(handle(), 7, CS_TRACK_CURRENT), CS_OK);
    EXPECT_EQ(session_.dispatch(CS_DISPATCH_ALL), CS_OK);
    EXPECT_EQ(session_.take_events().size(), 2U);
  }
}

TEST_P(Leaving, RequestsThatWaitCanBeCancelledInAnyOrder) {
  daemon().pause();
  Victim first([&] { request(); }, GetParam());
  let_it_wait();
  Victim second([&] { request(); }, GetParam());
  let_it_wait();
  second.cancel();
  EXPECT_TRUE(second.ends());
  first.cancel();
  EXPECT_TRUE(first.ends());
}

class LeavingBeyondStock : public Leaving {};
INSTANTIATE_TEST_SUITE_P(Type, LeavingBeyondStock, kBothTypes, name_of);

TEST_P(LeavingBeyondStock, AnswerOfACancelledRequestGoesToNobody) {
  daemon().pause();
  Victim victim([&] { request(); }, GetParam());
  let_it_wait();
  victim.cancel();
  ASSERT_TRUE(victim.ends(seconds(10)));
  EXPECT_TRUE(victim.was_cancelled());
  daemon().resume();
  EXPECT_EQ(votequorum_setexpected(handle(), 0), CS_ERR_INVALID_PARAM);
  expect_in_step();
  expect_nothing_left();
}

// The first waits for its answer, the others for their turn.
TEST_P(LeavingBeyondStock, CancelledAmongOthersDisturbsNone) {
  daemon().pause();
  std::atomic<int> right = 0;
  Victim first([&] { request(); }, GetParam());
  let_it_wait();
  std::vector<std::thread> others;
  for (int i = 0; i < 4; ++i) {
    others.emplace_back([&] {
      votequorum_info info{};
      if (votequorum_getinfo(handle(), 0, &info) == CS_OK && info.node_id == 1) ++right;
      if (votequorum_setexpected(handle(), 0) == CS_ERR_INVALID_PARAM) ++right;
    });
  }
  Victim last([&] { request(); }, GetParam());
  let_it_wait();
  last.cancel();
  EXPECT_TRUE(last.ends(seconds(10)));
  first.cancel();
  EXPECT_TRUE(first.ends(seconds(10)));
  daemon().resume();
  for (std::thread& thread : others) thread.join();
  EXPECT_EQ(right, 8);
  expect_in_step();
  expect_nothing_left();
}

using EntryBeyondStock = Leaving;

// A cancellation that waits already when the call begins. (One of the asynchronous type never
// waits.)
TEST_F(EntryBeyondStock, WaitingCancellationLeavesAllAsItWas) {
  const auto handle = this->handle();
  ASSERT_EQ(votequorum_trackstart(handle, 7, CS_TRACK_CURRENT), CS_OK);
  static votequorum_info info;
  static char name[] = "name";
  const std::vector<std::function<void()>> calls = {
      [=] { votequorum_getinfo(handle, 0, &info); },
      [=] { votequorum_setexpected(handle, 1); },
      [=] { votequorum_setvotes(handle, 1, 1); },
      [=] { votequorum_trackstart(handle, 7, CS_TRACK_CHANGES); },
      [=] { votequorum_trackstop(handle); },
      [=] { votequorum_dispatch(handle, CS_DISPATCH_ALL); },
      [=] { votequorum_dispatch(handle, CS_DISPATCH_BLOCKING); },
      [=] { votequorum_qdevice_unregister(handle, name); },
      [=] { votequorum_qdevice_poll(handle, name, 1, {}); },
      [=] { votequorum_qdevice_master_wins(handle, name, 1); },
      [=] { votequorum_qdevice_update(handle, name, name); },
      [=] { votequorum_finalize(handle); },
  };
  for (const auto& call : calls) {
    std::atomic<bool> go = false;
    Victim victim([&] {
      ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
      while (!go) std::this_thread::yield();
      ::pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
      call();
    });
    victim.cancel();
    go = true;
    ASSERT_TRUE(victim.ends(seconds(10)));
    EXPECT_TRUE(victim.was_cancelled());
    expect_in_step();
  }
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ALL), CS_OK);
  EXPECT_EQ(session_.take_events().size(), 2U);
  expect_nothing_left();
}

TEST_P(LeavingBeyondStock, CancelledDispatchKeepsNothingOpen) {
  Victim victim([&] { votequorum_dispatch(handle(), CS_DISPATCH_BLOCKING); }, GetParam());
  let_it_wait();
  victim.cancel();
  ASSERT_TRUE(victim.ends());
  expect_in_step();
  expect_nothing_left();
}

TEST_P(LeavingBeyondStock, CancelledInitializeKeepsNothingOpen) {
  const Holdings now = Holdings::now();
  daemon().pause();
  static votequorum_handle_t unused;
  Victim victim([] { votequorum_initialize(&unused, nullptr); }, GetParam());
  let_it_wait();
  victim.cancel();
  ASSERT_TRUE(victim.ends(seconds(3)));
  EXPECT_TRUE(victim.was_cancelled());
  daemon().resume();
  EXPECT_TRUE(back_to(now));
  expect_in_step();
}

// Also where the callback is left by pthread_exit.
TEST_P(LeavingBeyondStock, ThreadThatEndsInACallbackKeepsNothingOpen) {
  if (kSanitized)
    GTEST_SKIP() << "gcc's address sanitizer fails a check of its own in pthread_exit";
  ASSERT_EQ(votequorum_trackstart(handle(), 7, CS_TRACK_CURRENT), CS_OK);
  session_.in_callback = [&](Session& session) {
    session.in_callback = {};
    ::pthread_exit(nullptr);
  };
  Victim exits([&] { votequorum_dispatch(handle(), CS_DISPATCH_ALL); }, GetParam());
  ASSERT_TRUE(exits.ends());
  session_.in_callback = [](Session& session) {
    session.in_callback = {};
    for (;;) ::pause();
  };
  Victim waits([&] { votequorum_dispatch(handle(), CS_DISPATCH_ALL); }, GetParam());
  let_it_wait();
  waits.cancel();
  ASSERT_TRUE(waits.ends());
  EXPECT_TRUE(waits.was_cancelled());
  EXPECT_EQ(session_.take_events().size(), 2U);
  expect_in_step();
  expect_nothing_left();
}

class Jumping : public Leaving {
 protected:
  const TimeLimit limit_;
};
using JumpingBeyondStock = Jumping;

TEST_F(JumpingBeyondStock, AnswerOfARequestThatWasLeftGoesToNobody) {
  daemon().pause();
  EXPECT_FALSE(TimeLimit::run(100000, [&] { request(); }));
  daemon().resume();
  EXPECT_EQ(votequorum_setexpected(handle(), 0), CS_ERR_INVALID_PARAM);
  expect_in_step();
  expect_nothing_left();
}

TEST_F(JumpingBeyondStock, RequestsOfOthersGoOn) {
  daemon().pause();
  std::atomic<int> right = 0;
  std::vector<std::thread> others;
  EXPECT_FALSE(TimeLimit::run(100000, [&] { request(); }));
  for (int i = 0; i < 3; ++i) {
    others.emplace_back([&] {
      if (votequorum_setexpected(handle(), 0) == CS_ERR_INVALID_PARAM) ++right;
    });
  }
  daemon().resume();
  for (std::thread& thread : others) thread.join();
  EXPECT_EQ(right, 3);
  expect_in_step();
  expect_nothing_left();
}

TEST_F(JumpingBeyondStock, DispatchThatWasLeftKeepsNothingOpen) {
  for (const auto flag : {CS_DISPATCH_BLOCKING, CS_DISPATCH_ONE}) {
    EXPECT_FALSE(TimeLimit::run(100000, [&] { votequorum_dispatch(handle(), flag); }));
  }
  expect_in_step();
  expect_nothing_left();
}

TEST_F(JumpingBeyondStock, InitializeThatWasLeftKeepsNothingOpen) {
  const Holdings now = Holdings::now();
  daemon().pause();
  votequorum_handle_t unused = 0;
  EXPECT_FALSE(TimeLimit::run(100000, [&] { votequorum_initialize(&unused, nullptr); }));
  daemon().resume();
  expect_in_step();
  EXPECT_TRUE(back_to(now));
}

// A thread that leaves, and then ends without another call.
TEST_F(JumpingBeyondStock, ThreadThatEndsAfterItKeepsNothingOpen) {
  daemon().pause();
  TimeLimit::keep_off(true);
  std::thread([&] {
    TimeLimit::keep_off(false);
    EXPECT_FALSE(TimeLimit::run(100000, [&] { request(); }));
  }).join();
  TimeLimit::keep_off(false);
  daemon().resume();
  EXPECT_EQ(votequorum_setexpected(handle(), 0), CS_ERR_INVALID_PARAM);
  expect_nothing_left();
}

// The same thread is cancelled later: nothing may point into the frames that it has left.
TEST_F(JumpingBeyondStock, ThreadThatIsCancelledAfterItKeepsNothingOpen) {
  daemon().pause();
  std::atomic<bool> left = false;
  TimeLimit::keep_off(true);
  Victim victim([&] {
    TimeLimit::keep_off(false);
    TimeLimit::run(100000, [&] { request(); });
    left = true;
    for (;;) ::pause();
  });
  EXPECT_TRUE(eventually([&] { return left.load(); }));
  TimeLimit::keep_off(false);
  victim.cancel();
  ASSERT_TRUE(victim.ends());
  daemon().resume();
  EXPECT_EQ(votequorum_setexpected(handle(), 0), CS_ERR_INVALID_PARAM);
  expect_in_step();
  expect_nothing_left();
}

}  // namespace
}  // namespace cs::test
