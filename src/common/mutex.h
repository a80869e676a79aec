// SPDX-License-Identifier: BSD-3-Clause
// Locks (std::mutex would bring in the C++ run-time). All are constant-initialised, so that they may
// be global and need no destructor at exit, where threads may still be running.
#ifndef CS_COMMON_MUTEX_H
#define CS_COMMON_MUTEX_H

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cs {

// Two instructions each way while nobody waits, where pthread's takes forty: a dispatch that finds
// nothing takes two locks, and is to be no slower for it than one that takes none.
class Mutex {
 public:
  constexpr Mutex() noexcept = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() noexcept {
    std::uint32_t seen = kFree;
    if (!word_.compare_exchange_strong(seen, kHeld, std::memory_order_acquire)) wait();
  }

  void unlock() noexcept {
    if (word_.exchange(kFree, std::memory_order_release) == kWaitedFor) wake_one();
  }

 private:
  static constexpr std::uint32_t kFree = 0;
  static constexpr std::uint32_t kHeld = 1;
  static constexpr std::uint32_t kWaitedFor = 2;  // held, and threads may be asleep

  // Who has slept takes it as waited for: there may be others.
  __attribute__((noinline)) void wait() noexcept {
    const int error = errno;
    while (word_.exchange(kWaitedFor, std::memory_order_acquire) != kFree) {
      syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, kWaitedFor, nullptr, nullptr, 0);
    }
    errno = error;
  }

  __attribute__((noinline)) void wake_one() noexcept {
    syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
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

// Holds either for a scope.
template <typename Lock>
class MutexLock {
 public:
  explicit MutexLock(Lock& mutex) noexcept : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Lock& mutex_;
};

}  // namespace cs

#endif
