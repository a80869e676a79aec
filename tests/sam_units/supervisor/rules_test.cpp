// SPDX-License-Identifier: BSD-3-Clause
// Every decision of the supervisor, with made-up clocks.
#include "sam/supervisor/rules.h"

#include <gtest/gtest.h>

#include "sam_units/supervisor/rules_support.h"

namespace cs::sam {
namespace {

// --- start and stop

TEST(SamRules, StartIsAnsweredAndPublished) {
  Rules rules = make_rules(kQuit);
  const Decision decision = rules.start_asked(7, kStart);
  EXPECT_EQ(decision.reply, 7U);
  EXPECT_EQ(decision.publish, ProcessState::kRunning);
  EXPECT_EQ(decision.signal, Signal::kNone);
  EXPECT_TRUE(rules.has_time_limit());
}

TEST(SamRules, NewInstanceIsPublishedAsStopped) {
  Rules rules({*RecoveryPolicy::parse(kRestart), kInterval}, kResolution, true);
  EXPECT_EQ(rules.instance_began().publish, ProcessState::kStopped);
  EXPECT_TRUE(rules.next_deadline().is_never());
  EXPECT_FALSE(rules.has_time_limit());
}

TEST(SamRules, StopIsAnsweredAndEndsTheTimeLimit) {
  Rules rules = make_started(kQuit);
  const Decision decision = rules.stop_asked(8);
  EXPECT_EQ(decision.reply, 8U);
  EXPECT_EQ(decision.publish, ProcessState::kStopped);
  EXPECT_TRUE(rules.next_deadline().is_never());
  EXPECT_EQ(at(rules, 10 * kInterval), Signal::kNone);
}

TEST(SamRules, MayBeStartedAgainWithAFreshInterval) {
  Rules rules = make_started(kQuit);
  (void)rules.stop_asked(2);
  EXPECT_EQ(rules.start_asked(3, kStart + 5 * kInterval).reply, 3U);
  expect_deadline(rules, kStart + 6 * kInterval + kResolution);
}

TEST(SamRules, StartWhileStartedIsAnsweredAndChangesNothing) {
  Rules rules = make_started(kQuit);
  const Decision decision = rules.start_asked(9, kStart + kInterval / 2);
  EXPECT_EQ(decision.reply, 9U);
  EXPECT_FALSE(decision.publish);
  expect_deadline(rules, kStart + kInterval + kResolution);
}

// --- hang

TEST(SamRules, StartCountsAsAHealthCheck) {
  const Rules rules = make_started(kQuit);
  expect_deadline(rules, kStart + kInterval + kResolution);
}

TEST(SamRules, HealthChecksMoveTheDeadline) {
  Rules rules = make_started(kQuit);
  EXPECT_EQ(at(rules, kInterval + kResolution, 60 * kMs), Signal::kNone);
  expect_deadline(rules, kStart + 60 * kMs + kInterval + kResolution);
}

// Of another clock, say: that it has changed is a sign of life, once.
TEST(SamRules, HealthCheckThatGoesBackCountsOnce) {
  Rules rules = make_started(kQuit);
  EXPECT_EQ(at(rules, 60 * kMs, 60 * kMs), Signal::kNone);
  EXPECT_EQ(at(rules, 150 * kMs, 20 * kMs), Signal::kNone);
  EXPECT_EQ(at(rules, 200 * kMs, 20 * kMs), Signal::kNone);
  EXPECT_EQ(at(rules, 150 * kMs + kInterval + kResolution, 20 * kMs), Signal::kWarn);
}

TEST(SamRules, NothingIsDecidedBeforeTheDeadline) {
  Rules rules = make_started(kQuit);
  EXPECT_EQ(at(rules, kInterval + kResolution - 1), Signal::kNone);
  EXPECT_EQ(at(rules, kInterval + kResolution), Signal::kWarn);
}

TEST(SamRules, SilenceIsWarnedThenKilled) {
  Rules rules = make_started(kQuit);
  ASSERT_EQ(at(rules, kInterval + kResolution), Signal::kWarn);
  const Nanoseconds kill = 2 * (kInterval + kResolution);
  expect_deadline(rules, kStart + kill);
  EXPECT_EQ(at(rules, kill - 1), Signal::kNone);
  EXPECT_EQ(at(rules, kill), Signal::kKill);
}

TEST(SamRules, HealthCheckJustBeforeTheWarningDoesNotHelp) {
  Rules rules = make_started(kQuit);
  constexpr Nanoseconds kWarned = kInterval + kResolution;
  ASSERT_EQ(at(rules, kWarned), Signal::kWarn);
  EXPECT_EQ(at(rules, 2 * kWarned, kWarned - kResolution), Signal::kKill);
}

TEST(SamRules, ResumedAfterTheWarningIsLeftRunning) {
  Rules rules = make_started(kQuit);
  ASSERT_EQ(at(rules, kInterval + kResolution), Signal::kWarn);
  EXPECT_EQ(at(rules, 2 * (kInterval + kResolution), 150 * kMs), Signal::kNone);
  expect_deadline(rules, kStart + 250 * kMs + kResolution);
}

TEST(SamRules, NextMissAfterAWarningIsKilledAtOnce) {
  Rules rules = make_started(kQuit);
  ASSERT_EQ(at(rules, kInterval + kResolution), Signal::kWarn);
  ASSERT_EQ(at(rules, 2 * (kInterval + kResolution), 150 * kMs), Signal::kNone);
  EXPECT_EQ(at(rules, 250 * kMs + kResolution, 150 * kMs), Signal::kKill);
}

TEST(SamRules, OneWarningPerInstanceAlsoAcrossStopAndStart) {
  Rules rules = make_started(kQuit);
  ASSERT_EQ(at(rules, kInterval + kResolution), Signal::kWarn);
  (void)rules.stop_asked(2);
  (void)rules.start_asked(3, kStart + 300 * kMs);
  EXPECT_EQ(at(rules, 400 * kMs + kResolution), Signal::kKill);
}

TEST(SamRules, TheNextInstanceIsWarnedAgain) {
  Rules rules = make_started(kRestart);
  ASSERT_EQ(at(rules, kInterval + kResolution), Signal::kWarn);
  ASSERT_EQ(rules.instance_died(), Recovery::kRestart);
  rules.instance_began();
  EXPECT_EQ(rules.next_deadline().is_never(), true);
  (void)rules.start_asked(1, kStart + 300 * kMs);
  EXPECT_EQ(at(rules, 400 * kMs + kResolution), Signal::kWarn);
}

TEST(SamRules, NothingIsDecidedAfterTheKill) {
  Rules rules = make_started(kRestart);
  ASSERT_EQ(at(rules, kInterval + kResolution), Signal::kWarn);
  ASSERT_EQ(at(rules, 2 * (kInterval + kResolution)), Signal::kKill);
  EXPECT_TRUE(rules.next_deadline().is_never());
  EXPECT_EQ(at(rules, 50 * kInterval), Signal::kNone);
  expect_nothing(rules.stop_asked(4));
  expect_nothing(rules.start_asked(5, kStart + kInterval));
  EXPECT_EQ(rules.instance_died(), Recovery::kRestart);
}

TEST(SamRules, IntervalZeroHasNoTimeLimit) {
  Rules rules = make_started(kQuit, 0);
  EXPECT_TRUE(rules.next_deadline().is_never());
  EXPECT_FALSE(rules.has_time_limit());
  EXPECT_EQ(at(rules, 1'000'000 * kInterval), Signal::kNone);
}

TEST(SamRules, HealthCheckOfAnotherClockCountsWhenItChanges) {
  constexpr Nanoseconds kTick = kInterval + kResolution;
  for (const Nanoseconds other : {1000 * kInterval, -100 * kInterval}) {
    Rules rules = make_started(kQuit);
    EXPECT_EQ(at(rules, kTick, other), Signal::kNone);
    EXPECT_EQ(at(rules, 2 * kTick - 1, other), Signal::kNone);
    EXPECT_EQ(at(rules, 2 * kTick, other + 1), Signal::kNone);
    EXPECT_EQ(at(rules, 3 * kTick, other + 1), Signal::kWarn);
    EXPECT_EQ(at(rules, 4 * kTick, other + 1), Signal::kKill);
  }
}

TEST(SamRules, HealthCheckBeforeAStopIsNoneAfterTheNextStart) {
  Rules rules = make_started(kQuit);
  rules.stop_asked(2);
  EXPECT_EQ(at(rules, 2 * kMs, 1 * kMs), Signal::kNone);
  rules.start_asked(3, kStart + kInterval);
  EXPECT_EQ(at(rules, 2 * kInterval + kResolution, 1 * kMs), Signal::kWarn);
}

// --- leaving sam_start early, and for good

TEST(SamRules, StartAskedAgainWhileItWaitsIsTheOneThatIsAnswered) {
  Rules rules = make_rules(kQuit | kQuorum, kInterval, false);
  EXPECT_EQ(rules.start_asked(1, kStart).publish, ProcessState::kWaitingForQuorum);
  expect_nothing(rules.start_asked(2, kStart));
  EXPECT_EQ(rules.quorum_told(true, kStart).reply, 2U);
}

TEST(SamRules, StopWithoutANumberEndsAWaitingStart) {
  Rules rules = make_rules(kRestart | kQuorum, kInterval, false);
  rules.start_asked(7, kStart);
  const Decision decision = rules.stop_asked(0);
  EXPECT_EQ(decision.publish, ProcessState::kStopped);
  EXPECT_EQ(decision.reply, 7U);
  expect_nothing(rules.quorum_told(true, kStart));
  EXPECT_EQ(rules.instance_died(), Recovery::kQuitStopped);
}

TEST(SamRules, StopWithoutANumberIsNotAnswered) {
  Rules rules = make_started(kRestart);
  EXPECT_FALSE(rules.stop_asked(0).reply);
}

TEST(SamRules, FinishedIsNeverStartedAgain) {
  Rules rules = make_rules(kRestart | kQuorum, kInterval, false);
  rules.start_asked(7, kStart);
  EXPECT_EQ(rules.finished().reply, 7U);
  const Decision start = rules.start_asked(8, kStart);
  EXPECT_EQ(start.reply, 8U);
  EXPECT_FALSE(start.publish);
  rules.quorum_told(true, kStart);
  EXPECT_TRUE(rules.next_deadline().is_never());
  EXPECT_EQ(rules.stop_asked(9).reply, 9U);
  EXPECT_EQ(rules.instance_died(), Recovery::kQuitStopped);
}

TEST(SamRules, FinishTakesNothingBackFromAKill) {
  Rules rules = make_started(kRestart | kCmap);
  rules.failure_marked();
  expect_nothing(rules.finished());
  EXPECT_EQ(rules.instance_died(), Recovery::kQuitFailed);
}

// --- freeze

TEST(SamRules, WokenMuchTooLateGivesAFreshInterval) {
  Rules rules = make_started(kQuit);
  EXPECT_EQ(at(rules, 3 * kInterval, 0, kFrozen), Signal::kNone);
  expect_deadline(rules, kStart + 4 * kInterval + kResolution);
  EXPECT_EQ(at(rules, 4 * kInterval + kResolution), Signal::kWarn);
}

TEST(SamRules, AQuarterIntervalLateIsNoFreeze) {
  Rules rules = make_started(kQuit);
  EXPECT_EQ(at(rules, 2 * kInterval, 0, kInterval / 4), Signal::kWarn);
  rules = make_started(kQuit);
  EXPECT_EQ(at(rules, 2 * kInterval, 0, kInterval / 4 + 1), Signal::kNone);
}

TEST(SamRules, WarnedProcessIsNotKilledAfterAFreezeEither) {
  Rules rules = make_started(kQuit);
  ASSERT_EQ(at(rules, kInterval + kResolution), Signal::kWarn);
  EXPECT_EQ(at(rules, 5 * kInterval, 0, kFrozen), Signal::kNone);
  EXPECT_EQ(at(rules, 6 * kInterval + kResolution), Signal::kKill);
}

TEST(SamRules, AlwaysLateStillFindsAHang) {
  Rules rules = make_started(kQuit);
  EXPECT_EQ(at(rules, 3 * kInterval, 0, kFrozen), Signal::kNone);
  EXPECT_EQ(at(rules, 6 * kInterval, 0, kFrozen), Signal::kWarn);
  EXPECT_EQ(at(rules, 9 * kInterval, 0, kFrozen), Signal::kKill);
}

TEST(SamRules, EveryFreezeIsForgivenWhileHealthChecksComeBetween) {
  Rules rules = make_started(kQuit);
  for (Nanoseconds now = 3 * kInterval; now < 30 * kInterval; now += 3 * kInterval) {
    EXPECT_EQ(at(rules, now, now - 2 * kInterval, kFrozen), Signal::kNone) << now;
  }
}

TEST(SamRules, FreezeDoesNotShortenTheLifeOfAHealthyProcess) {
  Rules rules = make_started(kQuit);
  EXPECT_EQ(at(rules, 3 * kInterval, 3 * kInterval - kMs, kFrozen), Signal::kNone);
  expect_deadline(rules, kStart + 4 * kInterval - kMs + kResolution);
}

// --- death

TEST(SamRules, DeathWhenNotStartedQuitsWhateverThePolicy) {
  for (const unsigned policy : {kQuit, kRestart, kQuit | kQuorum, kRestart | kCmap}) {
    EXPECT_EQ(make_rules(policy).instance_died(), Recovery::kQuitStopped) << policy;
    Rules stopped = make_started(policy);
    (void)stopped.stop_asked(2);
    EXPECT_EQ(stopped.instance_died(), Recovery::kQuitStopped) << policy;
  }
}

TEST(SamRules, DeathWhenStartedFollowsThePolicy) {
  EXPECT_EQ(make_started(kQuit).instance_died(), Recovery::kQuitFailed);
  EXPECT_EQ(make_started(kRestart).instance_died(), Recovery::kRestart);
  EXPECT_EQ(make_started(kRestart | kQuorum | kCmap).instance_died(), Recovery::kRestart);
}

TEST(SamRules, DeathWhileWaitingForQuorumCountsAsStarted) {
  Rules rules = make_rules(kRestart | kQuorum, kInterval, false);
  (void)rules.start_asked(1, kStart);
  EXPECT_EQ(rules.instance_died(), Recovery::kRestart);
  rules = make_rules(kQuit | kQuorum, kInterval, false);
  (void)rules.start_asked(1, kStart);
  EXPECT_EQ(rules.instance_died(), Recovery::kQuitFailed);
}

TEST(SamRules, KilledForSilenceFollowsThePolicy) {
  Rules rules = make_started(kQuit);
  (void)at(rules, kInterval + kResolution);
  (void)at(rules, 2 * (kInterval + kResolution));
  EXPECT_EQ(rules.instance_died(), Recovery::kQuitFailed);
}

TEST(SamRules, MarkedFailedIsKilledWithoutWarningAndNotRestarted) {
  Rules rules = make_started(kRestart | kCmap);
  EXPECT_EQ(rules.failure_marked().signal, Signal::kKill);
  EXPECT_TRUE(rules.next_deadline().is_never());
  EXPECT_EQ(rules.instance_died(), Recovery::kQuitFailed);
}

TEST(SamRules, MarkedFailedBeforeStartIsAFailureToo) {
  Rules rules = make_rules(kRestart | kCmap);
  EXPECT_EQ(rules.failure_marked().signal, Signal::kKill);
  EXPECT_EQ(rules.instance_died(), Recovery::kQuitFailed);
}

TEST(SamRules, NothingTakesBackAMarkedFailure) {
  Rules rules = make_started(kRestart | kCmap | kQuorum);
  (void)rules.failure_marked();
  expect_nothing(rules.stop_asked(2));
  expect_nothing(rules.start_asked(3, kStart));
  expect_nothing(rules.quorum_told(false, kStart));
  EXPECT_EQ(rules.instance_died(), Recovery::kQuitFailed);
}

}  // namespace
}  // namespace cs::sam
