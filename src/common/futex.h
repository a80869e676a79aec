// SPDX-License-Identifier: BSD-3-Clause
// Waiting for a word to change: async-signal-safe, and not a cancellation point.
#ifndef CS_COMMON_FUTEX_H
#define CS_COMMON_FUTEX_H

#include <atomic>
#include <climits>
#include <cstdint>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/clock.h"

namespace cs {

// Which threads may wait on the word: those of this process, or of all processes that share it.
enum class FutexScope { kProcess = FUTEX_PRIVATE_FLAG, kShared = 0 };

// Returns when woken, when a signal comes, at once if the word differs from seen, or after that
// time.
inline void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t seen, FutexScope scope,
                       Nanoseconds longest) noexcept {
  // As the kernel has it; timespec may have wider fields.
  const long left[] = {static_cast<long>(longest / kNanosecondsPerSecond),
                       static_cast<long>(longest % kNanosecondsPerSecond)};
  syscall(SYS_futex, &word, FUTEX_WAIT | static_cast<int>(scope), seen, left, nullptr, 0);
}

inline void futex_wake(std::atomic<std::uint32_t>& word, FutexScope scope,
                       int how_many = INT_MAX) noexcept {
  syscall(SYS_futex, &word, FUTEX_WAKE | static_cast<int>(scope), how_many, nullptr, nullptr, 0);
}

}  // namespace cs

#endif
