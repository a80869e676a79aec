// SPDX-License-Identifier: BSD-3-Clause
// The lock: who has it, who waits for it, and what a fork leaves of it.
#include "common/mutex.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace cs {
namespace {

// Must not need a constructor at start.
constinit Mutex global_mutex;

constexpr Nanoseconds kAWhile = 20 * kNanosecondsPerMillisecond;

Mutex::Token self() { return Mutex::make_token(0); }

TEST(Mutex, CountsOfManyThreadsAddUp) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 10000;
  int count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&count] {
      for (int round = 0; round < kRounds; ++round) {
        global_mutex.lock(self());
        ++count;
        global_mutex.unlock(self());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, kThreads * kRounds);
}

// Whoever waits is woken, one after the other, by those who sleep with the lock held.
TEST(Mutex, SleepersGetTheirTurn) {
  cs::Mutex mutex;
  std::vector<std::thread> threads;
  int turns = 0;
  mutex.lock(self());
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        mutex.lock(self());
        std::this_thread::sleep_for(std::chrono::microseconds(100));
        ++turns;
        mutex.unlock(self());
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  mutex.unlock(self());
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(turns, 8 * 20);
}

// Not when their patience is over.
TEST(Mutex, EverySleeperIsWoken) {
  constexpr Nanoseconds kPatience = 30 * kNanosecondsPerSecond;
  cs::Mutex mutex;
  std::vector<std::thread> threads;
  mutex.lock(self());
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      EXPECT_TRUE(mutex.lock_within(self(), kPatience));
      mutex.unlock(self());
    });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const Nanoseconds begun = monotonic_now();
  mutex.unlock(self());
  for (std::thread& thread : threads) thread.join();
  EXPECT_LT(monotonic_now() - begun, kPatience / 2);
}

// The one that is woken finds the lock taken again, and its time over: the next must be woken too.
TEST(Mutex, WakeOfOneThatGivesUpIsNotLost) {
  constexpr Nanoseconds kPatience = 30 * kNanosecondsPerSecond;
  cs::Mutex mutex;
  auto& word = reinterpret_cast<std::atomic<std::uint32_t>&>(mutex);
  mutex.lock(self());
  std::thread([&] { EXPECT_FALSE(mutex.lock_within(self(), kAWhile)); }).join();
  // Sleeps on the lock like a waiter, and has not looked at it since it was woken.
  std::thread woken([&] { futex_wait(word, word.load(), FutexScope::kProcess, kPatience); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  std::thread next([&] {
    EXPECT_TRUE(mutex.lock_within(self(), kPatience));
    mutex.unlock(self());
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const Nanoseconds begun = monotonic_now();
  mutex.unlock(self());
  woken.join();
  mutex.lock(self());
  std::thread([&] { EXPECT_FALSE(mutex.lock_within(self(), 0)); }).join();
  mutex.unlock(self());
  next.join();
  EXPECT_LT(monotonic_now() - begun, kPatience / 2);
}

TEST(Mutex, WaitHasAnEnd) {
  cs::Mutex mutex;
  mutex.lock(self());
  std::thread([&mutex] {
    EXPECT_FALSE(mutex.lock_within(self(), kAWhile));
    EXPECT_FALSE(mutex.lock_within(self(), 0));
  }).join();
  EXPECT_TRUE(mutex.unlock(self()));
  EXPECT_TRUE(mutex.lock_within(self(), 0));
}

TEST(Mutex, OnlyItsHolderUnlocksIt) {
  cs::Mutex mutex;
  EXPECT_FALSE(mutex.unlock(self()));
  mutex.lock(self());
  EXPECT_TRUE(mutex.is_held_by(self()));
  std::thread([&mutex] {
    EXPECT_FALSE(mutex.is_held_by(self()));
    EXPECT_FALSE(mutex.unlock(self()));
  }).join();
  EXPECT_TRUE(mutex.is_held_by(self()));
  EXPECT_TRUE(mutex.unlock(self()));
}

// What a thread of the parent held when it forked is held by nobody in the child.
TEST(Mutex, ForkFreesIt) {
  cs::Mutex mutex;
  std::thread([&mutex] { mutex.lock(self()); }).join();
  EXPECT_FALSE(mutex.lock_within(self(), 0));
  const Mutex::Token in_child = Mutex::make_token(1);
  EXPECT_TRUE(mutex.lock_within(in_child, 0));
  EXPECT_TRUE(mutex.unlock(in_child));
}

}  // namespace
}  // namespace cs
