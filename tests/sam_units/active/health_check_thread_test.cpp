// SPDX-License-Identifier: BSD-3-Clause
// Event-driven checking: who is called when, and that nothing is after a stop.
#include "sam/active/health_check_thread.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "sam_units/active/health_check_support.h"

namespace cs::sam {
namespace {

constexpr Nanoseconds kMs = kNanosecondsPerMillisecond;
constexpr Nanoseconds kInterval = 8 * kMs;

std::atomic<unsigned> g_checks, g_calls;
std::atomic<int> g_answer;
std::atomic<cs_error_t> g_check_answer;
std::atomic<bool> g_held;
std::atomic<bool> g_blocked_sigterm, g_blocked_report;  // of a fault, or a lost supervisor
char g_name[16];
HealthCheckThread* g_thread;

cs_error_t count_check(void*) noexcept {
  ++g_checks;
  return g_check_answer;
}

int count_call() {
  ++g_calls;
  while (g_held) ::poll(nullptr, 0, 1);
  return g_answer;
}

int note_name() {
  if (::prctl(PR_GET_NAME, g_name) == 0) ++g_calls;
  return 0;
}

int stop_from_inside() {
  stop(*g_thread);
  ++g_calls;
  return 0;
}

int use_much_stack() {
  volatile char room[100 * 1024];
  for (std::size_t i = 0; i < sizeof(room); i += 1024) room[i] = 1;
  ++g_calls;
  return room[0] - 1;
}

int look_at_mask() {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  g_blocked_sigterm = sigismember(&mask, SIGTERM) == 1;
  for (const int number : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGPIPE, SIGSEGV, SIGSYS, SIGTRAP})
    g_blocked_report = g_blocked_report || sigismember(&mask, number) == 1;
  ++g_calls;
  return 0;
}

// The thread lives until the program ends, and so must the object.
class SamHealthCheckThread : public testing::Test {
 protected:
  void SetUp() override {
    g_checks = 0;
    g_calls = 0;
    g_answer = 0;
    g_check_answer = CS_OK;
    g_held = false;
    thread_ = new HealthCheckThread(count_check, nullptr);
    g_thread = thread_;
  }
  void TearDown() override {
    g_held = false;
    stop(*thread_);
  }
  HealthCheckThread* thread_ = nullptr;
};

TEST_F(SamHealthCheckThread, NoCallbackAsTheFirstIsRefused) {
  EXPECT_EQ(thread_->set_callback(nullptr, kInterval), CS_ERR_INVALID_PARAM);
  EXPECT_EQ(thread_->set_callback(count_call, kInterval), CS_OK);
  EXPECT_EQ(thread_->set_callback(nullptr, kInterval), CS_OK);
}

// Two threads may have set it and started at once.
TEST_F(SamHealthCheckThread, CallbackThatIsSetAfterTheStartIsCalled) {
  ASSERT_EQ(thread_->set_callback(count_call, kInterval), CS_OK);
  ASSERT_EQ(thread_->set_callback(nullptr, kInterval), CS_OK);
  thread_->start();
  ::poll(nullptr, 0, 20);  // it sleeps again by now
  ASSERT_EQ(thread_->set_callback(count_call, kInterval), CS_OK);
  EXPECT_TRUE(reaches(g_calls, 1));
}

TEST_F(SamHealthCheckThread, WithoutACallbackStartAndStopDoNothing) {
  thread_->start();
  stop(*thread_);
  EXPECT_EQ(g_checks, 0U);
}

TEST_F(SamHealthCheckThread, FourChecksGoWithEachCall) {
  ASSERT_EQ(thread_->set_callback(count_call, kInterval), CS_OK);
  thread_->start();
  ASSERT_TRUE(reaches(g_calls, 5));
  stop(*thread_);
  EXPECT_GE(g_checks, 4 * g_calls);
  EXPECT_LE(g_checks, 4 * (g_calls + 1));  // a stop may come between the check and the call
}

TEST_F(SamHealthCheckThread, IsToldByItsNameInAListOfThreads) {
  ASSERT_EQ(thread_->set_callback(note_name, kInterval), CS_OK);
  thread_->start();
  ASSERT_TRUE(reaches(g_checks, 8));  // each call comes after four
  stop(*thread_);
  EXPECT_STREQ(g_name, "sam-health");
}

TEST_F(SamHealthCheckThread, NothingRunsBeforeStart) {
  ASSERT_EQ(thread_->set_callback(count_call, kInterval), CS_OK);
  ::poll(nullptr, 0, 50);
  EXPECT_EQ(g_checks, 0U);
  EXPECT_EQ(g_calls, 0U);
}

TEST_F(SamHealthCheckThread, NoCallbackRunsOnceStopHasReturned) {
  ASSERT_EQ(thread_->set_callback(count_call, kMs), CS_OK);
  for (int round = 0; round < 50; ++round) {
    thread_->start();
    ASSERT_TRUE(reaches(g_calls, static_cast<unsigned>(round)));
    stop(*thread_);
    const unsigned calls = g_calls;
    ::poll(nullptr, 0, 3);
    ASSERT_EQ(g_calls, calls);
  }
}

TEST_F(SamHealthCheckThread, FailedCallbackIsNeverCalledAgain) {
  g_answer = 1;
  ASSERT_EQ(thread_->set_callback(count_call, kInterval), CS_OK);
  thread_->start();
  ASSERT_TRUE(reaches(g_calls, 1));
  stop(*thread_);
  const unsigned checks = g_checks;
  thread_->start();
  ::poll(nullptr, 0, 100);
  EXPECT_EQ(g_calls, 1U);
  EXPECT_EQ(g_checks, checks);
}

TEST_F(SamHealthCheckThread, AnotherCallbackTakesItsPlace) {
  g_answer = 1;
  ASSERT_EQ(thread_->set_callback(count_call, kInterval), CS_OK);
  thread_->start();
  ASSERT_TRUE(reaches(g_calls, 1));
  stop(*thread_);
  ASSERT_EQ(thread_->set_callback(look_at_mask, kInterval), CS_OK);
  thread_->start();
  EXPECT_TRUE(reaches(g_calls, 3));
}

TEST_F(SamHealthCheckThread, NullSwitchesBackToTheApplication) {
  ASSERT_EQ(thread_->set_callback(count_call, kInterval), CS_OK);
  ASSERT_EQ(thread_->set_callback(nullptr, kInterval), CS_OK);
  thread_->start();
  ::poll(nullptr, 0, 50);
  EXPECT_EQ(g_checks, 0U);
}

TEST_F(SamHealthCheckThread, BlockingCallbackSendsNoMoreChecks) {
  g_held = true;
  ASSERT_EQ(thread_->set_callback(count_call, kInterval), CS_OK);
  thread_->start();
  ASSERT_TRUE(reaches(g_calls, 1));
  const unsigned checks = g_checks;
  ::poll(nullptr, 0, 50);
  EXPECT_EQ(g_checks, checks);
}

TEST_F(SamHealthCheckThread, StopDoesNotWaitForEverForABlockingCallback) {
  g_held = true;
  ASSERT_EQ(thread_->set_callback(count_call, kInterval), CS_OK);
  thread_->start();
  ASSERT_TRUE(reaches(g_calls, 1));
  stop(*thread_);
  EXPECT_EQ(g_calls, 1U);
}

// The quickest of some, on a machine that may be busy.
TEST_F(SamHealthCheckThread, StopThatWaitsForTheCallbackReturnsWithIt) {
  ASSERT_EQ(thread_->set_callback(count_call, kInterval), CS_OK);
  Nanoseconds quickest = 1000 * kMs;
  for (unsigned round = 1; round <= 10; ++round) {
    g_held = true;
    const unsigned calls = g_calls;
    thread_->start();
    ASSERT_TRUE(reaches(g_calls, calls + 1));
    std::thread release([] {
      ::poll(nullptr, 0, 20);
      g_held = false;
    });
    const Nanoseconds begun = monotonic_now();
    stop(*thread_);
    quickest = std::min(quickest, monotonic_now() - begun);
    release.join();
  }
  EXPECT_LT(quickest, 150 * kMs);  // its patience is 200 ms
}

TEST_F(SamHealthCheckThread, CallbackMayStopItself) {
  ASSERT_EQ(thread_->set_callback(stop_from_inside, kInterval), CS_OK);
  thread_->start();
  ASSERT_TRUE(reaches(g_calls, 1));
  const unsigned checks = g_checks;
  ::poll(nullptr, 0, 50);
  EXPECT_EQ(g_calls, 1U);
  EXPECT_EQ(g_checks, checks);
}

TEST_F(SamHealthCheckThread, CallbackHasAStackWorthTheName) {
  ASSERT_EQ(thread_->set_callback(use_much_stack, kInterval), CS_OK);
  thread_->start();
  EXPECT_TRUE(reaches(g_calls, 2));
}

TEST_F(SamHealthCheckThread, CallbackHasTheMaskOfWhoHasRegisteredIt) {
  std::thread([&] {
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    pthread_sigmask(SIG_SETMASK, &mask, nullptr);
    ASSERT_EQ(thread_->set_callback(look_at_mask, kInterval), CS_OK);
  }).join();
  thread_->start();
  ASSERT_TRUE(reaches(g_calls, 1));
  EXPECT_TRUE(g_blocked_sigterm);
  EXPECT_FALSE(g_blocked_report);
  stop(*thread_);
  ASSERT_EQ(thread_->set_callback(look_at_mask, kInterval), CS_OK);
  thread_->start();
  ASSERT_TRUE(reaches(g_calls, 3));
  EXPECT_FALSE(g_blocked_sigterm);
}

TEST_F(SamHealthCheckThread, CheckIsSentWithAllSignalsBlockedButReports) {
  auto* const thread = new HealthCheckThread(
      [](void*) noexcept {
        look_at_mask();
        return CS_OK;
      },
      nullptr);
  ASSERT_EQ(thread->set_callback(count_call, kInterval), CS_OK);
  thread->start();
  ASSERT_TRUE(reaches(g_calls, 10));
  stop(*thread);
  EXPECT_TRUE(g_blocked_sigterm);
  EXPECT_FALSE(g_blocked_report);
}

TEST_F(SamHealthCheckThread, CheckThatCannotBeSentEndsThemUntilTheNextStart) {
  ASSERT_EQ(thread_->set_callback(count_call, kMs), CS_OK);
  g_check_answer = CS_ERR_LIBRARY;
  thread_->start();
  ASSERT_TRUE(reaches(g_checks, 1));
  ::poll(nullptr, 0, 50);
  EXPECT_EQ(g_checks, 1U);
  EXPECT_EQ(g_calls, 0U);
  g_check_answer = CS_OK;
  stop(*thread_);
  thread_->start();
  EXPECT_TRUE(reaches(g_calls, 3));
}

// Once a second at least: a check is also a look for the supervisor.
TEST_F(SamHealthCheckThread, LongIntervalHasMoreChecksNotMoreCalls) {
  ASSERT_EQ(thread_->set_callback(count_call, 24 * 3600 * 1000 * kMs), CS_OK);
  thread_->start();
  EXPECT_TRUE(reaches(g_checks, 6));
  EXPECT_EQ(g_calls, 0U);
}

TEST_F(SamHealthCheckThread, PausesBetweenChecksAreASecondAtMost) {
  ASSERT_EQ(thread_->set_callback(count_call, 4001 * kMs), CS_OK);
  thread_->start();
  EXPECT_TRUE(reaches(g_calls, 1));
  EXPECT_GE(g_checks, 5U);  // four would be further apart
}

TEST_F(SamHealthCheckThread, NoIntervalIsNoCall) {
  EXPECT_EQ(thread_->set_callback(nullptr, 0), CS_ERR_INVALID_PARAM);
  ASSERT_EQ(thread_->set_callback(count_call, 0), CS_OK);
  ASSERT_EQ(thread_->prepare(), CS_OK);
  thread_->start();
  ::poll(nullptr, 0, 50);
  EXPECT_EQ(g_checks, 0U);
  EXPECT_EQ(g_calls, 0U);
}

// The thread goes, as whoever wrote this wants; what it was for is done by it no more.
int end_the_thread() {
  ++g_calls;
  pthread_exit(nullptr);
}

int cancel_the_thread() {
  ++g_calls;
  pthread_cancel(pthread_self());
  pthread_testcancel();
  return 0;
}

class SamHealthCheckThreadEnds : public SamHealthCheckThread,
                                 public testing::WithParamInterface<sam_hc_callback_t> {};

TEST_P(SamHealthCheckThreadEnds, AreAFailureThatANewCallbackMends) {
  ASSERT_EQ(thread_->set_callback(GetParam(), kInterval), CS_OK);
  thread_->start();
  ASSERT_TRUE(reaches(g_calls, 1));
  stop(*thread_);
  const unsigned checks = g_checks;
  ASSERT_EQ(thread_->prepare(), CS_OK);
  thread_->start();
  ::poll(nullptr, 0, 100);
  EXPECT_EQ(g_checks, checks);
  EXPECT_EQ(g_calls, 1U);
  stop(*thread_);
  ASSERT_EQ(thread_->set_callback(count_call, kInterval), CS_OK);
  thread_->start();
  EXPECT_TRUE(reaches(g_calls, 3));
}

INSTANTIATE_TEST_SUITE_P(By, SamHealthCheckThreadEnds,
                         testing::Values(end_the_thread, cancel_the_thread));

std::atomic<int> g_handled;

void stop_in_handler(int) {
  const int error = errno;
  stop(*g_thread);
  errno = error;
  ++g_handled;
}

// Signals are let in, and a handler may want the same.
TEST_F(SamHealthCheckThread, HandlerMayStopWhatItInterruptsStopping) {
  struct sigaction action {};
  struct sigaction previous;
  action.sa_handler = stop_in_handler;
  ::sigaction(SIGALRM, &action, &previous);
  g_handled = 0;
  g_held = true;
  ASSERT_EQ(thread_->set_callback(count_call, kInterval), CS_OK);
  thread_->start();
  ASSERT_TRUE(reaches(g_calls, 1));
  const itimerval soon{{0, 0}, {0, 20'000}};
  ::setitimer(ITIMER_REAL, &soon, nullptr);
  stop(*thread_);
  for (int i = 0; i < 20000 && g_handled == 0; ++i) ::poll(nullptr, 0, 1);
  EXPECT_EQ(g_handled, 1);
  ::sigaction(SIGALRM, &previous, nullptr);
}

TEST_F(SamHealthCheckThread, PausesAreAMillisecondAtLeast) {
  ASSERT_EQ(thread_->set_callback(count_call, kMs), CS_OK);
  const Nanoseconds begun = monotonic_now();
  thread_->start();
  ASSERT_TRUE(reaches(g_checks, 20));
  const unsigned checks = g_checks;
  EXPECT_GE(monotonic_now() - begun, (checks - 1) * kMs);
}

}  // namespace
}  // namespace cs::sam
