// SPDX-License-Identifier: BSD-3-Clause
// Deadlines on the monotonic clock.
#include "common/clock.h"

#include <gtest/gtest.h>

namespace cs {
namespace {

constexpr Nanoseconds kMs = kNanosecondsPerMillisecond;

TEST(MonotonicNow, NeverGoesBack) {
  Nanoseconds last = monotonic_now();
  for (int i = 0; i < 1000; ++i) {
    const Nanoseconds now = monotonic_now();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(MonotonicNow, IsTheClockOfTheSystem) {
  timespec now{};
  ASSERT_EQ(::clock_gettime(CLOCK_MONOTONIC, &now), 0);
  EXPECT_GE(monotonic_now(), static_cast<Nanoseconds>(now.tv_sec) * 1'000'000'000 + now.tv_nsec);
}

TEST(Clock, TimeIsSplitIntoSecondsAndTheRest) {
  const timespec split = to_timespec(3'234'567'891);
  EXPECT_EQ(split.tv_sec, 3);
  EXPECT_EQ(split.tv_nsec, 234'567'891);
}

TEST(Deadline, NeverDoesNotPass) {
  const Deadline never = Deadline::never();
  EXPECT_TRUE(never.is_never());
  EXPECT_FALSE(never.has_passed(monotonic_now()));
  EXPECT_EQ(never.poll_timeout(monotonic_now()), -1);
}

TEST(Deadline, PassesAtItsTime) {
  const Deadline deadline = Deadline::at(5 * kMs);
  EXPECT_FALSE(deadline.is_never());
  EXPECT_FALSE(deadline.has_passed(5 * kMs - 1));
  EXPECT_TRUE(deadline.has_passed(5 * kMs));
}

TEST(Deadline, InMillisecondsCountsFromNow) {
  const Nanoseconds before = monotonic_now();
  const Deadline deadline = Deadline::in_milliseconds(1000);
  EXPECT_FALSE(deadline.has_passed(before + 1000 * kMs - 1));
  EXPECT_TRUE(deadline.has_passed(monotonic_now() + 1000 * kMs));
}

// Rounded down, a poll would end early and be repeated with 0, burning the processor.
TEST(Deadline, PollTimeoutIsRoundedUp) {
  const Deadline deadline = Deadline::at(10 * kMs);
  EXPECT_EQ(deadline.poll_timeout(0), 10);
  EXPECT_EQ(deadline.poll_timeout(1), 10);
  EXPECT_EQ(deadline.poll_timeout(9 * kMs), 1);
  EXPECT_EQ(deadline.poll_timeout(10 * kMs - 1), 1);
  EXPECT_EQ(deadline.poll_timeout(10 * kMs), 0);
  EXPECT_EQ(deadline.poll_timeout(11 * kMs), 0);
}

TEST(Deadline, FarAwayFitsIntoPollsArgument) {
  EXPECT_EQ(Deadline::at(1'000'000'000'000'000'000).poll_timeout(0), INT_MAX);
}

}  // namespace
}  // namespace cs
