// SPDX-License-Identifier: BSD-3-Clause
// How soon one instance may follow the other, and how many there may be, as the operator asks for.
// Seen from outside, when the supervisor decides on a restart lies between two times; so all that
// is said here are bounds.
#pragma once

#include <algorithm>
#include <vector>

#include "sam/operator/settings.h"
#include "simulation/random.h"
#include "simulation/wires.h"

namespace cs::sam::simulation {

inline constexpr Nanoseconds kLongestDelay = 50 * kMs;
inline constexpr Nanoseconds kMostDelays = 100;  // a pause is at most so many delays

// By a chance of its own: all other choices of a seed are as without it. Most operators ask for
// nothing.
inline OperatorSettings choose_pacing(std::uint64_t seed) {
  Random random(seed ^ 0x7061636500000000U);
  OperatorSettings asked;
  if (!random.once_in(3)) return asked;
  asked.restart_delay = random.one_of({Nanoseconds{0}, kMs, 10 * kMs, kLongestDelay});
  asked.restart_limit = random.one_of({RestartLimit{}, RestartLimit{}, RestartLimit{0, 1000 * kMs},
                                       RestartLimit{1, 1000 * kMs}, RestartLimit{2, 5000 * kMs},
                                       RestartLimit{5, 10'000 * kMs},
                                       RestartLimit{RestartLimit::kMost, 60'000 * kMs}});
  return asked;
}

class Restarts {
 public:
  explicit Restarts(const OperatorSettings& asked)
      : delay_(asked.restart_delay), limit_(asked.restart_limit) {}

  // An instance has begun between these times.
  void began(Nanoseconds now) { began_from_ = began_until_ = now; }
  void began_before(Nanoseconds now) {
    if (began_until_ == began_from_) began_until_ = now;
  }

  // That instance is over, and another is to follow. False: that is one too many.
  [[nodiscard]] bool decided(Nanoseconds from, Nanoseconds to) {
    const bool is_early = to - began_from_ < kEarly;
    const bool is_late = from - began_until_ >= kEarly;
    least_ = is_early && least_ != 0 ? twice(least_) : delay_;
    most_ = !is_late && most_ != 0 ? twice(most_) : delay_;
    earliest_ = from + least_;
    latest_ = kNever;
    const bool is_within = limit_.period == 0 || (limit_.count != 0 && !is_enough(to, &Time::from));
    times_.push_back({from, to});
    return is_within;
  }
  // The pause has begun before.
  void paused_before(Nanoseconds now) {
    if (latest_ == kNever) latest_ = now + most_;
  }

  // When the next instance begins: not before the one, and not after the other.
  [[nodiscard]] Nanoseconds earliest() const { return earliest_; }
  [[nodiscard]] Nanoseconds latest() const { return latest_; }

  // Whether an instance that was over after that time may have been the last.
  [[nodiscard]] bool may_be_enough(Nanoseconds from) const {
    return limit_.period != 0 && (limit_.count == 0 || is_enough(from, &Time::to));
  }

 private:
  struct Time {
    Nanoseconds from;
    Nanoseconds to;
  };

  static constexpr Nanoseconds kEarly = 1000 * kMs;

  [[nodiscard]] Nanoseconds twice(Nanoseconds pause) const {
    return std::min(2 * pause, kMostDelays * delay_);
  }
  [[nodiscard]] bool is_enough(Nanoseconds now, Nanoseconds Time::*bound) const {
    if (times_.size() < limit_.count) return false;
    return now - times_[times_.size() - limit_.count].*bound <= limit_.period;
  }

  const Nanoseconds delay_;
  const RestartLimit limit_;
  Nanoseconds began_from_ = 0;
  Nanoseconds began_until_ = 0;
  Nanoseconds least_ = 0;  // the last pause
  Nanoseconds most_ = 0;
  Nanoseconds earliest_ = 0;
  Nanoseconds latest_ = 0;
  std::vector<Time> times_;  // of each restart
};

}  // namespace cs::sam::simulation
