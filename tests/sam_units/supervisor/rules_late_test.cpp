// SPDX-License-Identifier: BSD-3-Clause
// What a process is left with when its supervisor acts late, and verdicts that come too late.
#include <gtest/gtest.h>

#include "sam/supervisor/rules.h"
#include "sam_units/supervisor/rules_support.h"

namespace cs::sam {
namespace {

Rules make_killed() {
  Rules rules = make_started(kRestart);
  EXPECT_EQ(at(rules, kInterval + kResolution), Signal::kWarn);
  EXPECT_EQ(at(rules, 2 * (kInterval + kResolution)), Signal::kKill);
  return rules;
}

TEST(SamRulesLate, IntervalBeginsWithTheAnswerToTheStart) {
  Rules rules = make_started(kQuit);
  rules.answered(kStart + 50 * kMs);
  expect_deadline(rules, kStart + 50 * kMs + kInterval + kResolution);
}

TEST(SamRulesLate, NobodyIsWatchedWhoDoesNotKnowThatHeIsStarted) {
  Rules rules = make_started(kQuit);
  rules.answer_is_owed();
  EXPECT_TRUE(rules.next_deadline().is_never());
  EXPECT_EQ(at(rules, 5 * kInterval), Signal::kNone);
  rules.answered(kStart + 5 * kInterval);
  EXPECT_EQ(at(rules, 6 * kInterval + kResolution), Signal::kWarn);
}

TEST(SamRulesLate, WarningAndGraceCountFromTheSignal) {
  Rules rules = make_started(kRestart | kQuorum);
  ASSERT_EQ(rules.quorum_told(false, kStart).signal, Signal::kWarn);
  rules.warned(kStart + 80 * kMs);
  EXPECT_EQ(at(rules, 150 * kMs, 100 * kMs), Signal::kNone);
  EXPECT_EQ(at(rules, 180 * kMs, 170 * kMs), Signal::kKill);
}

TEST(SamRulesLate, OnlyTheLastVerdictStarts) {
  Rules rules = make_rules(kQuit | kQuorum, kInterval, false);
  (void)rules.start_asked(1, kStart);
  expect_nothing(rules.quorum_told(true, kStart, false));
  expect_nothing(rules.quorum_told(false, kStart, false));
  expect_nothing(rules.quorum_told(true, kStart, false));
  EXPECT_EQ(rules.quorum_told(true, kStart).reply, 1U);
}

TEST(SamRulesLate, StartWaitsForVerdictsThatHaveArrived) {
  Rules rules = make_rules(kQuit | kQuorum, kInterval, true);
  EXPECT_EQ(rules.start_asked(1, kStart, false).publish, ProcessState::kWaitingForQuorum);
  EXPECT_EQ(rules.quorum_told(true, kStart).reply, 1U);
}

TEST(SamRulesLate, KillThatMissedLeavesTheLastWords) {
  Rules stopped = make_killed();
  expect_nothing(stopped.stop_asked(2));
  stopped.kill_missed();
  EXPECT_EQ(stopped.instance_died(), Recovery::kQuitStopped);

  Rules started_again = make_killed();
  (void)started_again.stop_asked(2);
  (void)started_again.start_asked(3, kStart);
  started_again.kill_missed();
  EXPECT_EQ(started_again.instance_died(), Recovery::kRestart);
}

TEST(SamRulesLate, VerdictGoesOnToADaemon) {
  const Decision decision = make_killed().passed_on();
  EXPECT_EQ(decision.signal, Signal::kKill);
  EXPECT_EQ(decision.reason.kind, Reason::Kind::kSilence);
  EXPECT_EQ(make_started(kRestart).passed_on().signal, Signal::kNone);
}

}  // namespace
}  // namespace cs::sam
