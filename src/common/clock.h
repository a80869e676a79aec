// SPDX-License-Identifier: BSD-3-Clause
// The monotonic clock and deadlines on it. The wall clock is used nowhere.
#ifndef CS_COMMON_CLOCK_H
#define CS_COMMON_CLOCK_H

#include <algorithm>
#include <climits>
#include <compare>
#include <cstdint>
#include <limits>
#include <time.h>

namespace cs {

using Nanoseconds = std::int64_t;

constexpr Nanoseconds kNanosecondsPerMillisecond = 1'000'000;
constexpr Nanoseconds kNanosecondsPerSecond = 1'000'000'000;

constexpr Nanoseconds to_nanoseconds(const timespec& time) noexcept {
  return static_cast<Nanoseconds>(time.tv_sec) * kNanosecondsPerSecond + time.tv_nsec;
}

// CLOCK_MONOTONIC; async-signal-safe.
inline Nanoseconds monotonic_now() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return to_nanoseconds(now);
}

// For calls that take seconds and nanoseconds; the fields are narrower on some machines.
inline timespec to_timespec(Nanoseconds time) noexcept {
  timespec split{};
  split.tv_sec = static_cast<time_t>(time / kNanosecondsPerSecond);
  split.tv_nsec = static_cast<long>(time % kNanosecondsPerSecond);
  return split;
}

// The point on the monotonic clock at which a wait gives up; or never.
class Deadline {
 public:
  [[nodiscard]] static constexpr Deadline never() noexcept { return Deadline(kNever); }
  [[nodiscard]] static constexpr Deadline at(Nanoseconds when) noexcept { return Deadline(when); }
  [[nodiscard]] static Deadline in_milliseconds(std::int64_t delay) noexcept {
    return Deadline(monotonic_now() + delay * kNanosecondsPerMillisecond);
  }

  // The earlier one is the smaller. (NOLINT: clang-tidy 14 takes the operator's 0 for a pointer.)
  [[nodiscard]] friend constexpr auto operator<=>(const Deadline&,
                                                  const Deadline&) noexcept = default;  // NOLINT

  [[nodiscard]] constexpr bool is_never() const noexcept { return when_ == kNever; }
  // The point itself; the end of time for never.
  [[nodiscard]] constexpr Nanoseconds when() const noexcept { return when_; }
  [[nodiscard]] constexpr bool has_passed(Nanoseconds now) const noexcept { return now >= when_; }

  // For poll(2): rounded up, so that waking up means the deadline has passed; -1 for never.
  [[nodiscard]] int poll_timeout(Nanoseconds now) const noexcept {
    if (is_never()) return -1;
    if (now >= when_) return 0;
    const Nanoseconds left = (when_ - now - 1) / kNanosecondsPerMillisecond + 1;
    return static_cast<int>(std::min<Nanoseconds>(left, INT_MAX));
  }

 private:
  static constexpr Nanoseconds kNever = std::numeric_limits<Nanoseconds>::max();
  explicit constexpr Deadline(Nanoseconds when) noexcept : when_(when) {}
  Nanoseconds when_;
};

}  // namespace cs

#endif
