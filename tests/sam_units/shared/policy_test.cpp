// SPDX-License-Identifier: BSD-3-Clause
// Which recovery policies and intervals are accepted, and what they mean.
#include "sam/shared/policy.h"

#include <gtest/gtest.h>

namespace cs::sam {
namespace {

TEST(SamPolicy, QuitAndRestartAreToldApart) {
  EXPECT_FALSE(RecoveryPolicy::parse(1)->restarts());
  EXPECT_TRUE(RecoveryPolicy::parse(2)->restarts());
}

TEST(SamPolicy, FlagsMayBeCombinedWithEither) {
  for (const unsigned action : {1U, 2U}) {
    const auto both = RecoveryPolicy::parse(action | 0x18);
    ASSERT_TRUE(both);
    EXPECT_TRUE(both->needs_quorum());
    EXPECT_TRUE(both->publishes());
    EXPECT_EQ(both->restarts(), action == 2);
    EXPECT_FALSE(RecoveryPolicy::parse(action | 0x10)->needs_quorum());
    EXPECT_FALSE(RecoveryPolicy::parse(action | 0x08)->publishes());
  }
}

TEST(SamPolicy, EverythingElseIsRefused) {
  for (const unsigned bits :
       {0U, 3U, 4U, 5U, 0x08U, 0x10U, 0x18U, 0x0BU, 0x20U, 0x21U, 0x42U, 0x80000001U, ~0U}) {
    EXPECT_FALSE(RecoveryPolicy::parse(bits)) << bits;
  }
}

TEST(SamPolicy, NegativeIntervalIsNoLimitButAllowsACallback) {
  const auto policy = *RecoveryPolicy::parse(SAM_RECOVERY_POLICY_RESTART);
  const auto interval_from = [&](int ms) { return Settings::from(policy, ms).interval; };
  EXPECT_EQ(interval_from(-1), 0);
  EXPECT_EQ(interval_from(0), 0);
  EXPECT_EQ(interval_from(1), 1'000'000);
  EXPECT_EQ(interval_from(2147483647), 2147483647LL * 1'000'000);
  EXPECT_TRUE(Settings::from(policy, -1).allows_callback);
  EXPECT_FALSE(Settings::from(policy, 0).allows_callback);
  EXPECT_TRUE(Settings::from(policy, 1).allows_callback);
  EXPECT_TRUE(Settings::from(policy, 1).policy.restarts());
}

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
