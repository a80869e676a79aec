// SPDX-License-Identifier: BSD-3-Clause
// SIGCHLD in the supervisor: it must hear of every child, keep the exit code of its own instance
// from the application's handler, and still let that handler run for the application's other
// children.
#ifndef CS_SAM_CHILD_SIGNAL_H
#define CS_SAM_CHILD_SIGNAL_H

#include <optional>
#include <signal.h>
#include <sys/types.h>

namespace cs::sam {

// The application's SIGCHLD disposition and signal mask, kept from sam_register on. While it lives,
// dead children wait to be reaped, whatever the application's disposition.
class ChildSignal {
 public:
  ChildSignal() noexcept;
  // Gives both back: in every new instance, and in a supervisor that gives up.
  ~ChildSignal() { give_back(); }
  void give_back() const noexcept;
  // The same in a process that a handler has forked, whose mask may be of the handler's making.
  void give_back_to_copy() const noexcept;
  ChildSignal(const ChildSignal&) = delete;
  ChildSignal& operator=(const ChildSignal&) = delete;

  // From now on SIGCHLD ends a wait with wait_mask(), and only that: in between it is blocked, so
  // that a death between looking and waiting is not missed. Needed without a pidfd, and done from
  // the beginning where the application has an interest in SIGCHLD, or orphans come to this
  // process.
  void listen() noexcept;
  // The mask to wait with: the application's, with SIGCHLD let in; null to leave it as it is.
  [[nodiscard]] const sigset_t* wait_mask() const noexcept {
    return is_listening_ ? &wait_mask_ : nullptr;
  }

  // Reaps the children that have died. The application's handler runs for each of them first: it
  // may count on finding the child, and may start it again. Returns the wait status of an instance
  // that has died, if this or the handler has taken it and it is known.
  std::optional<int> reap_others(pid_t instance) noexcept;

 private:
  static void install() noexcept;
  [[nodiscard]] bool has_handler() const noexcept;
  void run_handler(siginfo_t& info) noexcept;
  std::optional<int> reap_other(siginfo_t& info, pid_t instance) noexcept;

  static bool is_wake_up(const struct sigaction& action) noexcept;

  struct sigaction action_;
  sigset_t mask_;
  sigset_t wait_mask_;
  bool is_listening_ = false;
};

}  // namespace cs::sam

#endif
