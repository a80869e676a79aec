// SPDX-License-Identifier: BSD-3-Clause
// pidfd, and SIGCHLD in its place.
#include "sam/death_watch.h"

#include <cerrno>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cs::sam {
namespace {

void wake_up(int) {}

}  // namespace

ChildSignal::ChildSignal() noexcept {
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  ::sigaction(SIGCHLD, &by_default, &action_);
  ::sigprocmask(SIG_SETMASK, nullptr, &mask_);
  wait_mask_ = mask_;
  sigdelset(&wait_mask_, SIGCHLD);
}

void ChildSignal::give_back() const noexcept {
  ::sigaction(SIGCHLD, &action_, nullptr);
  ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
}

// Blocked but for the wait itself, so that a death between looking and waiting is not missed.
void ChildSignal::listen() noexcept {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child, nullptr);
  struct sigaction interrupting {};
  interrupting.sa_handler = wake_up;
  ::sigaction(SIGCHLD, &interrupting, nullptr);
}

int open_pidfd(pid_t pid) noexcept { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

DeathWatch::DeathWatch(pid_t pid, ChildSignal& signal, PidfdOpen open) noexcept
    : pid_(pid), signal_(&signal), pidfd_(open(pid)) {
  if (!pidfd_) signal_->listen();
}

const sigset_t* DeathWatch::wait_mask() const noexcept {
  return pidfd_ ? nullptr : &signal_->wait_mask();
}

bool DeathWatch::has_died() noexcept {
  siginfo_t info{};
  int result;
  do {
    result = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
  } while (result != 0 && errno == EINTR);
  return result != 0 || info.si_pid == pid_;
}

int DeathWatch::reap() noexcept {
  int status = 0;
  pid_t reaped;
  do {
    reaped = ::waitpid(pid_, &status, 0);
  } while (reaped < 0 && errno == EINTR);
  return reaped == pid_ && WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

}  // namespace cs::sam
