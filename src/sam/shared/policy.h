// SPDX-License-Identifier: BSD-3-Clause
// How a process wants to be watched: recovery policy and interval, as given to sam_initialize.
#ifndef CS_SAM_POLICY_H
#define CS_SAM_POLICY_H

#include <algorithm>
#include <cstdint>
#include <optional>

#include <corosync/sam.h>

#include "common/clock.h"

namespace cs::sam {

// Quit or restart, with the flags quorum and cmap.
class RecoveryPolicy {
 public:
  constexpr RecoveryPolicy() noexcept = default;

  // Empty when the bits other than the flags are neither quit nor restart.
  [[nodiscard]] static constexpr std::optional<RecoveryPolicy> parse(unsigned bits) noexcept {
    const unsigned action = bits & ~kFlags;
    if (action != SAM_RECOVERY_POLICY_QUIT && action != SAM_RECOVERY_POLICY_RESTART) return {};
    return RecoveryPolicy(bits);
  }

  [[nodiscard]] constexpr bool restarts() const noexcept {
    return (bits_ & ~kFlags) == SAM_RECOVERY_POLICY_RESTART;
  }
  [[nodiscard]] constexpr bool needs_quorum() const noexcept {
    return (bits_ & SAM_RECOVERY_POLICY_QUORUM) != 0;
  }
  [[nodiscard]] constexpr bool publishes() const noexcept {
    return (bits_ & SAM_RECOVERY_POLICY_CMAP) != 0;
  }

 private:
  static constexpr unsigned kFlags = SAM_RECOVERY_POLICY_QUORUM | SAM_RECOVERY_POLICY_CMAP;

  explicit constexpr RecoveryPolicy(unsigned bits) noexcept : bits_(bits) {}

  unsigned bits_ = SAM_RECOVERY_POLICY_QUIT;
};

struct Settings {
  RecoveryPolicy policy;
  Nanoseconds interval = 0;      // longest time between two health checks; 0: no limit
  bool allows_callback = false;  // also where the interval was negative, as in upstream

  // Negative intervals mean no limit, too.
  [[nodiscard]] static constexpr Settings from(RecoveryPolicy policy, int milliseconds) noexcept {
    return {policy, std::max(milliseconds, 0) * kNanosecondsPerMillisecond, milliseconds != 0};
  }
};

}  // namespace cs::sam

#endif
