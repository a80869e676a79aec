// SPDX-License-Identifier: BSD-3-Clause
// A lock (std::mutex would bring in the C++ run-time). It is constant-initialized: it may be
// global, and needs no destructor at exit, when threads may still be running.
#ifndef CS_COMMON_MUTEX_H
#define CS_COMMON_MUTEX_H

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/futex.h"

namespace cs {

// Knows its holder, so that a lock which a thread left behind can be told from one that another
// thread holds. A waiter may look up now and then. In the child of a fork, a lock that another
// thread of the parent held is free.
//
// While nobody waits it takes a few instructions each way; pthread's mutex takes forty.
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

  // False when it did not become free within that time (which may be 0).
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
  static constexpr Nanoseconds kLongestSleep = kNanosecondsPerSecond;

  // A thread that slept acquires it in state kWaitedFor: others may still sleep.
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
      // Even when its time is over: it may have been woken, and another that sleeps not.
      if ((seen & kWaitedFor) == 0 && !word_.compare_exchange_weak(seen, seen | kWaitedFor))
        continue;
      const Nanoseconds left = end - monotonic_now();
      if (left <= 0) return false;
      sleep(seen | kWaitedFor, left);
    }
  }

  void sleep(std::uint32_t seen, Nanoseconds limit) noexcept {
    const int error = errno;
    futex_wait(word_, seen, FutexScope::kProcess, limit);
    errno = error;
  }

  __attribute__((noinline)) void hand_on() noexcept {
    const int error = errno;
    word_.store(kFree, std::memory_order_release);
    futex_wake(word_, FutexScope::kProcess, 1);
    errno = error;
  }

  std::atomic<std::uint32_t> word_ = kFree;
};

}  // namespace cs

#endif
