// SPDX-License-Identifier: BSD-3-Clause
// A thread that ends inside a call is cleaned up after, and no other.
#include "sam/active/thread_exit.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <setjmp.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace cs::sam {
namespace {

std::atomic<int> g_calls = 0;
void count(void* argument) noexcept { g_calls += *static_cast<int*>(argument); }

class SamThreadExit : public testing::Test {
 protected:
  void SetUp() override { g_calls = 0; }

  int one_ = 1;
};

TEST_F(SamThreadExit, EndInsideACallIsNoticed) {
  std::thread([this] {
    const ThreadExit exit(&count, &one_);
    EXPECT_TRUE(static_cast<bool>(exit));
    ::pthread_exit(nullptr);
  }).join();
  EXPECT_EQ(g_calls, 1);
}

TEST_F(SamThreadExit, CancellationInsideACallIsNoticed) {
  std::atomic<bool> is_inside = false;
  std::thread waiting([&] {
    const ThreadExit exit(&count, &one_);
    is_inside = true;
    for (;;) ::pause();
  });
  while (!is_inside) std::this_thread::yield();
  ::pthread_cancel(waiting.native_handle());
  waiting.join();
  EXPECT_EQ(g_calls, 1);
}

TEST_F(SamThreadExit, EndAfterACallIsNot) {
  std::thread([this] { const ThreadExit exit(&count, &one_); }).join();
  EXPECT_EQ(g_calls, 0);
}

TEST_F(SamThreadExit, EndAfterAJumpOutOfACallIsNoticed) {
  std::thread([this] {
    sigjmp_buf back;
    if (::sigsetjmp(back, 0) == 0) {
      const ThreadExit exit(&count, &one_);
      ::siglongjmp(back, 1);
    }
  }).join();
  EXPECT_EQ(g_calls, 1);
}

// A signal handler calls while a call waits below.
TEST_F(SamThreadExit, InnerCallLeavesTheOuterOneArmed) {
  std::thread([this] {
    const ThreadExit outer(&count, &one_);
    { const ThreadExit inner(&count, &one_); }
    ::pthread_exit(nullptr);
  }).join();
  EXPECT_EQ(g_calls, 1);
}

}  // namespace
}  // namespace cs::sam
