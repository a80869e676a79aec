// SPDX-License-Identifier: BSD-3-Clause
// Waiting for the lock while another process holds it, and taking it over from one that has died.
#include "sam/shared/process_lock.h"

#include <cerrno>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/futex.h"
#include "common/unique_fd.h"
#include "sam/shared/proc_stat.h"

namespace cs::sam {
namespace {

constexpr Nanoseconds kPatience = 2000 * kNanosecondsPerMillisecond;
constexpr Nanoseconds kPause = 5 * kNanosecondsPerMillisecond;

// A zombie has ended, too; where a filter refuses pidfds, /proc knows.
bool has_ended(std::uint32_t process) noexcept {
  const auto pid = static_cast<pid_t>(process);
  if (::kill(pid, 0) != 0 && errno == ESRCH) return true;
  const UniqueFd end(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!end) return ProcStat(pid).is_zombie();
  pollfd entry{end.get(), POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1;
}

}  // namespace

// If the holder has our own process id, it was an earlier process with that id: no other thread of
// this process asks.
bool ProcessLock::wait(std::uint32_t self) noexcept {
  const Nanoseconds limit = monotonic_now() + kPatience;
  for (;;) {
    std::uint32_t seen = word_.load();
    const std::uint32_t owner = seen & ~kWaited;
    if (owner == kFree || owner == self || has_ended(owner)) {
      if (word_.compare_exchange_strong(seen, self | kWaited)) return true;
      continue;
    }
    if (monotonic_now() >= limit) return false;
    if ((seen & kWaited) != 0 || word_.compare_exchange_strong(seen, seen | kWaited)) {
      futex_wait(word_, owner | kWaited, FutexScope::kShared, kPause);
    }
  }
}

void ProcessLock::unlock_and_wake(std::uint32_t self) noexcept {
  std::uint32_t seen = self | kWaited;
  if (word_.compare_exchange_strong(seen, kFree)) futex_wake(word_, FutexScope::kShared);
}

}  // namespace cs::sam
