// SPDX-License-Identifier: BSD-3-Clause
// Why an instance was warned or killed, how it ended, and why the supervisor does.
#ifndef CS_SAM_REASON_H
#define CS_SAM_REASON_H

#include <cstddef>
#include <cstdint>

namespace cs::sam {

// Why something happened.
struct Reason {
  enum class Kind : std::uint8_t {
    kNone,
    kSilence,  // value: how long, in nanoseconds
    kQuorumLost,
    kMarkedFailed,
    kDeath,       // value: the wait status
    kUnknownEnd,  // that of a daemon, where nobody can tell
    kStopAsked,   // value: the signal
    kLimitReached,
    kNotStarted,  // it had not been started, or was stopped
    kQuitPolicy,
    kBroken,  // the supervisor cannot go on
  };

  Kind kind = Kind::kNone;
  std::int64_t value = 0;
};

// In words, terminated; empty for none.
inline constexpr std::size_t kReasonRoom = 64;
void write_reason(const Reason& reason, char (&text)[kReasonRoom]) noexcept;

}  // namespace cs::sam

#endif
