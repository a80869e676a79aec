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

}  // namespace
}  // namespace cs::sam
