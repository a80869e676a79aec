// SPDX-License-Identifier: BSD-3-Clause
// Whether the supervisor itself was frozen: stopped, starved, or asleep with the whole machine.
#ifndef CS_SAM_OVERSLEPT_H
#define CS_SAM_OVERSLEPT_H

#include <algorithm>

#include "common/clock.h"

namespace cs::sam {

// How much longer than its calls can take the supervisor was at work; 0 if it was not.
[[nodiscard]] constexpr Nanoseconds busy_too_long(Nanoseconds from, Nanoseconds to,
                                                  Nanoseconds bound) noexcept {
  return std::max<Nanoseconds>(to - from - bound, 0);
}

// How long it has stood still around a wait, as far as it can tell: before the wait, which has
// begun later than its work since the last judgement explains; or in the wait, which has ended
// later than asked for. Nobody is late for a deadline that had passed when the wait began.
[[nodiscard]] constexpr Nanoseconds overslept(Nanoseconds judged, Nanoseconds begun,
                                              Nanoseconds ended, Deadline asked,
                                              Nanoseconds busy_bound) noexcept {
  const Nanoseconds due = std::max(begun, std::min(asked.when(), ended));
  return std::max(busy_too_long(judged, begun, busy_bound), ended - due);
}

}  // namespace cs::sam

#endif
