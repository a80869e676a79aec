// SPDX-License-Identifier: BSD-3-Clause
// Event-driven checking: who is called when, and that nothing is after a stop.
#include "sam/health_check_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <poll.h>
#include <signal.h>
#include <thread>

namespace cs::sam {
namespace {

constexpr Nanoseconds kMs = kNanosecondsPerMillisecond;
constexpr Nanoseconds kInterval = 8 * kMs;

std::atomic<unsigned> g_checks;
std::atomic<unsigned> g_calls;
std::atomic<int> g_answer;
std::atomic<bool> g_held;
std::atomic<bool> g_blocked_sigterm;
std::atomic<bool> g_blocked_sigsegv;
HealthCheckThread* g_thread;

void count_check() { ++g_checks; }

int count_call() {
  ++g_calls;
  while (g_held) ::poll(nullptr, 0, 1);
  return g_answer;
}

int stop_from_inside() {
  g_thread->stop();
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
  g_blocked_sigsegv = sigismember(&mask, SIGSEGV) == 1;
  ++g_calls;
  return 0;
}

// Waits until a counter has got that far; false after a generous time.
bool reaches(const std::atomic<unsigned>& counter, unsigned value) {
  for (int i = 0; i < 20000 && counter < value; ++i) ::poll(nullptr, 0, 1);
  return counter >= value;
}

// The thread lives until the program ends, and so must the object.
class SamHealthCheckThread : public testing::Test {
 protected:
  void SetUp() override {
    g_checks = 0;
    g_calls = 0;
    g_answer = 0;
    g_held = false;
    thread_ = new HealthCheckThread(count_check);
    g_thread = thread_;
  }
  void TearDown() override {
    g_held = false;
    thread_->stop();
  }
  HealthCheckThread* thread_ = nullptr;
};

TEST_F(SamHealthCheckThread, NoCallbackAsTheFirstIsRefused) {
  EXPECT_EQ(thread_->set_callback(nullptr, kInterval), CS_ERR_INVALID_PARAM);
  EXPECT_EQ(thread_->set_callback(count_call, kInterval), CS_OK);
  EXPECT_EQ(thread_->set_callback(nullptr, kInterval), CS_OK);
}

TEST_F(SamHealthCheckThread, WithoutACallbackStartAndStopDoNothing) {
  thread_->start();
  thread_->stop();
  EXPECT_EQ(g_checks, 0U);
}

TEST_F(SamHealthCheckThread, FourChecksGoWithEachCall) {
  ASSERT_EQ(thread_->set_callback(count_call, kInterval), CS_OK);
  thread_->start();
  ASSERT_TRUE(reaches(g_calls, 5));
  thread_->stop();
  EXPECT_GE(g_checks, 4 * g_calls);
  EXPECT_LE(g_checks, 4 * (g_calls + 1));  // a stop may come between the check and the call
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
    thread_->stop();
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
  thread_->stop();
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
  thread_->stop();
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
  thread_->stop();
  EXPECT_EQ(g_calls, 1U);
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

TEST_F(SamHealthCheckThread, SignalsAreLeftToTheApplicationButNotCrashes) {
  ASSERT_EQ(thread_->set_callback(look_at_mask, kInterval), CS_OK);
  thread_->start();
  ASSERT_TRUE(reaches(g_calls, 1));
  EXPECT_TRUE(g_blocked_sigterm);
  EXPECT_FALSE(g_blocked_sigsegv);
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
