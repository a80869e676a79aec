// SPDX-License-Identifier: BSD-3-Clause
// Signals that reach the supervisor and are meant for its instance.
#ifndef CS_SAM_FORWARDING_H
#define CS_SAM_FORWARDING_H

#include <optional>
#include <signal.h>

#include "sam/operator/settings.h"

namespace cs::sam {

// A signal that has arrived. One of a terminal has reached the whole process group: the kernel has
// sent it, and not to the leader of the terminal's session alone.
struct ArrivedSignal {
  int number;
  bool is_of_terminal;
};

// From begin() on the signals are noted, instead of doing what the application has arranged. They
// are blocked in the calling thread, which is the supervisor's, except in a wait with the mask of
// let_in(), which they end: so none is missed between looking and waiting. A thread that the
// application has started before hands over what it receives. There is one at a time in a process.
class Forwarding {
 public:
  Forwarding() noexcept = default;
  void begin(SignalSet signals) noexcept;
  // Gives back what was found: in every new instance, and in a supervisor that gives up.
  ~Forwarding() { give_back(); }
  void give_back() noexcept;
  Forwarding(const Forwarding&) = delete;
  Forwarding& operator=(const Forwarding&) = delete;

  [[nodiscard]] bool is_on() const noexcept { return !signals_.is_empty(); }
  // One has arrived since the last look, outside a wait: in a handler that has let it in. It ends
  // no wait any more.
  [[nodiscard]] bool has_news() const noexcept;
  // Lets them in by a mask to wait with.
  void let_in(sigset_t& mask) const noexcept;

  // What has arrived so far has not reached the process that is forked next, whoever has sent it.
  void before_fork() const noexcept;

  // Those that ask for a stop come first; with kStops only those come, and the others stay.
  enum class Which : bool { kAll, kStops };
  [[nodiscard]] std::optional<ArrivedSignal> next(Which which = Which::kAll) noexcept;

  // Whether one asks for the end of the service.
  [[nodiscard]] static bool is_stop(int number) noexcept {
    return number == SIGTERM || number == SIGINT || number == SIGQUIT;
  }

 private:
  void collect() const noexcept;

  SignalSet signals_;
  sigset_t mask_;  // as it was found
};

}  // namespace cs::sam

#endif
