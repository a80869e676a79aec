// SPDX-License-Identifier: BSD-3-Clause
// When to try again what has failed.
#ifndef CS_SAM_BACKOFF_H
#define CS_SAM_BACKOFF_H

#include <algorithm>

#include "common/clock.h"

namespace cs::sam {

// Pauses of 10 ms, then twice as long each time, up to a second.
class Backoff {
 public:
  void failed(Nanoseconds now) noexcept {
    pause_ = pause_ == 0 ? kFirst : std::min(2 * pause_, kLongest);
    next_ = now + pause_;
  }
  void succeeded() noexcept { *this = Backoff(); }

  // Whether something failed and has not succeeded since.
  [[nodiscard]] bool is_behind() const noexcept { return pause_ != 0; }
  // When the next attempt may be made; a time long past where nothing has failed.
  [[nodiscard]] Deadline due() const noexcept { return Deadline::at(next_); }
  [[nodiscard]] bool may_try(Nanoseconds now) const noexcept { return due().has_passed(now); }

  // How long an attempt may take: the first as long as the bound, a later one no longer than the
  // pause before it, so that most of the time is left for other things.
  [[nodiscard]] Nanoseconds attempt_limit(Nanoseconds bound) const noexcept {
    return pause_ == 0 ? bound : std::min(bound, pause_);
  }

 private:
  static constexpr Nanoseconds kFirst = 10 * kNanosecondsPerMillisecond;
  static constexpr Nanoseconds kLongest = 1000 * kNanosecondsPerMillisecond;

  Nanoseconds pause_ = 0;
  Nanoseconds next_ = 0;
};

}  // namespace cs::sam

#endif
