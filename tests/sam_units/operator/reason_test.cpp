// SPDX-License-Identifier: BSD-3-Clause
// Reasons in words, as the log and the service manager show them.
#include "sam/operator/reason.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <limits>
#include <string>

namespace cs::sam {
namespace {

using Kind = Reason::Kind;

std::string words(const Reason& reason) {
  char text[kReasonRoom];
  write_reason(reason, text);
  return text;
}

TEST(SamReason, EachKindHasItsWords) {
  EXPECT_EQ(words({}), "");
  EXPECT_EQ(words({Kind::kQuorumLost}), "quorum lost");
  EXPECT_EQ(words({Kind::kMarkedFailed}), "marked failed");
  EXPECT_EQ(words({Kind::kUnknownEnd}), "ended, how is not known");
  EXPECT_EQ(words({Kind::kLimitReached}), "restart limit reached");
  EXPECT_EQ(words({Kind::kNotStarted}), "not started");
  EXPECT_EQ(words({Kind::kQuitPolicy}), "policy quit");
  EXPECT_EQ(words({Kind::kBroken}), "supervisor cannot go on");
  EXPECT_EQ(words({Kind::kStopAsked, SIGTERM}), "stop asked by SIGTERM");
}

TEST(SamReason, DeathIsToldByItsWaitStatus) {
  EXPECT_EQ(words({Kind::kDeath, 0}), "exited with 0");
  EXPECT_EQ(words({Kind::kDeath, 3 << 8}), "exited with 3");
  EXPECT_EQ(words({Kind::kDeath, SIGKILL}), "killed by SIGKILL");
  EXPECT_EQ(words({Kind::kDeath, SIGSEGV | 0x80}), "killed by SIGSEGV (core dumped)");
}

TEST(SamReason, SilenceIsToldInTenthsOfASecond) {
  EXPECT_EQ(words({Kind::kSilence, 0}), "no health check for 0.0 s");
  EXPECT_EQ(words({Kind::kSilence, 2'199'999'999}), "no health check for 2.1 s");
}

TEST(SamReason, LongestOneFits) {
  const std::string longest = words({Kind::kSilence, std::numeric_limits<std::int64_t>::max()});
  EXPECT_TRUE(longest.ends_with(" s"));
}

}  // namespace
}  // namespace cs::sam
