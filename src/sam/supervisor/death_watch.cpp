// SPDX-License-Identifier: BSD-3-Clause
// Waiting for a child, and watching a stranger.
#include "sam/supervisor/death_watch.h"

#include <sys/wait.h>

namespace cs::sam {
namespace {

// Between two looks at what does not wake us.
constexpr Nanoseconds kLookPeriod = 100 * kNanosecondsPerMillisecond;

}  // namespace

DeathWatch::DeathWatch(World& world, pid_t pid, Kind kind) noexcept
    : pid_(pid), kind_(kind), pidfd_(world, pid) {}

Deadline DeathWatch::next_look(Nanoseconds now) const noexcept {
  const bool is_child = kind_ == Kind::kChild;
  // It may have died before there was anything to wake us.
  if (is_child && !pidfd_ && !has_looked_) return Deadline::at(now);
  return is_held_ || !(pidfd_ || is_child) ? Deadline::at(now + kLookPeriod) : Deadline::never();
}

bool DeathWatch::has_died() noexcept {
  has_looked_ = true;
  if (status_) return true;
  if (kind_ == Kind::kChild) {
    status_ = world().reap(pid_, pidfd_.get(), Patience::kNone);
    // Polling would end at once, again and again. When the tracer lets go there is a SIGCHLD.
    is_held_ = !status_ && is_readable_;
  } else if (pid_ != 0 && world().is_dead(pid_, pidfd_.get())) {
    const auto status = world().status_of_dead(pid_, pidfd_.get());
    is_known_ = status.has_value();
    status_ = status.value_or(0);
  }
  return status_.has_value();
}

void DeathWatch::wait_for_end() noexcept {
  if (has_died()) return;
  if (kind_ == Kind::kChild) {
    status_ = world().reap(pid_, pidfd_.get(), Patience::kEndless);
  } else {
    world().await_end(pid_, pidfd_.get());
  }
}

int DeathWatch::exit_code() const noexcept {
  const int status = status_.value_or(0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

int DeathWatch::end_signal() const noexcept {
  const int status = status_.value_or(0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

void DeathWatch::send_signal(int number) noexcept {
  if (status_ || pid_ == 0) return;
  if (kind_ == Kind::kStranger) {
    // Its number may be another's by now; a pidfd never is.
    if (world().signal_by_pidfd(pidfd_.get(), number) || has_died()) return;
  }
  world().signal(pid_, number);
}

}  // namespace cs::sam
