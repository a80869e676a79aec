// SPDX-License-Identifier: BSD-3-Clause
// Reaping processes, looking at them and sending them signals.
#include "sam/supervisor/linux_world.h"

#include <cerrno>
#include <cstdint>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/unique_fd.h"
#include "sam/shared/proc_stat.h"

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

namespace cs::sam {
namespace {

// As in linux/pidfd.h, which may be older than the kernel.
struct PidfdInfo {
  std::uint64_t mask;
  std::uint64_t cgroup_id;
  std::uint32_t process_ids[3];
  std::uint32_t user_and_group_ids[8];
  std::int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr unsigned long kGetPidfdInfo = _IOWR(0xff, 11, PidfdInfo);
constexpr std::uint64_t kExitInfo = 1U << 3;

// The wait status of a process that has been reaped; only newer kernels tell.
std::optional<int> reaped_status(int pidfd) noexcept {
  PidfdInfo info{};
  info.mask = kExitInfo;
  if (pidfd < 0 || ::ioctl(pidfd, kGetPidfdInfo, &info) != 0) return {};
  if ((info.mask & kExitInfo) == 0) return {};
  return info.exit_code;
}

}  // namespace

int open_pidfd(pid_t pid) noexcept {
  return above_stdio(UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)))).release();
}

int World::open_pidfd(pid_t pid) noexcept { return static_cast<LinuxWorld*>(this)->open_(pid); }

void World::close_pidfd(int pidfd) noexcept { const UniqueFd closed(pidfd); }

std::optional<int> World::reap(pid_t child, int pidfd, Patience patience) noexcept {
  const int options = patience == Patience::kNone ? WNOHANG : 0;
  int status = 0;
  pid_t reaped;
  do {
    reaped = ::waitpid(child, &status, options);
  } while (reaped < 0 && errno == EINTR);
  if (reaped == child) return status;
  if (reaped < 0) return reaped_status(pidfd).value_or(0);  // somebody else has reaped it
  return {};
}

// Without a pidfd, a process exists until its parent has reaped it, which may be never.
bool World::is_dead(pid_t stranger, int pidfd) noexcept {
  if (pidfd < 0)
    return (::kill(stranger, 0) != 0 && errno == ESRCH) || ProcStat(stranger).is_zombie();
  pollfd entry{pidfd, POLLIN, 0};
  return ::poll(&entry, 1, 0) > 0 && entry.revents != 0;
}

// Its parent reaps it: now, later or never.
std::optional<int> World::status_of_dead(pid_t stranger, int pidfd) noexcept {
  if (const auto status = reaped_status(pidfd)) return status;
  if (const ProcStat stat(stranger); stat.is_zombie()) return stat.wait_status();
  return reaped_status(pidfd);
}

void World::await_end(pid_t stranger, int pidfd) noexcept {
  const Deadline limit = Deadline::in_milliseconds(1000);
  while (!is_dead(stranger, pidfd) && !limit.has_passed(monotonic_now())) {
    (void)::poll(nullptr, 0, 1);
  }
}

bool World::signal_by_pidfd(int pidfd, int number) noexcept {
  return pidfd >= 0 && ::syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0) == 0;
}

void World::signal(pid_t pid, int number) noexcept { (void)::kill(pid, number); }

}  // namespace cs::sam
