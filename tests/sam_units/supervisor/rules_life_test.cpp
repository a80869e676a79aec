// SPDX-License-Identifier: BSD-3-Clause
// What the rules remember of an instance: that each change of state, each sign of life and each
// excuse leaves of it what it should, and no more.
#include "sam_units/supervisor/rules_support.h"

namespace cs::sam {
namespace {

Decision silent_at(Rules& rules, Nanoseconds after_start, Excuse excuse) {
  return rules.time_passed(kStart + after_start, 0, kOnTime, excuse);
}

// Running, warned and killed for its silence.
Rules make_killed() {
  Rules rules = make_started(kRestart);
  EXPECT_EQ(at(rules, 104 * kMs), Signal::kWarn);
  EXPECT_EQ(at(rules, 208 * kMs), Signal::kKill);
  return rules;
}

TEST(SamRulesLife, NewStartMayBeForgivenAnew) {
  Rules rules = make_started(kRestart);
  EXPECT_EQ(at(rules, 300 * kMs, 0, kFrozen), Signal::kNone);
  (void)rules.stop_asked(2);
  (void)rules.start_asked(3, kStart + 310 * kMs);
  EXPECT_EQ(at(rules, 600 * kMs, 0, kFrozen), Signal::kNone);
  EXPECT_EQ(at(rules, 900 * kMs, 0, kFrozen), Signal::kWarn);
}

TEST(SamRulesLife, SilenceIsCountedFromTheStart) {
  Rules rules = make_started(kRestart);
  const Decision decision = rules.time_passed(kStart + 120 * kMs, 0, kOnTime);
  EXPECT_EQ(decision.signal, Signal::kWarn);
  EXPECT_EQ(decision.reason.value, 120 * kMs);
}

TEST(SamRulesLife, SilenceIsCountedFromTheLastHealthCheck) {
  Rules rules = make_started(kRestart);
  EXPECT_EQ(at(rules, 50 * kMs, 40 * kMs), Signal::kNone);
  EXPECT_EQ(rules.time_passed(kStart + 150 * kMs, kStart + 40 * kMs, kOnTime).reason.value,
            110 * kMs);
}

TEST(SamRulesLife, StopDoesNotMakeAFinishedOneStartable) {
  Rules rules = make_started(kRestart);
  (void)rules.finished();
  EXPECT_EQ(rules.stop_asked(2).reply, 2U);
  const Decision decision = rules.start_asked(3, kStart);
  EXPECT_EQ(decision.reply, 3U);
  EXPECT_FALSE(decision.publish);
  EXPECT_FALSE(rules.has_time_limit());
}

TEST(SamRulesLife, StopAfterALateKillDoesNotMakeAFinishedOneStartable) {
  Rules rules = make_killed();
  expect_nothing(rules.finished());
  expect_nothing(rules.stop_asked(2));
  rules.kill_missed();
  EXPECT_FALSE(rules.start_asked(3, kStart).publish);
  EXPECT_EQ(rules.instance_died(), Recovery::kQuitStopped);
}

TEST(SamRulesLife, FinishAfterALateKillIsFinal) {
  Rules rules = make_killed();
  expect_nothing(rules.finished());
  expect_nothing(rules.start_asked(2, kStart));
  rules.kill_missed();
  EXPECT_EQ(rules.instance_died(), Recovery::kQuitStopped);
}

TEST(SamRulesLife, MarkedFailureGoesOnToADaemon) {
  Rules rules = make_started(kRestart | kCmap);
  (void)rules.failure_marked();
  EXPECT_EQ(rules.passed_on().signal, Signal::kKill);
  EXPECT_EQ(rules.passed_on().reason.kind, Reason::Kind::kMarkedFailed);
}

TEST(SamRulesLife, KillForQuorumGoesOnToADaemonWithItsReason) {
  Rules rules = make_started(kRestart | kQuorum);
  (void)rules.quorum_told(false, kStart);
  EXPECT_EQ(at(rules, kInterval), Signal::kKill);
  EXPECT_EQ(rules.passed_on().reason.kind, Reason::Kind::kQuorumLost);
}

// A dump that was survived, by a helper process, says nothing of the next one.
TEST(SamRulesLife, HealthCheckEndsADump) {
  Rules rules = make_started(kRestart);
  Nanoseconds time = 104 * kMs;
  for (; time < 59'000 * kMs; time += 104 * kMs) {
    expect_nothing(silent_at(rules, time, Excuse::kDumpingCore));
  }
  EXPECT_EQ(at(rules, time, time - kMs), Signal::kNone);
  const Nanoseconds beat = kStart + time - kMs;
  for (int count = 1; count < 100; ++count) {
    time += 104 * kMs;
    expect_nothing(rules.time_passed(kStart + time, beat, kOnTime, Excuse::kDumpingCore));
  }
}

TEST(SamRulesLife, HealthCheckEndsTheHoldOfADebugger) {
  Rules rules = make_started(kRestart);
  expect_nothing(silent_at(rules, 104 * kMs, Excuse::kHeldByDebugger));
  EXPECT_EQ(at(rules, 120 * kMs, 119 * kMs), Signal::kNone);
  EXPECT_EQ(at(rules, 223 * kMs, 119 * kMs), Signal::kWarn);
}

// The health check came while the kernel was asked, before the hold.
TEST(SamRulesLife, HoldOfADebuggerThatComesWithAHealthCheckCounts) {
  Rules rules = make_started(kRestart);
  const Nanoseconds beat = kStart + 103 * kMs;
  expect_nothing(rules.time_passed(kStart + 104 * kMs, beat, kOnTime, Excuse::kHeldByDebugger));
  EXPECT_EQ(at(rules, 208 * kMs, 103 * kMs), Signal::kNone);
  EXPECT_EQ(at(rules, 313 * kMs, 103 * kMs), Signal::kWarn);
}

TEST(SamRulesLife, NothingOfItIsLeftForTheNext) {
  Rules rules = make_killed();
  expect_nothing(rules.stop_asked(2));
  (void)rules.stop_ordered(kStart);
  rules.instance_began();
  rules.kill_missed();
  EXPECT_TRUE(rules.is_healthy());
  EXPECT_FALSE(rules.was_let_go());
  EXPECT_FALSE(rules.was_marked_failed());
  EXPECT_EQ(rules.start_asked(3, kStart).publish, ProcessState::kRunning);
  EXPECT_EQ(at(rules, 104 * kMs), Signal::kWarn);
}

// Whatever it has come to: an order to stop is one for the application as well.
TEST(SamRulesLife, NextInstanceOfALetGoOneIsNotLetGo) {
  Rules rules = make_rules(kRestart | kQuorum, kInterval, false);
  (void)rules.start_asked(1, kStart);
  (void)rules.stop_ordered(kStart);
  EXPECT_TRUE(rules.was_let_go());
  rules.instance_began();
  EXPECT_FALSE(rules.was_let_go());
}

}  // namespace
}  // namespace cs::sam
