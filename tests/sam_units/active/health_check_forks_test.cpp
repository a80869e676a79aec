// SPDX-License-Identifier: BSD-3-Clause
// Event-driven checking and fork: the thread is in the parent only.
#include <gtest/gtest.h>

#include <atomic>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/sanitizer.h"
#include "sam/active/health_check_thread.h"
#include "sam_units/active/health_check_support.h"

// ThreadSanitizer would end a child that makes a thread when its parent had more than one.
extern "C" const char* __tsan_default_options() { return "die_after_fork=0"; }

namespace cs::sam {
namespace {

constexpr Nanoseconds kMs = kNanosecondsPerMillisecond;
constexpr Nanoseconds kInterval = 8 * kMs;

std::atomic<unsigned> g_calls;
std::atomic<bool> g_held;
std::atomic<bool> g_is_to_fork;
std::atomic<pid_t> g_forked;

cs_error_t check(void*) noexcept { return CS_OK; }

int count_call() {
  ++g_calls;
  while (g_held) ::poll(nullptr, 0, 1);
  return 0;
}

// Returns twice: here, and in a process that nobody wants.
int fork_once() {
  if (g_is_to_fork.exchange(false)) g_forked = ::fork();
  ++g_calls;
  return 0;
}

// The thread lives until the program ends, and so must the object.
class SamHealthCheckForks : public testing::Test {
 protected:
  void SetUp() override {
    g_calls = 0;
    g_held = false;
    thread_ = new HealthCheckThread(check, nullptr);
  }
  void TearDown() override {
    g_held = false;
    stop(*thread_);
  }
  HealthCheckThread* thread_;
};

// The address sanitizer's own locks stay taken in a child that is forked while a thread begins.
void let_threads_begin() {
#ifdef CS_ADDRESS_SANITIZER
  ::poll(nullptr, 0, 300);
#endif
}

// In a child process, which has no thread; its exit code is 0 if all was as expected.
template <typename Body>
void in_child(Body body) {
  let_threads_begin();
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(30);
    g_calls = 0;
    g_held = false;
    ::_exit(body() ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(SamHealthCheckForks, ForkedBeforeTheStartItIsMadeAnew) {
  ASSERT_EQ(thread_->set_callback(count_call, kInterval), CS_OK);
  in_child([&] {
    if (thread_->prepare() != CS_OK) return false;
    thread_->start();
    if (!reaches(g_calls, 3)) return false;
    stop(*thread_);
    return thread_->set_callback(fork_once, kInterval) == CS_OK;
  });
}

// The callback that runs in the parent does not run here.
TEST_F(SamHealthCheckForks, ForkedDuringACallbackItWaitsForNothing) {
  g_held = true;
  ASSERT_EQ(thread_->set_callback(count_call, kInterval), CS_OK);
  thread_->start();
  ASSERT_TRUE(reaches(g_calls, 1));
  in_child([&] {
    const Nanoseconds begun = monotonic_now();
    for (int i = 0; i < 100; ++i) stop(*thread_);
    if (thread_->prepare() != CS_OK) return false;
    for (int i = 0; i < 200; ++i) stop(*thread_);
    return monotonic_now() - begun < 20'000 * kMs;  // not 200 ms each
  });
}

TEST_F(SamHealthCheckForks, ProcessForkedInTheCallbackEndsWhenItReturns) {
  g_is_to_fork = true;
  ASSERT_EQ(thread_->set_callback(fork_once, kInterval), CS_OK);
  thread_->start();
  ASSERT_TRUE(reaches(g_calls, 3));
  int status = -1;
  bool has_ended = false;
  for (int i = 0; i < 20000 && !has_ended; ++i) {
    has_ended = ::waitpid(g_forked, &status, WNOHANG) == g_forked;
    ::poll(nullptr, 0, 1);
  }
  if (!has_ended) ::kill(g_forked, SIGKILL);
  EXPECT_TRUE(has_ended);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace cs::sam
