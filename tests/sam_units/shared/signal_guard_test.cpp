// SPDX-License-Identifier: BSD-3-Clause
// Signals and cancellation stay away from a guarded thread, and come in where a call waits.
#include "sam/shared/signal_guard.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace cs::sam {
namespace {

std::atomic<int> g_handled = 0;
void handle(int) { ++g_handled; }

class SamSignalGuard : public testing::Test {
 protected:
  void SetUp() override {
    g_handled = 0;
    struct sigaction counting {};
    counting.sa_handler = &handle;
    ::sigaction(SIGUSR1, &counting, &before_);
  }
  void TearDown() override { ::sigaction(SIGUSR1, &before_, nullptr); }

  struct sigaction before_ {};
};

int cancel_state() {
  int state = -1;
  ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
  ::pthread_setcancelstate(state, nullptr);
  return state;
}

TEST_F(SamSignalGuard, SignalIsHandledAfterwards) {
  {
    const SignalGuard guard;
    ::pthread_kill(::pthread_self(), SIGUSR1);
    EXPECT_EQ(g_handled, 0);
  }
  EXPECT_EQ(g_handled, 1);
}

TEST_F(SamSignalGuard, CallersMaskComesBack) {
  sigset_t usr1;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &usr1, nullptr);
  {
    const SignalGuard guard;
    EXPECT_EQ(sigismember(&guard.previous(), SIGUSR1), 1);
    EXPECT_EQ(sigismember(&guard.previous(), SIGUSR2), 0);
  }
  sigset_t after;
  ::pthread_sigmask(SIG_UNBLOCK, &usr1, &after);
  EXPECT_EQ(sigismember(&after, SIGUSR1), 1);
  EXPECT_EQ(sigismember(&after, SIGUSR2), 0);
}

TEST(SamCancelGuard, CancellationWaitsUntilItsEnd) {
  std::atomic<bool> has_passed = false;
  std::atomic<bool> has_survived = false;
  std::thread cancelled([&] {
    {
      const CancelGuard guard;
      ::pthread_cancel(::pthread_self());
      ::pthread_testcancel();
      has_passed = true;
    }
    ::pthread_testcancel();
    has_survived = true;
  });
  cancelled.join();
  EXPECT_TRUE(has_passed);
  EXPECT_FALSE(has_survived);
}

TEST(SamCancelGuard, AsynchronousCancellationIsHeldOffAsWell) {
  std::thread([] {
    int type = -1;
    ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
    ::pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr);
    {
      const CancelGuard guard;
      EXPECT_EQ(guard.previous(), PTHREAD_CANCEL_DISABLE);
      ::pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
      EXPECT_EQ(type, PTHREAD_CANCEL_DEFERRED);
    }
    ::pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
    EXPECT_EQ(type, PTHREAD_CANCEL_ASYNCHRONOUS);
    EXPECT_EQ(cancel_state(), PTHREAD_CANCEL_DISABLE);
  }).join();
}

TEST_F(SamSignalGuard, OfACallLetsSignalsInOnlyWhereItWaits) {
  const CallGuard guard(true);
  ::pthread_kill(::pthread_self(), SIGUSR1);
  EXPECT_EQ(g_handled, 0);
  pollfd nothing{-1, 0, 0};
  (void)guard.wait(&nothing, 0);
  EXPECT_EQ(g_handled, 1);
}

TEST(SamCallGuard, IsCancelledOnlyInAWaitAndOnlyIfItMayBe) {
  for (const bool lets_cancel : {false, true}) {
    std::atomic<bool> has_waited = false;
    std::thread cancelled([&] {
      const CallGuard guard(lets_cancel);
      ::pthread_cancel(::pthread_self());
      pollfd nothing{-1, 0, 0};
      (void)guard.wait(&nothing, 0);
      has_waited = true;
    });
    cancelled.join();
    EXPECT_EQ(has_waited, !lets_cancel);
  }
}

}  // namespace
}  // namespace cs::sam
