// SPDX-License-Identifier: BSD-3-Clause
// How soon an instance follows another, and how many may.
#include "sam/supervisor/pacing.h"

#include <gtest/gtest.h>

#include <optional>

namespace cs::sam {
namespace {

constexpr Nanoseconds kMs = kNanosecondsPerMillisecond;
constexpr Nanoseconds kSecond = 1000 * kMs;
constexpr Nanoseconds kStart = 1'000'000 * kSecond;

// The pause after an instance that lived for that long.
std::optional<Nanoseconds> pause_after(RestartPacing& pacing, Nanoseconds life,
                                       Nanoseconds now = kStart) {
  return pacing.pause_after(now - life, now);
}

TEST(SamPacing, WithoutSettingsTheNextFollowsAtOnceForEver) {
  RestartPacing pacing(0, {});
  for (int count = 0; count < 1000; ++count) EXPECT_EQ(pause_after(pacing, 0), 0);
}

TEST(SamPacing, PauseDoublesWhileInstancesDieEarly) {
  RestartPacing pacing(10 * kMs, {});
  for (const Nanoseconds factor : {1, 2, 4, 8, 16, 32, 64, 100, 100}) {
    EXPECT_EQ(pause_after(pacing, kSecond - 1), factor * 10 * kMs);
  }
}

TEST(SamPacing, PauseIsShortAgainAfterALongerLife) {
  RestartPacing pacing(10 * kMs, {});
  for (int count = 0; count < 5; ++count) (void)pause_after(pacing, 0);
  EXPECT_EQ(pause_after(pacing, kSecond), 10 * kMs);
  EXPECT_EQ(pause_after(pacing, 0), 20 * kMs);
}

TEST(SamPacing, LimitAllowsSoManyRestarts) {
  RestartPacing pacing(0, {3, 10 * kSecond});
  for (int count = 0; count < 3; ++count) EXPECT_EQ(pause_after(pacing, 0), 0);
  EXPECT_FALSE(pause_after(pacing, 0));
  EXPECT_FALSE(pause_after(pacing, 0, kStart + 10 * kSecond));
}

TEST(SamPacing, LimitForgetsWhatIsOlder) {
  RestartPacing pacing(0, {2, 10 * kSecond});
  EXPECT_TRUE(pause_after(pacing, 0));
  EXPECT_TRUE(pause_after(pacing, 0, kStart + 6 * kSecond));
  EXPECT_TRUE(pause_after(pacing, 0, kStart + 10 * kSecond + 1));  // the first has left
  EXPECT_FALSE(pause_after(pacing, 0, kStart + 16 * kSecond));
  EXPECT_TRUE(pause_after(pacing, 0, kStart + 16 * kSecond + 1));
}

TEST(SamPacing, LimitOfNoneRestartsNothing) {
  RestartPacing pacing(0, {0, kSecond});
  EXPECT_FALSE(pause_after(pacing, kSecond));
}

TEST(SamPacing, LargestLimitIsKept) {
  RestartPacing pacing(0, {RestartLimit::kMost, kSecond});
  for (unsigned round = 0; round < 3; ++round) {
    const Nanoseconds now = kStart + round * 2 * kSecond;
    for (unsigned count = 0; count < RestartLimit::kMost; ++count) {
      EXPECT_TRUE(pause_after(pacing, 0, now)) << round << " " << count;
    }
    EXPECT_FALSE(pause_after(pacing, 0, now));
  }
}

}  // namespace
}  // namespace cs::sam
