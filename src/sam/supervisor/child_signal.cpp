// SPDX-License-Identifier: BSD-3-Clause
// Listening for SIGCHLD, and running the application's handler.
#include "sam/supervisor/child_signal.h"

#include <cerrno>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

namespace cs::sam {
namespace {

void wake_up(int) {}

// The first process of a container, or one that has asked for them.
bool orphans_come_here() noexcept {
  int is_subreaper = 0;
  return ::getpid() == 1 ||
         (::prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper) == 0 && is_subreaper != 0);
}

// Takes a pending SIGCHLD; false when there is none. Keeps errno, with which sam_register may be
// about to return.
bool take_pending(siginfo_t& info) noexcept {
  const int error = errno;
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  const timespec no_wait{};
  int result;
  do {
    result = ::sigtimedwait(&child, &info, &no_wait);
  } while (result < 0 && errno == EINTR);
  errno = error;
  return result == SIGCHLD;
}

// As waitpid would have told it.
int wait_status(const siginfo_t& info) noexcept {
  return info.si_code == CLD_EXITED ? (info.si_status & 0xff) << 8 : info.si_status;
}

// Used where waitid is refused. There is no telling beforehand which child is reaped, so no handler
// runs.
std::optional<int> reap_blindly(pid_t instance) noexcept {
  std::optional<int> taken;
  int status = 0;
  for (pid_t child; (child = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (child == instance) taken = status;
  }
  return taken;
}

}  // namespace

ChildSignal::ChildSignal() noexcept {
  ::sigaction(SIGCHLD, nullptr, &action_);
  ::sigprocmask(SIG_SETMASK, nullptr, &mask_);
  wait_mask_ = mask_;
  sigdelset(&wait_mask_, SIGCHLD);
  const bool is_default = action_.sa_handler == SIG_DFL && (action_.sa_flags & SA_NOCLDWAIT) == 0;
  if (!is_default || orphans_come_here()) listen();
}

void ChildSignal::listen() noexcept {
  if (is_listening_) return;
  is_listening_ = true;
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child, nullptr);
  install();
}

void ChildSignal::install() noexcept {
  struct sigaction interrupting {};
  interrupting.sa_handler = wake_up;
  interrupting.sa_flags = SA_NOCLDSTOP;
  ::sigaction(SIGCHLD, &interrupting, nullptr);
}

// A pending signal is about children that have been taken care of.
void ChildSignal::give_back() const noexcept {
  siginfo_t pending;
  (void)take_pending(pending);
  ::sigaction(SIGCHLD, &action_, nullptr);
  ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
}

void ChildSignal::give_back_to_copy() const noexcept {
  struct sigaction found;
  if (!is_listening_ || ::sigaction(SIGCHLD, nullptr, &found) != 0) return;
  if (is_wake_up(found)) ::sigaction(SIGCHLD, &action_, nullptr);
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  if (sigismember(&mask_, SIGCHLD) == 0) ::sigprocmask(SIG_UNBLOCK, &child, nullptr);
}

bool ChildSignal::is_wake_up(const struct sigaction& action) noexcept {
  return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == wake_up;
}

// The kernel takes these for what they are, whatever the flags say of a handler.
bool ChildSignal::has_handler() const noexcept {
  return action_.sa_handler != SIG_DFL && action_.sa_handler != SIG_IGN;
}

std::optional<int> ChildSignal::reap_others(pid_t instance) noexcept {
  // If children come faster than they are reaped, we must not be kept here.
  constexpr int kAtOnce = 1000;
  std::optional<int> taken;
  for (int count = 0; count < kAtOnce; ++count) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
      if (errno == EINTR) continue;
      return errno == ECHILD ? taken : reap_blindly(instance);
    }
    if (info.si_pid == 0) break;
    const auto status = reap_other(info, instance);
    if (!status) continue;
    taken = status;
    instance = 0;
  }
  return taken;
}

// Takes the exit code of the instance first: a handler may wait for any child. If the instance dies
// just then, its signal still has the code, unless another was pending before it; so has its pidfd,
// with a new kernel.
std::optional<int> ChildSignal::reap_other(siginfo_t& info, pid_t instance) noexcept {
  int status = 0;
  if (instance != 0 && ::waitpid(instance, &status, WNOHANG) == instance) return status;
  const pid_t child = info.si_pid;
  std::optional<int> taken;
  // If the application had blocked the signal, its handler would not have run.
  if (has_handler() && sigismember(&mask_, SIGCHLD) == 0) {
    siginfo_t pending;
    (void)take_pending(pending);
    run_handler(info);
    if (take_pending(pending) && pending.si_pid == instance && ::kill(instance, 0) != 0) {
      taken = wait_status(pending);
    }
  }
  // Gone already if the handler waited for it.
  while (::waitpid(child, nullptr, WNOHANG) < 0 && errno == EINTR) {
  }
  return taken;
}

// Calls the handler, and does not raise the signal: SIGCHLD stays blocked, so that the instance's
// own death does not run the handler as well, which would take its exit code. Otherwise the mask is
// the application's: commands that the handler starts inherit it.
void ChildSignal::run_handler(siginfo_t& info) noexcept {
  const int error = errno;
  const struct sigaction action = action_;
  if ((static_cast<unsigned>(action.sa_flags) & SA_RESETHAND) != 0) action_.sa_handler = SIG_DFL;
  sigset_t held;
  sigset_t previous;
  sigorset(&held, &mask_, &action.sa_mask);
  sigaddset(&held, SIGCHLD);
  ::sigprocmask(SIG_SETMASK, &held, &previous);
  if ((action.sa_flags & SA_SIGINFO) != 0) {
    ucontext_t context{};
    action.sa_sigaction(SIGCHLD, &info, &context);
  } else {
    action.sa_handler(SIGCHLD);
  }
  ::sigprocmask(SIG_SETMASK, &previous, nullptr);
  // The handler may have installed another one, or itself again.
  struct sigaction found;
  if (::sigaction(SIGCHLD, nullptr, &found) == 0 && !is_wake_up(found)) {
    action_ = found;
    install();
  }
  errno = error;
}

}  // namespace cs::sam
