// SPDX-License-Identifier: BSD-3-Clause
// The locks, and the scope that holds one.
#include "common/mutex.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

namespace cs {
namespace {

// Must not need a constructor at start.
constinit Mutex global_mutex;
constinit ConditionMutex global_condition_mutex;

template <typename Lock>
Lock& global_lock();
template <>
Mutex& global_lock() {
  return global_mutex;
}
template <>
ConditionMutex& global_lock() {
  return global_condition_mutex;
}

template <typename Lock>
class LockTest : public testing::Test {};
using Locks = testing::Types<Mutex, ConditionMutex>;
TYPED_TEST_SUITE(LockTest, Locks);

TYPED_TEST(LockTest, CountsOfManyThreadsAddUp) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 10000;
  int count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&count] {
      for (int round = 0; round < kRounds; ++round) {
        const MutexLock lock(global_lock<TypeParam>());
        ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, kThreads * kRounds);
}

TYPED_TEST(LockTest, ScopeEndUnlocks) {
  TypeParam mutex;
  { const MutexLock lock(mutex); }
  const MutexLock again(mutex);  // hangs, and so fails at the time limit, if it is still locked
}

// Whoever waits is woken, one after the other, by those who sleep with the lock held.
TEST(MutexTest, SleepersGetTheirTurn) {
  Mutex mutex;
  std::vector<std::thread> threads;
  int turns = 0;
  mutex.lock();
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        const MutexLock lock(mutex);
        std::this_thread::sleep_for(std::chrono::microseconds(100));
        ++turns;
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  mutex.unlock();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(turns, 8 * 20);
}

}  // namespace
}  // namespace cs
