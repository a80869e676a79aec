// SPDX-License-Identifier: BSD-3-Clause
// Locks (std::mutex would bring in the C++ run-time). All are constant-initialized, so that they
// may be global and need no destructor at exit, where threads may still be running.
#ifndef CS_COMMON_MUTEX_H
#define CS_COMMON_MUTEX_H

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/clock.h"

namespace cs {

// Knows who holds it, so that what a thread left locked can be told from what another holds; lets a
// waiter look up now and then; and is nobody's in a child whose parent's other threads held it.
//
// Few instructions each way while nobody waits, where pthread's takes forty.
class Mutex {
 public:
  // Names a thread: its number, and the low bits of how many forks away from the first process it
  // is. Never 0.
  using Token = std::uint32_t;
  [[nodiscard]] static Token make_token(unsigned forks) noexcept {
    return (forks << kThreadBits & kForks) | static_cast<Token>(syscall(SYS_gettid));
  }

  constexpr Mutex() noexcept = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  // False when it was not to be had within that time (which may be 0).
  [[nodiscard]] bool lock_within(Token self, Nanoseconds limit) noexcept {
    std::uint32_t seen = kFree;
    return word_.compare_exchange_strong(seen, self, std::memory_order_acquire) ||
           wait(self, limit);
  }

  void lock(Token self) noexcept {
    while (!lock_within(self, kLongestSleep)) {
    }
  }

  [[nodiscard]] bool is_held_by(Token self) const noexcept {
    return (word_.load(std::memory_order_relaxed) & ~kWaitedFor) == self;
  }

  // False, and nothing happens, when self does not hold it.
  bool unlock(Token self) noexcept {
    std::uint32_t seen = self;
    if (word_.compare_exchange_strong(seen, kFree, std::memory_order_release)) return true;
    if (seen != (self | kWaitedFor)) return false;
    hand_on();
    return true;
  }

 private:
  static constexpr std::uint32_t kFree = 0;
  static constexpr std::uint32_t kWaitedFor = 1U << 31;  // threads may be asleep
  static constexpr unsigned kThreadBits = 23;            // Linux numbers threads up to 2^22
  static constexpr std::uint32_t kForks = 0xffU << kThreadBits;
  static constexpr Nanoseconds kLongestSleep = 1'000'000'000;

  // What the system call takes, whatever timespec is.
  struct Sleep {
    long seconds;
    long nanoseconds;
  };

  // Who has slept takes it as waited for: there may be others.
  __attribute__((noinline)) bool wait(Token self, Nanoseconds limit) noexcept {
    const Nanoseconds end = monotonic_now() + limit;
    for (;;) {
      std::uint32_t seen = word_.load(std::memory_order_relaxed);
      if (seen == kFree || ((seen ^ self) & kForks) != 0) {
        if (word_.compare_exchange_weak(seen, self | kWaitedFor, std::memory_order_acquire)) {
          return true;
        }
        continue;
      }
      const Nanoseconds left = end - monotonic_now();
      if (left <= 0) return false;
      if ((seen & kWaitedFor) == 0 && !word_.compare_exchange_weak(seen, seen | kWaitedFor))
        continue;
      sleep(seen | kWaitedFor, left);
    }
  }

  void sleep(std::uint32_t seen, Nanoseconds limit) noexcept {
    const int error = errno;
    const Sleep time{static_cast<long>(limit / 1'000'000'000),
                     static_cast<long>(limit % 1'000'000'000)};
    syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, seen, &time, nullptr, 0);
    errno = error;
  }

  __attribute__((noinline)) void hand_on() noexcept {
    const int error = errno;
    word_.store(kFree, std::memory_order_release);
    syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    errno = error;
  }

  std::atomic<std::uint32_t> word_ = kFree;
};

// pthread's, for waiting on a condition.
class ConditionMutex {
 public:
  constexpr ConditionMutex() noexcept = default;
  ConditionMutex(const ConditionMutex&) = delete;
  ConditionMutex& operator=(const ConditionMutex&) = delete;

  void lock() noexcept { pthread_mutex_lock(&mutex_); }
  void unlock() noexcept { pthread_mutex_unlock(&mutex_); }

  [[nodiscard]] pthread_mutex_t* native() noexcept { return &mutex_; }

 private:
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
};

// Holds one for a scope.
class MutexLock {
 public:
  explicit MutexLock(ConditionMutex& mutex) noexcept : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  ConditionMutex& mutex_;
};

}  // namespace cs

#endif
