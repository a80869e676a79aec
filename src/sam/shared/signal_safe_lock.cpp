// SPDX-License-Identifier: BSD-3-Clause
// Compiled once: inline, each of the many users would have a copy.
#include "sam/shared/signal_safe_lock.h"

#include <unistd.h>

#include "common/futex.h"

namespace cs::sam {

void SignalSafeLock::lock(std::uint32_t self) noexcept {
  std::uint32_t acquired = self;
  std::uint32_t seen = kFree;
  while (!word_.compare_exchange_strong(seen, acquired, std::memory_order_acquire)) {
    if ((seen & ~kWaited) != self) {
      if (word_.compare_exchange_strong(seen, acquired, std::memory_order_acquire)) return;
    } else if ((seen & kWaited) != 0 || word_.compare_exchange_strong(seen, seen | kWaited)) {
      futex_wait(word_, self | kWaited, FutexScope::kProcess, kNanosecondsPerSecond);
      acquired = self | kWaited;  // others may still be asleep
    }
    seen = kFree;
  }
}

void SignalSafeLock::unlock() noexcept {
  if ((word_.exchange(kFree, std::memory_order_release) & kWaited) == 0) return;
  futex_wake(word_, FutexScope::kProcess, 1);
}

SignalSafeLockGuard::SignalSafeLockGuard(SignalSafeLock& lock) noexcept
    : lock_(lock), owner_(::getpid()) {
  lock_.lock(static_cast<std::uint32_t>(owner_));
}

SignalSafeLockGuard::~SignalSafeLockGuard() { lock_.unlock(); }

}  // namespace cs::sam
