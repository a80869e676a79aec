// SPDX-License-Identifier: BSD-3-Clause
// A thread ends, or jumps, inside libqb, in a program that has no means to jump that could be seen:
// its sections are bare. This program must not refer to siglongjmp, so it finds it by name.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/socket.h>

#include <csignal>
#include <thread>

#include "support/memory_in_use.h"
#include "votequorum_standin/stand_in_test.h"

namespace cs::test {
namespace {

// What the calling thread does next time that libqb takes the byte that tells of an event, after
// the event itself; or sends the one that tells of a request.
thread_local void (*on_receive)() = nullptr;
thread_local void (*on_send)() = nullptr;

template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace
}  // namespace cs::test

// In place of libc's.
extern "C" ssize_t recv(int fd, void* buffer, std::size_t size, int flags) {
  static auto* const receive = cs::test::real<ssize_t(int, void*, std::size_t, int)>("recv");
  if (auto* const action = std::exchange(cs::test::on_receive, nullptr)) action();
  return receive(fd, buffer, size, flags);
}

extern "C" ssize_t send(int fd, const void* data, std::size_t size, int flags) {
  static auto* const send = cs::test::real<ssize_t(int, const void*, std::size_t, int)>("send");
  if (auto* const action = std::exchange(cs::test::on_send, nullptr)) action();
  return send(fd, data, size, flags);
}

namespace cs::test {
namespace {

void end_thread() { ::pthread_exit(nullptr); }
void cancel_thread() { ::pthread_cancel(::pthread_self()); }  // where it waits next

sigjmp_buf outside;
void jump() {
  using Jump = void (*)(sigjmp_buf, int);
  reinterpret_cast<Jump>(::dlsym(RTLD_DEFAULT, "siglongjmp"))(outside, 1);
}

bool holds_signals_off = false;
void look_at_signals() {
  sigset_t mask;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  holds_signals_off = ::sigismember(&mask, SIGALRM) == 1;
}

constexpr unsigned kLate = 500;  // node ids from here on are answered late

// An event for each trackstart, and answers.
void answer(Peer& peer, const Request& request) {
  if (request.id() == kTrackStart) peer.event(expected_votes_event(9, 3));
  if (request.id() != kGetInfo) return peer.reply(status_reply());
  const unsigned asked = request.u32(16);
  if (asked < kLate) return peer.reply(info_reply(asked));
  peer.after(milliseconds(20), [asked](Peer& p) { p.reply(info_reply(asked)); });
}

class LeftCall : public StandInTest {
 protected:
  // Lets a thread do this with the handle. Whether it has ended inside.
  template <typename Body>
  bool ends_in(Body body) {
    pthread_t thread;
    struct Argument {
      Body body;
      votequorum_handle_t handle;
    } argument{body, handle()};
    const auto run = [](void* data) {
      static_cast<Argument*>(data)->body(static_cast<Argument*>(data)->handle);
      return data;  // it has not ended inside
    };
    EXPECT_EQ(::pthread_create(&thread, nullptr, run, &argument), 0);
    void* result = nullptr;
    EXPECT_EQ(::pthread_join(thread, &result), 0);
    return result != &argument;
  }

  static void wait_for_event(Session& session) {
    ASSERT_EQ(votequorum_trackstart(session.handle(), 0, CS_TRACK_CURRENT), CS_OK);
    ASSERT_TRUE(session.readable(20000));
  }

  // Whether a dispatch of an event holds signals off, in a process of its own with its own handle.
  // before: what that process does first.
  template <typename Before>
  void expect_signals_held_off(bool expected, Before before) {
    stand_in_.emplace(answer);
    Child child = Child::run([expected, before] {
      Session session;
      if (!before() || session.open() != CS_OK) return 1;
      wait_for_event(session);
      on_receive = look_at_signals;
      if (session.dispatch(CS_DISPATCH_ONE) != CS_OK) return 2;
      return holds_signals_off == expected && !HasFailure() ? 0 : 3;
    });
    const Outcome outcome = child.wait();
    EXPECT_TRUE(outcome.exited_with(0)) << outcome;
  }
};

// A loop around poll() would have no rest otherwise.
TEST_F(LeftCall, NotificationOfItsEventIsDroppedSoon) {
  ASSERT_NO_FATAL_FAILURE(serve(answer));
  ASSERT_NO_FATAL_FAILURE(wait_for_event(session_));
  ASSERT_TRUE(ends_in([](votequorum_handle_t handle) {
    on_receive = end_thread;
    (void)votequorum_dispatch(handle, CS_DISPATCH_ONE);
  }));
  for (int i = 0; i < 10 && session_.readable(0); ++i) {
    (void)session_.dispatch(CS_DISPATCH_ALL);
  }
  EXPECT_FALSE(session_.readable(0));
  // The next one is not lost.
  ASSERT_NO_FATAL_FAILURE(wait_for_event(session_));
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE), CS_OK);
}

// Now and then it is there in vain because another thread was faster: that is no reason.
TEST_F(LeftCall, NotificationIsDroppedOnlyAfterVainLooksInARow) {
  ASSERT_NO_FATAL_FAILURE(serve(answer));
  ASSERT_NO_FATAL_FAILURE(wait_for_event(session_));
  ASSERT_TRUE(ends_in([](votequorum_handle_t handle) {
    on_receive = end_thread;
    (void)votequorum_dispatch(handle, CS_DISPATCH_ONE);
  }));
  for (const int looks : {2, 2}) {
    for (int i = 0; i < looks; ++i) {
      EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE_NONBLOCKING), CS_ERR_TRY_AGAIN);
    }
    EXPECT_TRUE(session_.readable(0));
    ASSERT_EQ(votequorum_trackstart(handle(), 0, CS_TRACK_CURRENT), CS_OK);
    EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE), CS_OK);
  }
}

// There is no telling where libqb was.
TEST_F(LeftCall, HalfSentRequestGivesTheConnectionUp) {
  ASSERT_NO_FATAL_FAILURE(serve(answer));
  ASSERT_EQ(session_.getinfo(), CS_OK);
  ASSERT_TRUE(ends_in([](votequorum_handle_t handle) {
    votequorum_info info;
    on_send = end_thread;
    (void)votequorum_getinfo(handle, 1, &info);
  }));
  EXPECT_EQ(session_.getinfo(), CS_ERR_LIBRARY);
  EXPECT_EQ(session_.getinfo(), CS_ERR_LIBRARY);
  EXPECT_EQ(votequorum_finalize(session_.release()), CS_OK);
  ASSERT_EQ(session_.open(), CS_OK);
  EXPECT_EQ(session_.getinfo(), CS_OK);
}

TEST_F(LeftCall, AnswerOfACancelledRequestTakesNoMemory) {
  ASSERT_NO_FATAL_FAILURE(serve(answer));
  std::size_t before = 0;
  int cancelled = 0;  // all of them, where the machine is not too busy
  for (int i = 0; i < 60; ++i) {
    if (i == 10) before = memory_in_use();
    cancelled += ends_in([](votequorum_handle_t handle) {
      votequorum_info info;
      on_send = cancel_thread;
      (void)votequorum_getinfo(handle, kLate, &info);
    });
    ASSERT_EQ(session_.getinfo(), CS_OK);  // it finds that answer ahead of its own
  }
  EXPECT_GT(cancelled, 30);
  EXPECT_LT(memory_in_use(), before + 10'000);
}

// While the parent lives nothing but the thread's own waking up can end its wait.
TEST_F(LeftCall, FinalizeInAChildEndsTheWaitOfItsThread) {
  ASSERT_NO_FATAL_FAILURE(serve(answer));
  Child child = Child::run([handle = handle()] {
    std::thread waiting([handle] {
      EXPECT_EQ(votequorum_dispatch(handle, CS_DISPATCH_BLOCKING), CS_ERR_BAD_HANDLE);
    });
    std::this_thread::sleep_for(milliseconds(100));
    const cs_error_t status = votequorum_finalize(handle);
    waiting.join();
    return status == CS_OK && !HasFailure() ? 0 : 1;
  });
  EXPECT_TRUE(child.wait().exited_with(0));
  EXPECT_EQ(session_.getinfo(), CS_OK);
}

TEST_F(LeftCall, SectionsAreBareWhereNothingCanJump) {
  expect_signals_held_off(false, [] { return true; });
}

TEST_F(LeftCall, AfterAJumpSectionsHoldSignalsOff) {
  expect_signals_held_off(true, [] {
    Session session;
    if (session.open() != CS_OK) return false;
    wait_for_event(session);
    on_receive = jump;
    if (::sigsetjmp(outside, 1) == 0) (void)session.dispatch(CS_DISPATCH_ONE);
    return !HasFailure();
  });
}

TEST_F(LeftCall, AfterLoadingWhatCanJumpSectionsHoldSignalsOff) {
  expect_signals_held_off(true, [] {
    Session session;  // the library has looked once by then
    return session.open() == CS_OK && ::dlopen(CS_JUMPING_LIBRARY, RTLD_NOW) != nullptr;
  });
}

}  // namespace
}  // namespace cs::test
