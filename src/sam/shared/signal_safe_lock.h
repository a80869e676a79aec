// SPDX-License-Identifier: BSD-3-Clause
// A lock for functions that a signal handler may call, and that survives a fork.
#ifndef CS_SAM_SIGNAL_SAFE_LOCK_H
#define CS_SAM_SIGNAL_SAFE_LOCK_H

#include <atomic>
#include <cstdint>
#include <sys/types.h>

#include "sam/shared/signal_guard.h"

namespace cs::sam {

// Holds the process id of its owner. A process that finds another's id was forked while a thread
// held the lock. That thread does not exist here, so the lock is taken over.
class SignalSafeLock {
 public:
  constexpr SignalSafeLock() noexcept = default;
  SignalSafeLock(const SignalSafeLock&) = delete;
  SignalSafeLock& operator=(const SignalSafeLock&) = delete;

  void lock(std::uint32_t self) noexcept;
  void unlock() noexcept;

 private:
  static constexpr std::uint32_t kFree = 0;
  static constexpr std::uint32_t kWaited = 0x80000000;  // process ids stay below

  std::atomic<std::uint32_t> word_ = kFree;
};

// Holds a SignalSafeLock for a scope in which no signal is handled.
class SignalSafeLockGuard {
 public:
  explicit SignalSafeLockGuard(SignalSafeLock& lock) noexcept;
  ~SignalSafeLockGuard();
  SignalSafeLockGuard(const SignalSafeLockGuard&) = delete;
  SignalSafeLockGuard& operator=(const SignalSafeLockGuard&) = delete;

  // The process that holds the lock, which is the calling one.
  [[nodiscard]] pid_t owner() const noexcept { return owner_; }

 private:
  SignalGuard signals_;
  CancelGuard cancel_;
  SignalSafeLock& lock_;
  const pid_t owner_;
};

}  // namespace cs::sam

#endif
