// SPDX-License-Identifier: BSD-3-Clause
// What the operator asks for in the environment of an unchanged program: the variables SAM_*. They
// are read once, in sam_initialize; sam_environment(7) describes them.
#ifndef CS_SAM_OPERATOR_SETTINGS_H
#define CS_SAM_OPERATOR_SETTINGS_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <signal.h>
#include <string_view>
#include <sys/types.h>
#include <sys/un.h>

#include "common/clock.h"
#include "common/file_identity.h"

namespace cs::sam {

// At most count restarts within the period; a period of 0 is no limit.
struct RestartLimit {
  static constexpr unsigned kMost = 100;

  unsigned count = 0;
  Nanoseconds period = 0;
};

// A set of signals, of those that nearly every machine has.
class SignalSet {
 public:
  static constexpr int kMost = 64;

  constexpr void add(int number) noexcept { bits_ |= bit(number); }
  constexpr void remove(int number) noexcept { bits_ &= ~bit(number); }
  [[nodiscard]] constexpr bool has(int number) const noexcept { return (bits_ & bit(number)) != 0; }
  [[nodiscard]] constexpr bool is_empty() const noexcept { return bits_ == 0; }
  [[nodiscard]] sigset_t to_mask() const noexcept {
    sigset_t mask;
    sigemptyset(&mask);
    for (int number = 1; number <= kMost; ++number) {
      if (has(number)) sigaddset(&mask, number);
    }
    return mask;
  }

 private:
  static constexpr std::uint64_t bit(int number) noexcept {
    return std::uint64_t{1} << (number - 1);
  }
  std::uint64_t bits_ = 0;
};

// Without any variable nothing is asked for.
struct OperatorSettings {
  int log_fd = -1;       // SAM_LOG; -1: no log
  FileIdentity log;      // what the number stood for then; unknown for standard error
  FileIdentity journal;  // JOURNAL_STREAM

  Nanoseconds restart_delay = 0;                           // SAM_RESTART_DELAY
  RestartLimit restart_limit;                              // SAM_RESTART_LIMIT
  SignalSet forwarded;                                     // SAM_FORWARD
  bool tells_signal_at_exit = false;                       // SAM_EXIT
  bool kills_orphan = false;                               // SAM_ORPHAN
  std::optional<int> warn_signal;                          // SAM_WARN_SIGNAL; 0: none
  std::optional<int> interval_ms;                          // SAM_INTERVAL
  bool notifies = false;                                   // SAM_NOTIFY, and there is a socket
  char notify_socket[sizeof(sockaddr_un::sun_path)] = {};  // NOTIFY_SOCKET, as in a sockaddr_un
  std::size_t notify_socket_length = 0;
  Nanoseconds watchdog = 0;  // WATCHDOG_USEC; 0: none
  pid_t watchdog_pid = 0;    // WATCHDOG_PID: whom it is meant for; 0: whoever is asked
};

using GetVariable = char* (*)(const char* name);                 // as secure_getenv
using Complain = void (*)(const char* name, const char* value);  // of what cannot be read

// A variable that is not set, or empty, asks for nothing; one that cannot be read is ignored as
// well, and complained of.
[[nodiscard]] OperatorSettings read_operator_settings(GetVariable get, Complain complain) noexcept;

}  // namespace cs::sam

#endif
