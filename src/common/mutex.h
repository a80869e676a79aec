// SPDX-License-Identifier: BSD-3-Clause
// A lock over pthread (std::mutex would bring in the C++ run-time).
#ifndef CS_COMMON_MUTEX_H
#define CS_COMMON_MUTEX_H

#include <pthread.h>

namespace cs {

// Constant-initialised, so that it may be global and needs no destructor at exit.
class Mutex {
 public:
  constexpr Mutex() noexcept = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() noexcept { pthread_mutex_lock(&mutex_); }
  void unlock() noexcept { pthread_mutex_unlock(&mutex_); }

  // For waiting on a condition.
  [[nodiscard]] pthread_mutex_t* native() noexcept { return &mutex_; }

 private:
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
};

// Holds a Mutex for a scope.
class MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) noexcept : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace cs

#endif
