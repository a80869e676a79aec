// SPDX-License-Identifier: BSD-3-Clause
// Event-driven checking where two things happen at once: a stop between check and callback, a new
// callback while the old one runs, a thread that is cancelled from outside.
#include "sam/active/health_check_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <dlfcn.h>
#include <iterator>
#include <poll.h>
#include <pthread.h>

#include "sam_units/active/health_check_support.h"

namespace cs::sam {
namespace {

constexpr Nanoseconds kInterval = 8 * kNanosecondsPerMillisecond;

std::atomic<unsigned> g_checks, g_calls, g_other_calls;
std::atomic<unsigned> g_halt_at;  // this check stops the thread; 0: none
std::atomic<bool> g_held;
std::atomic<pthread_t> g_checker;
HealthCheckThread* g_thread;
constinit std::atomic<bool> g_no_threads = false;
std::atomic<Nanoseconds> g_times[1000];  // of the checks

}  // namespace
}  // namespace cs::sam

// In place of libc's.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*body)(void*), void* argument) noexcept {
  if (cs::sam::g_no_threads) return EAGAIN;
  static const auto real =
      reinterpret_cast<decltype(&pthread_create)>(::dlsym(RTLD_NEXT, "pthread_create"));
  return real(thread, attributes, body, argument);
}

namespace cs::sam {
namespace {

cs_error_t count_check(void*) noexcept {
  const unsigned number = ++g_checks;
  if (number < std::size(g_times)) g_times[number] = monotonic_now();
  if (number == g_halt_at) g_thread->halt();
  return CS_OK;
}

int count_call() {
  ++g_calls;
  return 0;
}

int count_other_call() {
  ++g_other_calls;
  return 0;
}

int hold_the_first() {
  if (++g_calls == 1) {
    while (g_held) ::poll(nullptr, 0, 1);
  }
  return 0;
}

int fail_when_let_go() {
  ++g_calls;
  while (g_held) ::poll(nullptr, 0, 1);
  return -1;
}

int end_when_let_go() {
  ++g_calls;
  while (g_held) ::poll(nullptr, 0, 1);
  pthread_exit(nullptr);
}

// What it leaves its thread with is the application's doing, and must not reach ours.
int become_easy_to_cancel() {
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr);
  g_checker = pthread_self();
  ++g_calls;
  return 0;
}

// The thread lives until the program ends, and so must the object.
class SamHealthCheckRaces : public testing::Test {
 protected:
  SamHealthCheckRaces() {
    g_checks = 0;
    g_calls = 0;
    g_other_calls = 0;
    g_halt_at = 0;
    g_held = false;
    g_thread = thread_ = new HealthCheckThread(count_check, nullptr);
  }
  ~SamHealthCheckRaces() override {
    g_held = false;
    stop(*thread_);
  }

  HealthCheckThread* thread_;
};

TEST_F(SamHealthCheckRaces, StopBetweenCheckAndCallbackIsAStop) {
  g_halt_at = 4;  // the callback's turn comes after it
  ASSERT_EQ(thread_->set_callback(count_call, kInterval), CS_OK);
  thread_->start();
  ASSERT_TRUE(reaches(g_checks, 4));
  ASSERT_EQ(thread_->set_callback(count_other_call, kInterval), CS_OK);
  g_halt_at = 0;
  thread_->start();
  ASSERT_TRUE(reaches(g_other_calls, 1));
  EXPECT_EQ(g_calls, 0U);
}

TEST_F(SamHealthCheckRaces, FailureOfAReplacedCallbackIsNotTheNewOnes) {
  g_held = true;
  ASSERT_EQ(thread_->set_callback(fail_when_let_go, kInterval), CS_OK);
  thread_->start();
  ASSERT_TRUE(reaches(g_calls, 1));
  ASSERT_EQ(thread_->set_callback(count_other_call, kInterval), CS_OK);
  g_held = false;
  EXPECT_TRUE(reaches(g_other_calls, 3));
}

TEST_F(SamHealthCheckRaces, EndOfAReplacedCallbacksThreadIsNotTheNewOnes) {
  for (const bool is_stopped_meanwhile : {false, true}) {
    g_calls = g_other_calls = 0;
    g_held = true;
    ASSERT_EQ(thread_->set_callback(end_when_let_go, kInterval), CS_OK);
    ASSERT_EQ(thread_->prepare(), CS_OK);
    thread_->start();
    ASSERT_TRUE(reaches(g_calls, 1));
    if (is_stopped_meanwhile) thread_->halt();
    ASSERT_EQ(thread_->set_callback(count_other_call, kInterval), CS_OK);
    g_held = false;
    if (is_stopped_meanwhile) {
      ASSERT_EQ(thread_->prepare(), CS_OK);
      thread_->start();
    }
    EXPECT_TRUE(reaches(g_other_calls, 3));
    thread_->halt();
  }
}

// Its end is noticed: whoever sets a callback again gets a thread again. It may end late, on its
// way into the new callback, which is then one that has failed.
TEST_F(SamHealthCheckRaces, CancelledThreadIsReplaced) {
  ASSERT_EQ(thread_->set_callback(become_easy_to_cancel, kInterval), CS_OK);
  thread_->start();
  ASSERT_TRUE(reaches(g_calls, 1));
  const unsigned checks = g_checks;
  ASSERT_TRUE(reaches(g_checks, checks + 1));  // it is out of the callback
  pthread_cancel(g_checker);
  for (unsigned seen = ~0U; seen != g_checks;) {
    seen = g_checks;
    ::poll(nullptr, 0, 100);
  }
  for (int attempt = 0; attempt < 3 && g_other_calls == 0; ++attempt) {
    thread_->halt();
    ASSERT_EQ(thread_->set_callback(count_other_call, kInterval), CS_OK);
    thread_->start();
    for (int i = 0; i < 5000 && g_other_calls == 0; ++i) ::poll(nullptr, 0, 1);
  }
  EXPECT_GT(g_other_calls, 0U);
}

// Those that it has held up would tell nothing that one of them does not.
TEST_F(SamHealthCheckRaces, SlowCallbackIsNotFollowedByABurstOfChecks) {
  g_held = true;
  ASSERT_EQ(thread_->set_callback(hold_the_first, kInterval), CS_OK);
  thread_->start();
  ASSERT_TRUE(reaches(g_calls, 1));
  const unsigned before = g_checks;
  ::poll(nullptr, 0, 100);  // fifty checks are not sent
  g_held = false;
  ASSERT_TRUE(reaches(g_checks, before + 30));
  EXPECT_GE(g_times[before + 29] - g_times[before + 1], 28 * kNanosecondsPerMillisecond);
}

TEST_F(SamHealthCheckRaces, CallbackWithoutAThreadIsNotTaken) {
  g_no_threads = true;
  errno = 0;
  EXPECT_EQ(thread_->set_callback(count_call, kInterval), CS_ERR_LIBRARY);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(thread_->prepare(), CS_OK);  // nothing wants one
  g_no_threads = false;
  thread_->start();
  ASSERT_EQ(thread_->set_callback(count_other_call, kInterval), CS_OK);
  thread_->halt();
  thread_->start();
  EXPECT_TRUE(reaches(g_other_calls, 1));
  EXPECT_EQ(g_calls, 0U);
}

}  // namespace
}  // namespace cs::sam
