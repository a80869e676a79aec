// SPDX-License-Identifier: BSD-3-Clause
// The lock, and the scope that holds it.
#include "common/mutex.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace cs {
namespace {

constinit Mutex global_mutex;  // must not need a constructor at start

TEST(MutexLock, CountsOfManyThreadsAddUp) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 10000;
  int count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&count] {
      for (int round = 0; round < kRounds; ++round) {
        const MutexLock lock(global_mutex);
        ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, kThreads * kRounds);
}

TEST(MutexLock, ScopeEndUnlocks) {
  Mutex mutex;
  { const MutexLock lock(mutex); }
  const MutexLock again(mutex);  // hangs, and so fails at the time limit, if it is still locked
}

}  // namespace
}  // namespace cs
