// SPDX-License-Identifier: BSD-3-Clause
// Guards around system calls: no handler and no cancellation where they stand, and everything as it
// was behind them; a call that waits lets both in there and nowhere else.
#include "sam/shared/signal_guard.h"

#include <gtest/gtest.h>

#include <atomic>
#include <tuple>
#include <unistd.h>

#include "common/clock.h"
#include "sam_units/counted_poll.h"

namespace cs::sam {
namespace {

std::atomic<int> g_handled;

// SIGUSR1 is counted while this lives.
class CountedSignal {
 public:
  CountedSignal() {
    g_handled = 0;
    struct sigaction action = {};
    action.sa_handler = [](int) { ++g_handled; };
    ::sigaction(SIGUSR1, &action, &before_);
  }
  ~CountedSignal() { ::sigaction(SIGUSR1, &before_, nullptr); }

 private:
  struct sigaction before_ = {};
};

TEST(SamSignalGuard, HoldsSignalsOffToItsEnd) {
  const CountedSignal counted;
  {
    const SignalGuard guard;
    ::raise(SIGUSR1);
    EXPECT_EQ(g_handled, 0);
  }
  EXPECT_EQ(g_handled, 1);
}

// The kernel ends a process whose filter asks for a handler that is held off.
TEST(SamSignalGuard, LeavesSystemCallsToAFilterWithAHandler) {
  sigset_t before;
  sigset_t inside;
  pthread_sigmask(SIG_BLOCK, nullptr, &before);
  {
    const SignalGuard guard;
    pthread_sigmask(SIG_BLOCK, nullptr, &inside);
  }
  EXPECT_EQ(sigismember(&inside, SIGSYS), sigismember(&before, SIGSYS));
  EXPECT_EQ(sigismember(&inside, SIGTERM), 1);
}

class SamCancelGuard : public testing::TestWithParam<std::tuple<int, int>> {};

// In a thread of its own, whose state nobody else needs.
template <typename Body>
void* result_in_a_thread(Body body) {
  pthread_t thread;
  const auto run = [](void* self) -> void* { return (*static_cast<Body*>(self))(); };
  if (pthread_create(&thread, nullptr, run, &body) != 0) {
    ADD_FAILURE() << "no thread";
    return nullptr;
  }
  void* result = nullptr;
  pthread_join(thread, &result);
  return result;
}

TEST_P(SamCancelGuard, LeavesStateAndTypeAsTheyWere) {
  const auto [wanted_state, wanted_type] = GetParam();
  EXPECT_EQ(result_in_a_thread([state = wanted_state, type = wanted_type]() -> void* {
              int found = -1;
              pthread_setcancelstate(state, nullptr);
              pthread_setcanceltype(type, nullptr);
              {
                const CancelGuard guard;
                EXPECT_EQ(guard.previous(), state);
                pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &found);
                EXPECT_EQ(found, PTHREAD_CANCEL_DEFERRED);
                pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &found);
                EXPECT_EQ(found, PTHREAD_CANCEL_DISABLE);
              }
              pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &found);
              EXPECT_EQ(found, type);
              pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &found);
              EXPECT_EQ(found, state);
              return nullptr;
            }),
            nullptr);
}

INSTANTIATE_TEST_SUITE_P(
    Of, SamCancelGuard,
    testing::Combine(testing::Values(PTHREAD_CANCEL_ENABLE, PTHREAD_CANCEL_DISABLE),
                     testing::Values(PTHREAD_CANCEL_DEFERRED, PTHREAD_CANCEL_ASYNCHRONOUS)));

// One that is on its way is a signal, which glibc's handler takes in a call that may wait, and not
// in the code behind the guard.
TEST(SamCancelGuard, GivesAnAsynchronousCancellationAPlaceToArrive) {
  for (const int type : {PTHREAD_CANCEL_DEFERRED, PTHREAD_CANCEL_ASYNCHRONOUS}) {
    g_polls = 0;
    (void)result_in_a_thread([type]() -> void* {
      pthread_setcanceltype(type, nullptr);
      const CancelGuard guard;
      return nullptr;
    });
    EXPECT_EQ(g_polls, type == PTHREAD_CANCEL_ASYNCHRONOUS ? 1 : 0);
  }
}

TEST(SamCallGuard, LetsSignalsInOnlyWhereItWaits) {
  const CountedSignal counted;
  {
    const CallGuard guard(false);
    ::raise(SIGUSR1);
    EXPECT_EQ(g_handled, 0);
    pollfd none{-1, 0, 0};
    EXPECT_EQ(guard.wait(&none, 30'000), -1);
    EXPECT_EQ(g_handled, 1);
    ::raise(SIGUSR1);
    EXPECT_EQ(g_handled, 1);
  }
  EXPECT_EQ(g_handled, 2);
}

TEST(SamCallGuard, WaitsAsLongAsItIsTold) {
  const CallGuard guard(false);
  for (const int timeout_ms : {30, 1100}) {
    pollfd none{-1, 0, 0};
    const Nanoseconds begun = monotonic_now();
    EXPECT_EQ(guard.wait(&none, timeout_ms), 0);
    EXPECT_GE(monotonic_now() - begun, timeout_ms * kNanosecondsPerMillisecond);
  }
}

// Whether the thread ends in its wait, and not before.
void* wait_cancelled(bool lets_cancel, bool& got_there, bool& got_on) {
  pollfd none{-1, 0, 0};
  return result_in_a_thread([&]() -> void* {
    const CallGuard guard(lets_cancel);
    pthread_cancel(pthread_self());
    (void)::poll(nullptr, 0, 1);
    got_there = true;
    (void)guard.wait(&none, 1);
    got_on = true;
    return nullptr;
  });
}

TEST(SamCallGuard, IsCancelledOnlyWhereItWaits) {
  bool got_there = false;
  bool got_on = false;
  EXPECT_EQ(wait_cancelled(true, got_there, got_on), PTHREAD_CANCELED);
  EXPECT_TRUE(got_there);
  EXPECT_FALSE(got_on);
}

// Where nobody could clean up after it.
TEST(SamCallGuard, IsNotCancelledWhereThatIsNotLetIn) {
  bool got_there = false;
  bool got_on = false;
  (void)wait_cancelled(false, got_there, got_on);
  EXPECT_TRUE(got_on);
}

}  // namespace
}  // namespace cs::sam
