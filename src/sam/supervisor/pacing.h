// SPDX-License-Identifier: BSD-3-Clause
// How soon the next instance may begin, and how many there may be: pure, as the rules that it is a
// part of.
#ifndef CS_SAM_PACING_H
#define CS_SAM_PACING_H

#include <algorithm>
#include <optional>

#include "common/clock.h"
#include "sam/operator/settings.h"

namespace cs::sam {

class RestartPacing {
 public:
  RestartPacing(Nanoseconds delay, const RestartLimit& limit) noexcept
      : delay_(delay), limit_(limit) {}

  // An instance that began then has died now. How long to wait before the next one, which counts as
  // a restart from here on; empty when there have been enough of them.
  [[nodiscard]] std::optional<Nanoseconds> pause_after(Nanoseconds began,
                                                       Nanoseconds now) noexcept {
    if (has_reached_limit(now)) return {};
    restarts_[count_ % RestartLimit::kMost] = now;
    ++count_;
    const bool is_early = now - began < kEarly;
    pause_ = is_early && pause_ != 0 ? std::min(2 * pause_, kMostDelays * delay_) : delay_;
    return pause_;
  }

 private:
  // An instance that dies within this time did not get far.
  static constexpr Nanoseconds kEarly = 1000 * kNanosecondsPerMillisecond;
  static constexpr Nanoseconds kMostDelays = 100;

  [[nodiscard]] bool has_reached_limit(Nanoseconds now) const noexcept {
    if (limit_.period == 0 || count_ < limit_.count) return false;
    if (limit_.count == 0) return true;
    return now - restarts_[(count_ - limit_.count) % RestartLimit::kMost] <= limit_.period;
  }

  Nanoseconds delay_;
  RestartLimit limit_;
  Nanoseconds pause_ = 0;
  std::uint64_t count_ = 0;
  Nanoseconds restarts_[RestartLimit::kMost] = {};  // the last ones, each at count % kMost
};

}  // namespace cs::sam

#endif
