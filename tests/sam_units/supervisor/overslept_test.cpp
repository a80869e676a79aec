// SPDX-License-Identifier: BSD-3-Clause
// Whether the supervisor was frozen around a wait.
#include "sam/supervisor/overslept.h"

#include <gtest/gtest.h>

namespace cs::sam {
namespace {

constexpr Nanoseconds kJudged = 1000;
constexpr Nanoseconds kBound = 20;

TEST(SamOverslept, WakingInTimeIsNone) {
  EXPECT_EQ(overslept(kJudged, 1000, 1500, Deadline::at(1500), kBound), 0);
  EXPECT_EQ(overslept(kJudged, 1000, 1400, Deadline::at(1500), kBound), 0);
}

TEST(SamOverslept, WakingAfterTheDeadlineCounts) {
  EXPECT_EQ(overslept(kJudged, 1000, 1700, Deadline::at(1500), kBound), 200);
}

TEST(SamOverslept, WithoutADeadlineNoWaitIsTooLong) {
  EXPECT_EQ(overslept(kJudged, 1000, 1'000'000, Deadline::never(), kBound), 0);
}

TEST(SamOverslept, ADeadlineThatHadPassedIsCountedFromTheBeginningOfTheWait) {
  EXPECT_EQ(overslept(kJudged, 1010, 1012, Deadline::at(5), kBound), 2);
}

TEST(SamOverslept, WorkLongerThanCallsTakeCounts) {
  EXPECT_EQ(overslept(kJudged, 1020, 1020, Deadline::never(), kBound), 0);
  EXPECT_EQ(overslept(kJudged, 1021, 1021, Deadline::never(), kBound), 1);
}

TEST(SamOverslept, TheLongerOfBothCounts) {
  EXPECT_EQ(overslept(kJudged, 1120, 1500, Deadline::at(1450), kBound), 100);
  EXPECT_EQ(overslept(kJudged, 1120, 1900, Deadline::at(1450), kBound), 450);
}

TEST(SamBusyTooLong, IsNeverNegative) {
  EXPECT_EQ(busy_too_long(kJudged, 1010, kBound), 0);
  EXPECT_EQ(busy_too_long(kJudged, 1025, kBound), 5);
}

}  // namespace
}  // namespace cs::sam
