// SPDX-License-Identifier: BSD-3-Clause
// What the supervisor decides about a process that needs quorum, with made-up clocks.
#include <gtest/gtest.h>

#include "sam/supervisor/rules.h"
#include "sam_units/supervisor/rules_support.h"

namespace cs::sam {
namespace {

TEST(SamRules, StartWaitsForQuorum) {
  Rules rules = make_rules(kRestart | kQuorum, kInterval, false);
  const Decision waiting = rules.start_asked(5, kStart);
  EXPECT_EQ(waiting.publish, ProcessState::kWaitingForQuorum);
  EXPECT_FALSE(waiting.reply);
  EXPECT_TRUE(rules.next_deadline().is_never());
  EXPECT_FALSE(rules.has_time_limit());
  const Decision running = rules.quorum_told(true, kStart + 77 * kInterval);
  EXPECT_EQ(running.publish, ProcessState::kRunning);
  EXPECT_EQ(running.reply, 5U);
  expect_deadline(rules, kStart + 78 * kInterval + kResolution);
}

TEST(SamRules, StartIsAnsweredAtOnceWhenQuorate) {
  Rules rules = make_rules(kRestart | kQuorum);
  EXPECT_EQ(rules.start_asked(5, kStart).reply, 5U);
}

TEST(SamRules, QuorumCountsOnlyWithItsFlag) {
  Rules rules = make_rules(kRestart, kInterval, false);
  EXPECT_EQ(rules.start_asked(5, kStart).reply, 5U);
  expect_nothing(rules.quorum_told(true, kStart));
  expect_nothing(rules.quorum_told(false, kStart));
}

TEST(SamRules, StopEndsTheWaitForQuorum) {
  Rules rules = make_rules(kRestart | kQuorum, kInterval, false);
  (void)rules.start_asked(5, kStart);
  EXPECT_EQ(rules.stop_asked(6).reply, 6U);
  expect_nothing(rules.quorum_told(true, kStart));
}

TEST(SamRules, LostQuorumIsWarnedAtOnceAndKilledAfterAnInterval) {
  Rules rules = make_started(kRestart | kQuorum);
  EXPECT_EQ(rules.quorum_told(false, kStart + 50 * kMs).signal, Signal::kWarn);
  EXPECT_EQ(at(rules, 150 * kMs - 1), Signal::kNone);
  expect_deadline(rules, kStart + 150 * kMs);
  EXPECT_EQ(at(rules, 150 * kMs), Signal::kKill);
}

TEST(SamRules, HealthChecksDoNotHelpAgainstLostQuorum) {
  Rules rules = make_started(kRestart | kQuorum);
  ASSERT_EQ(rules.quorum_told(false, kStart + 50 * kMs).signal, Signal::kWarn);
  EXPECT_EQ(at(rules, 140 * kMs, 139 * kMs), Signal::kNone);
  EXPECT_EQ(at(rules, 150 * kMs, 149 * kMs), Signal::kKill);
}

TEST(SamRules, GraceIsAWholeIntervalForOneThatWasSilentAlready) {
  Rules rules = make_started(kRestart | kQuorum);
  ASSERT_EQ(rules.quorum_told(false, kStart + 95 * kMs).signal, Signal::kWarn);
  EXPECT_EQ(at(rules, 105 * kMs), Signal::kNone);
  EXPECT_EQ(at(rules, 195 * kMs), Signal::kKill);
}

TEST(SamRules, QuorumBackInTimeLeavesItAlone) {
  Rules rules = make_started(kRestart | kQuorum);
  ASSERT_EQ(rules.quorum_told(false, kStart + 50 * kMs).signal, Signal::kWarn);
  expect_nothing(rules.quorum_told(true, kStart + 120 * kMs));
  EXPECT_EQ(at(rules, 150 * kMs, 140 * kMs), Signal::kNone);
  EXPECT_EQ(at(rules, 230 * kMs, 220 * kMs), Signal::kNone);
}

TEST(SamRules, SecondLossHasItsOwnWarningAndGrace) {
  Rules rules = make_started(kRestart | kQuorum);
  ASSERT_EQ(rules.quorum_told(false, kStart + 50 * kMs).signal, Signal::kWarn);
  (void)rules.quorum_told(true, kStart + 60 * kMs);
  EXPECT_EQ(rules.quorum_told(false, kStart + 90 * kMs).signal, Signal::kWarn);
  EXPECT_EQ(at(rules, 189 * kMs, 180 * kMs), Signal::kNone);
  EXPECT_EQ(at(rules, 190 * kMs, 180 * kMs), Signal::kKill);
}

TEST(SamRules, WarnedForQuorumIsNotWarnedForSilence) {
  Rules rules = make_started(kRestart | kQuorum);
  ASSERT_EQ(rules.quorum_told(false, kStart + 50 * kMs).signal, Signal::kWarn);
  (void)rules.quorum_told(true, kStart + 60 * kMs);
  EXPECT_EQ(at(rules, 150 * kMs + kResolution), Signal::kKill);
}

TEST(SamRules, IntervalZeroHasAGraceWithoutEnd) {
  Rules rules = make_started(kRestart | kQuorum, 0);
  EXPECT_EQ(rules.quorum_told(false, kStart + 50 * kMs).signal, Signal::kWarn);
  EXPECT_TRUE(rules.next_deadline().is_never());
  EXPECT_EQ(at(rules, 1000 * kInterval), Signal::kNone);
  expect_nothing(rules.quorum_told(true, kStart + 2000 * kInterval));
}

TEST(SamRules, TheSameVerdictAgainIsNoLoss) {
  Rules rules = make_started(kRestart | kQuorum);
  expect_nothing(rules.quorum_told(true, kStart));
  ASSERT_EQ(rules.quorum_told(false, kStart + 50 * kMs).signal, Signal::kWarn);
  expect_nothing(rules.quorum_told(false, kStart + 90 * kMs));
  EXPECT_EQ(at(rules, 150 * kMs), Signal::kKill);
}

TEST(SamRules, LossWhileStoppedIsNoConcern) {
  Rules rules = make_rules(kRestart | kQuorum);
  expect_nothing(rules.quorum_told(false, kStart));
  EXPECT_EQ(rules.start_asked(1, kStart).publish, ProcessState::kWaitingForQuorum);
}

TEST(SamRules, StoppingEndsTheGrace) {
  Rules rules = make_started(kRestart | kQuorum);
  (void)rules.quorum_told(false, kStart + 50 * kMs);
  (void)rules.stop_asked(2);
  EXPECT_EQ(at(rules, 500 * kMs), Signal::kNone);
  EXPECT_EQ(rules.instance_died(), Recovery::kQuitStopped);
}

TEST(SamRules, FreezeRenewsTheGraceOnce) {
  Rules rules = make_started(kRestart | kQuorum);
  ASSERT_EQ(rules.quorum_told(false, kStart).signal, Signal::kWarn);
  EXPECT_EQ(at(rules, 300 * kMs, 1, kFrozen), Signal::kNone);
  expect_deadline(rules, kStart + 400 * kMs);
  EXPECT_EQ(at(rules, 600 * kMs, 599 * kMs, kFrozen), Signal::kKill);
}

TEST(SamRules, QuorumStaysLostForTheNextInstance) {
  Rules rules = make_started(kRestart | kQuorum);
  (void)rules.quorum_told(false, kStart);
  ASSERT_EQ(at(rules, kInterval), Signal::kKill);
  ASSERT_EQ(rules.instance_died(), Recovery::kRestart);
  rules.instance_began();
  EXPECT_FALSE(rules.start_asked(1, kStart + 200 * kMs).reply);
  const Decision running = rules.quorum_told(true, kStart + 300 * kMs);
  EXPECT_EQ(running.reply, 1U);
  EXPECT_EQ(running.signal, Signal::kNone);
  EXPECT_EQ(at(rules, 400 * kMs + kResolution), Signal::kWarn);
}

}  // namespace
}  // namespace cs::sam
