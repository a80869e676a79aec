// SPDX-License-Identifier: BSD-3-Clause
// How the supervisor hears of the death of the active process: a pidfd, or SIGCHLD where the kernel
// has none. Neither is disturbed by what the application does with SIGCHLD or with inherited pipes.
#ifndef CS_SAM_DEATH_WATCH_H
#define CS_SAM_DEATH_WATCH_H

#include <signal.h>
#include <sys/types.h>

#include "common/unique_fd.h"

namespace cs::sam {

// The application's SIGCHLD disposition and signal mask, kept from sam_register on. While it lives
// the supervisor has the default disposition, under which children wait to be reaped.
class ChildSignal {
 public:
  ChildSignal() noexcept;
  // Gives both back; so it happens in every new instance, and in a supervisor that gives up.
  ~ChildSignal() { give_back(); }
  void give_back() const noexcept;
  ChildSignal(const ChildSignal&) = delete;
  ChildSignal& operator=(const ChildSignal&) = delete;

  // From now on SIGCHLD ends a wait with wait_mask(), and only that.
  void listen() noexcept;

  // The mask to wait with: the application's, with SIGCHLD let in.
  [[nodiscard]] const sigset_t& wait_mask() const noexcept { return wait_mask_; }

 private:
  struct sigaction action_;
  sigset_t mask_;
  sigset_t wait_mask_;
};

// Opens a pidfd; by default the system call. A function that fails makes SIGCHLD be used.
using PidfdOpen = int (*)(pid_t pid);
int open_pidfd(pid_t pid) noexcept;

// Watches one child.
class DeathWatch {
 public:
  DeathWatch(pid_t pid, ChildSignal& signal, PidfdOpen open = open_pidfd) noexcept;

  // To be polled for reading; -1 when the wait has to be a ppoll with wait_mask().
  [[nodiscard]] int fd() const noexcept { return pidfd_.get(); }
  [[nodiscard]] const sigset_t* wait_mask() const noexcept;

  // Dead, or reaped by somebody else in this process.
  [[nodiscard]] bool has_died() noexcept;

  // Waits for the end and takes it in. The exit code; 0 when a signal was the end, or when
  // somebody else in this process has reaped it.
  [[nodiscard]] int reap() noexcept;

 private:
  const pid_t pid_;
  ChildSignal* const signal_;
  UniqueFd pidfd_;
};

}  // namespace cs::sam

#endif
