// SPDX-License-Identifier: BSD-3-Clause
// When a retry is due, and how long it may take.
#include "sam/supervisor/backoff.h"

#include <gtest/gtest.h>

namespace cs::sam {
namespace {

TEST(SamBackoff, PausesDoubleUpToASecond) {
  Backoff backoff;
  EXPECT_TRUE(backoff.may_try(0));
  EXPECT_FALSE(backoff.is_behind());
  const Nanoseconds ms = kNanosecondsPerMillisecond;
  for (const Nanoseconds pause : {10, 20, 40, 80, 160, 320, 640, 1000, 1000}) {
    backoff.failed(5);
    EXPECT_EQ(backoff.due(), Deadline::at(5 + pause * ms));
    EXPECT_FALSE(backoff.may_try(5 + pause * ms - 1));
    EXPECT_TRUE(backoff.may_try(5 + pause * ms));
    EXPECT_TRUE(backoff.is_behind());
  }
  backoff.succeeded();
  EXPECT_TRUE(backoff.may_try(0));
  EXPECT_FALSE(backoff.is_behind());
}

TEST(SamBackoff, LaterAttemptsAreAsShortAsThePauses) {
  Backoff backoff;
  const Nanoseconds ms = kNanosecondsPerMillisecond;
  EXPECT_EQ(backoff.attempt_limit(500 * ms), 500 * ms);
  backoff.failed(0);
  EXPECT_EQ(backoff.attempt_limit(500 * ms), 10 * ms);
  EXPECT_EQ(backoff.attempt_limit(5 * ms), 5 * ms);
}

}  // namespace
}  // namespace cs::sam
