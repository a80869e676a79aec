// SPDX-License-Identifier: BSD-3-Clause
// Decides how long to spin for an answer before sleeping. Pure: no clock, no calls.
//
// Sleeping and being woken takes tens of microseconds; a daemon that is awake answers in three. But
// spinning until a sleeping daemon has answered costs more processor time than sleeping does, and
// on one processor spinning only keeps the daemon from running. So spin for a request that comes
// soon after the last answer, when the daemon is still awake. Go on for as long as that pays, stop
// when it does not, and try again now and then.
#ifndef CS_IPC_SPIN_BUDGET_H
#define CS_IPC_SPIN_BUDGET_H

#include "common/clock.h"

namespace cs::ipc {

// Not thread safe: belongs to one connection and is guarded with it.
class SpinBudget {
 public:
  // Long enough to outlast one answer of a daemon that has just gone to sleep (about 40 us). With
  // less, one miss would let the daemon sleep again before the next request, and so on for ever.
  static constexpr Nanoseconds kFull = 100'000;
  // A shorter budget is not worth reading the clock for.
  static constexpr Nanoseconds kLeast = 4'000;
  // A request this soon after the last answer belongs to the same burst.
  static constexpr Nanoseconds kBurstGap = 50'000;
  // After so many requests of a burst without spinning, it is tried again.
  static constexpr unsigned kRetryAfter = 64;

  // With one processor spinning is of no use.
  void set_processors(int count) noexcept { alone_ = count < 2; }
  [[nodiscard]] bool is_alone() const noexcept { return alone_; }

  // How long to spin for the answer to a request sent now.
  [[nodiscard]] Nanoseconds next(Nanoseconds now) noexcept {
    if (alone_ || now - last_answer_ > kBurstGap) return 0;
    if (budget_ >= kLeast) return budget_;
    if (++unspun_ < kRetryAfter) return 0;
    unspun_ = 0;
    return kFull;
  }

  // The answer came while spinning: it pays.
  void record_hit(Nanoseconds now) noexcept {
    budget_ = kFull;
    last_answer_ = now;
  }

  // The answer came, but later than the budget; spun says whether any was spent.
  void record_miss(Nanoseconds now, bool spun) noexcept {
    if (spun) budget_ /= 2;
    last_answer_ = now;
  }

 private:
  Nanoseconds budget_ = kFull;
  Nanoseconds last_answer_ = 0;
  unsigned unspun_ = 0;
  bool alone_ = false;
};

}  // namespace cs::ipc

#endif
