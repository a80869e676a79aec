// SPDX-License-Identifier: BSD-3-Clause
// The lock of functions that signal handlers may call: one thread at a time has it, a process that
// was forked meanwhile takes it over, and no handler runs where it is held.
#include "sam/shared/signal_safe_lock.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "sam_units/in_child.h"

namespace cs::sam {
namespace {

TEST(SamSignalSafeLock, OneThreadAtATimeHasIt) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 20'000;
  SignalSafeLock lock;
  int inside = 0;  // no atomics: the lock is all that guards them
  int rounds = 0;
  std::atomic<bool> wrong = false;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        const SignalSafeLockGuard guard(lock);
        if (++inside != 1) wrong = true;
        ++rounds;
        --inside;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(wrong);
  EXPECT_EQ(rounds, kThreads * kRounds);
}

TEST(SamSignalSafeLock, ChildTakesOverWhatAThreadOfItsParentHeld) {
  SignalSafeLock lock;
  const SignalSafeLockGuard parents(lock);
  EXPECT_EQ(in_child([&] {
              const SignalSafeLockGuard own(lock);
              EXPECT_EQ(own.owner(), ::getpid());
            }),
            0);
  EXPECT_EQ(parents.owner(), ::getpid());
}

// A thread that sleeps for the lock is woken, and so is the next.
TEST(SamSignalSafeLock, SleepersGetTheirTurn) {
  constexpr int kSleepers = 3;
  SignalSafeLock lock;
  std::atomic<int> arrived = 0;
  std::vector<std::thread> threads;
  {
    const SignalSafeLockGuard held(lock);
    for (int thread = 0; thread < kSleepers; ++thread) {
      threads.emplace_back([&] {
        ++arrived;
        const SignalSafeLockGuard guard(lock);
      });
    }
    while (arrived < kSleepers) std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
}

std::atomic<int> handled = 0;

TEST(SamSignalSafeLockGuard, HoldsSignalsOffToItsEnd) {
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = [](int) { ++handled; };
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  SignalSafeLock lock;
  {
    const SignalSafeLockGuard guard(lock);
    ::raise(SIGUSR1);
    EXPECT_EQ(handled, 0);
  }
  EXPECT_EQ(handled, 1);
  ::sigaction(SIGUSR1, &before, nullptr);
}

// A handler may interrupt whoever does not hold the lock, and take it.
TEST(SamSignalSafeLockGuard, HandlerThatTakesTheLockIsNotHeldUp) {
  static constinit SignalSafeLock lock;
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = [](int) { const SignalSafeLockGuard guard(lock); };
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  for (int round = 0; round < 100; ++round) {
    ::raise(SIGUSR1);
    const SignalSafeLockGuard guard(lock);
    ::raise(SIGUSR1);  // runs when the guard is gone
  }
  ::sigaction(SIGUSR1, &before, nullptr);
}

}  // namespace
}  // namespace cs::sam
