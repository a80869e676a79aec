// SPDX-License-Identifier: BSD-3-Clause
// Waiting for a child, and looking after a stranger.
#include "sam/supervisor/death_watch.h"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "common/unique_fd.h"

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

namespace cs::sam {
namespace {

// Between two looks at what does not wake us.
constexpr Nanoseconds kLookPeriod = 100 * kNanosecondsPerMillisecond;

// Of linux/pidfd.h, which may be older than the kernel.
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

// What /proc says of a process, from its state on: that stands behind its name, which may hold
// anything, parentheses too.
class ProcStat {
 public:
  explicit ProcStat(pid_t pid) noexcept {
    char path[32];
    std::snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    const UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
    const ssize_t size = file ? ::read(file.get(), text_, sizeof(text_) - 1) : 0;
    text_[size > 0 ? size : 0] = '\0';
    const char* const end = std::strrchr(text_, ')');
    if (end != nullptr && end[1] == ' ') fields_ = end + 2;
  }

  [[nodiscard]] bool is_zombie() const noexcept { return *fields_ == 'Z'; }
  // Of a zombie; the last field. 0 where we may not know.
  [[nodiscard]] int wait_status() const noexcept {
    const char* const last = std::strrchr(fields_, ' ');
    return last != nullptr ? std::atoi(last + 1) : 0;
  }

 private:
  char text_[1024];
  const char* fields_ = "";
};

// The wait status of a process that has been reaped, which newer kernels tell.
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

DeathWatch::DeathWatch(pid_t pid, Kind kind, PidfdOpen open) noexcept
    : pid_(pid), kind_(kind), pidfd_(pid != 0 ? open(pid) : -1) {}

Deadline DeathWatch::next_look(Nanoseconds now) const noexcept {
  const bool is_child = kind_ == Kind::kChild;
  // Its death before there was anything to wake us would be missed.
  if (is_child && !pidfd_ && !has_looked_) return Deadline::at(now);
  return is_held_ || !(pidfd_ || is_child) ? Deadline::at(now + kLookPeriod) : Deadline::never();
}

bool DeathWatch::has_died() noexcept {
  has_looked_ = true;
  if (status_) return true;
  if (kind_ == Kind::kChild) {
    reap(WNOHANG);
    // Polling would end at once, again and again: whoever lets go makes a SIGCHLD of it.
    is_held_ = !status_ && is_readable_;
  } else if (pid_ != 0 && stranger_has_died()) {
    const auto status = stranger_status();
    is_known_ = status.has_value();
    status_ = status.value_or(0);
  }
  return status_.has_value();
}

// Somebody else reaps it, now or later or never.
std::optional<int> DeathWatch::stranger_status() const noexcept {
  if (const auto status = reaped_status(pidfd_.get())) return status;
  if (const ProcStat stat(pid_); stat.is_zombie()) return stat.wait_status();
  return reaped_status(pidfd_.get());
}

void DeathWatch::reap(int options) noexcept {
  int status = 0;
  pid_t reaped;
  do {
    reaped = ::waitpid(pid_, &status, options);
  } while (reaped < 0 && errno == EINTR);
  if (reaped == pid_) status_ = status;
  if (reaped < 0) status_ = reaped_status(pidfd_.get()).value_or(0);  // somebody else has reaped it
}

// Without a pidfd a process is there until its parent has reaped it, which may be never.
bool DeathWatch::stranger_has_died() const noexcept {
  if (!pidfd_) return (::kill(pid_, 0) != 0 && errno == ESRCH) || ProcStat(pid_).is_zombie();
  pollfd entry{pidfd_.get(), POLLIN, 0};
  return ::poll(&entry, 1, 0) > 0 && entry.revents != 0;
}

void DeathWatch::wait_for_end() noexcept {
  if (has_died()) return;
  if (kind_ == Kind::kChild) return reap(0);
  const Nanoseconds limit = monotonic_now() + 1000 * kNanosecondsPerMillisecond;
  while (!has_died() && monotonic_now() < limit) (void)::poll(nullptr, 0, 1);
}

int DeathWatch::exit_code() const noexcept {
  const int status = status_.value_or(0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

void DeathWatch::send_signal(int number) noexcept {
  if (status_ || pid_ == 0) return;
  const bool is_stranger = kind_ == Kind::kStranger;
  // Its number may be another's by now; a pidfd never is.
  if (is_stranger && pidfd_ &&
      ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0) == 0) {
    return;
  }
  if (is_stranger && has_died()) return;
  (void)::kill(pid_, number);
}

}  // namespace cs::sam
