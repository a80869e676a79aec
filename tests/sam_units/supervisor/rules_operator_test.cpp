// SPDX-License-Identifier: BSD-3-Clause
// Rules for what the operator sees and asks for: reasons, a stop, a silence that is excused.
#include <limits>

#include "sam_units/supervisor/rules_support.h"

namespace cs::sam {
namespace {

using Kind = Reason::Kind;

Decision silent_at(Rules& rules, Nanoseconds after_start, Excuse excuse,
                   Nanoseconds last_beat = 0) {
  return rules.time_passed(kStart + after_start, last_beat == 0 ? 0 : kStart + last_beat, kOnTime,
                           excuse);
}

TEST(SamRulesReason, OfASilenceIsHowLongItWas) {
  Rules rules = make_started(kRestart);
  (void)silent_at(rules, 50 * kMs, Excuse::kNone, 40 * kMs);
  const Decision warning = silent_at(rules, 144 * kMs, Excuse::kNone, 40 * kMs);
  EXPECT_EQ(warning.signal, Signal::kWarn);
  EXPECT_EQ(warning.reason.kind, Kind::kSilence);
  EXPECT_EQ(warning.reason.value, 104 * kMs);
  const Decision kill = silent_at(rules, 248 * kMs, Excuse::kNone, 40 * kMs);
  EXPECT_EQ(kill.signal, Signal::kKill);
  EXPECT_EQ(kill.reason.value, 208 * kMs);  // not only since the warning
}

TEST(SamRulesReason, OfLostQuorumAndAMarkedFailure) {
  Rules rules = make_started(kRestart | kQuorum);
  EXPECT_EQ(rules.quorum_told(false, kStart).reason.kind, Kind::kQuorumLost);
  const Decision kill = silent_at(rules, kInterval, Excuse::kNone, 90 * kMs);
  EXPECT_EQ(kill.signal, Signal::kKill);
  EXPECT_EQ(kill.reason.kind, Kind::kQuorumLost);
  EXPECT_EQ(make_started(kRestart | kCmap).failure_marked().reason.kind, Kind::kMarkedFailed);
}

TEST(SamRulesStop, NothingFollowsWhateverTheEnd) {
  Rules rules = make_started(kRestart);
  expect_nothing(rules.stop_ordered(kStart));
  EXPECT_EQ(rules.instance_died(), Recovery::kQuitStopped);
  EXPECT_FALSE(rules.was_let_go());
}

TEST(SamRulesStop, LeavesAMinuteForACleanUpInSilence) {
  Rules rules = make_started(kRestart);
  (void)rules.stop_ordered(kStart + 50 * kMs);
  EXPECT_FALSE(rules.is_silent(kStart + 60'049 * kMs, 0));
  EXPECT_EQ(at(rules, 60'049 * kMs), Signal::kNone);
  EXPECT_TRUE(rules.is_healthy());
  expect_deadline(rules, kStart + 60'050 * kMs);
}

TEST(SamRulesStop, LeavesTenIntervalsWhereThatIsLonger) {
  constexpr Nanoseconds kLong = 10'000 * kMs;
  Rules rules = make_started(kRestart, kLong);
  (void)rules.stop_ordered(kStart);
  expect_deadline(rules, kStart + 10 * kLong);
}

TEST(SamRulesStop, AHangIsKilledAfterThat) {
  Rules rules = make_started(kRestart);
  (void)rules.stop_ordered(kStart);
  EXPECT_TRUE(rules.is_silent(kStart + 60'000 * kMs, 0));
  EXPECT_EQ(at(rules, 60'000 * kMs), Signal::kWarn);
  EXPECT_EQ(at(rules, 60'104 * kMs), Signal::kKill);
  EXPECT_EQ(rules.instance_died(), Recovery::kQuitStopped);
}

TEST(SamRulesStop, AskedForAgainLeavesNoMoreTime) {
  Rules rules = make_started(kRestart);
  (void)rules.stop_ordered(kStart);
  (void)rules.stop_ordered(kStart + 50'000 * kMs);
  expect_deadline(rules, kStart + 60'000 * kMs);
}

TEST(SamRulesStop, AHangFromBeforeIsKilledAsEver) {
  Rules rules = make_started(kRestart);
  EXPECT_EQ(at(rules, 104 * kMs), Signal::kWarn);
  (void)rules.stop_ordered(kStart + 110 * kMs);
  EXPECT_EQ(at(rules, 208 * kMs), Signal::kKill);
}

TEST(SamRulesStop, LeavesNobodyWithoutQuorum) {
  Rules rules = make_started(kRestart | kQuorum);
  (void)rules.stop_ordered(kStart);
  EXPECT_EQ(rules.quorum_told(false, kStart).signal, Signal::kWarn);
  EXPECT_EQ(at(rules, 100 * kMs, 90 * kMs), Signal::kKill);
}

TEST(SamRulesStop, DoesNotTakeBackAMarkedFailure) {
  Rules rules = make_started(kRestart | kCmap);
  (void)rules.failure_marked();
  expect_nothing(rules.stop_ordered(kStart));
  EXPECT_EQ(rules.instance_died(), Recovery::kQuitFailed);
}

TEST(SamRulesStop, LetsGoOfWhoWaitsForQuorum) {
  Rules rules = make_rules(kRestart | kQuorum, kInterval, false);
  EXPECT_FALSE(rules.start_asked(7, kStart).reply);
  const Decision decision = rules.stop_ordered(kStart);
  EXPECT_EQ(decision.reply, 7U);
  EXPECT_EQ(decision.reply_status, CS_ERR_FAILED_OPERATION);
  EXPECT_EQ(decision.publish, ProcessState::kStopped);
  EXPECT_TRUE(rules.was_let_go());
  expect_nothing(rules.quorum_told(true, kStart));  // too late
}

TEST(SamRulesStop, LetsNobodyWaitForQuorumAnyMore) {
  Rules rules = make_rules(kRestart | kQuorum, kInterval, false);
  (void)rules.stop_ordered(kStart);
  const Decision decision = rules.start_asked(8, kStart);
  EXPECT_EQ(decision.reply, 8U);
  EXPECT_EQ(decision.reply_status, CS_ERR_FAILED_OPERATION);
}

TEST(SamRulesStop, LetsAStartThroughThatNeedNotWait) {
  Rules rules = make_rules(kRestart);
  (void)rules.stop_ordered(kStart);
  const Decision decision = rules.start_asked(8, kStart);
  EXPECT_EQ(decision.reply, 8U);
  EXPECT_EQ(decision.reply_status, CS_OK);
}

TEST(SamRulesExcuse, IsAskedForOnlyWhenACheckIsOverdue) {
  Rules rules = make_started(kRestart);
  EXPECT_FALSE(rules.is_silent(kStart + 103 * kMs, 0));
  EXPECT_TRUE(rules.is_silent(kStart + 104 * kMs, 0));
  EXPECT_FALSE(rules.is_silent(kStart + 104 * kMs, kStart + 50 * kMs));  // one has come
  EXPECT_TRUE(rules.is_silent(kStart + 154 * kMs, kStart + 50 * kMs));   // and is old by now
  EXPECT_FALSE(make_rules(kRestart).is_silent(kStart + 1000 * kMs, 0));
  constexpr Nanoseconds kNever = std::numeric_limits<Nanoseconds>::max();
  for (const Nanoseconds beat : {kNever, kNever / 2}) {  // of another clock
    EXPECT_TRUE(rules.is_silent(kStart + 104 * kMs, beat));
  }
}

TEST(SamRulesExcuse, OfADebuggerHoldsForEver) {
  Rules rules = make_started(kRestart);
  for (int count = 1; count < 2000; ++count) {
    expect_nothing(silent_at(rules, count * 104 * kMs, Excuse::kHeldByDebugger));
    EXPECT_TRUE(rules.is_healthy());
  }
  // It has let go, a moment ago perhaps.
  EXPECT_EQ(at(rules, 2000 * 104 * kMs), Signal::kNone);
  EXPECT_EQ(at(rules, 2001 * 104 * kMs), Signal::kWarn);
}

TEST(SamRulesExcuse, OfADumpHoldsForAMinute) {
  Rules rules = make_started(kRestart);
  Nanoseconds time = 104 * kMs;
  for (; time < 60'104 * kMs; time += 104 * kMs) {
    expect_nothing(silent_at(rules, time, Excuse::kDumpingCore));
  }
  EXPECT_EQ(silent_at(rules, time, Excuse::kDumpingCore).signal, Signal::kWarn);
  EXPECT_EQ(silent_at(rules, time + 104 * kMs, Excuse::kDumpingCore).signal, Signal::kKill);
}

TEST(SamRulesExcuse, OfADumpHoldsForTenIntervalsWhereThatIsLonger) {
  constexpr Nanoseconds kLong = 10'000 * kMs;
  Rules rules = make_started(kRestart, kLong);
  Nanoseconds time = kLong + kResolution;
  for (int count = 0; count < 10; ++count, time += kLong + kResolution) {
    expect_nothing(silent_at(rules, time, Excuse::kDumpingCore));
  }
  EXPECT_EQ(silent_at(rules, time, Excuse::kDumpingCore).signal, Signal::kWarn);
}

TEST(SamRulesExcuse, DelaysTheKillOfAWarnedProcessToo) {
  Rules rules = make_started(kRestart);
  EXPECT_EQ(at(rules, 104 * kMs), Signal::kWarn);
  expect_nothing(silent_at(rules, 208 * kMs, Excuse::kDumpingCore));
  EXPECT_EQ(rules.instance_died(), Recovery::kRestart);  // a death is still a death
}

TEST(SamRulesExcuse, IsKnownForAsLongAsItHolds) {
  Rules told_to_stop = make_started(kRestart);
  EXPECT_FALSE(told_to_stop.is_excused(kStart));
  (void)told_to_stop.stop_ordered(kStart);
  EXPECT_TRUE(told_to_stop.is_excused(kStart + 59'999 * kMs));
  EXPECT_FALSE(told_to_stop.is_excused(kStart + 60'000 * kMs));
  for (const Excuse excuse : {Excuse::kHeldByDebugger, Excuse::kDumpingCore}) {
    Rules rules = make_started(kRestart);
    expect_nothing(silent_at(rules, 104 * kMs, excuse));
    EXPECT_TRUE(rules.is_excused(kStart + 104 * kMs));
    EXPECT_EQ(at(rules, 120 * kMs, 119 * kMs), Signal::kNone);
    EXPECT_FALSE(rules.is_excused(kStart + 120 * kMs));
  }
}

TEST(SamRulesExcuse, OfAStopEndsWithTheKill) {
  Rules rules = make_started(kRestart | kQuorum);
  (void)rules.stop_ordered(kStart);
  (void)rules.quorum_told(false, kStart);
  EXPECT_EQ(at(rules, kInterval), Signal::kKill);
  EXPECT_FALSE(rules.is_excused(kStart + kInterval));
}

TEST(SamRulesExcuse, IsNoneForLostQuorum) {
  Rules rules = make_started(kRestart | kQuorum);
  (void)rules.quorum_told(false, kStart);
  EXPECT_EQ(silent_at(rules, kInterval, Excuse::kHeldByDebugger).signal, Signal::kKill);
}

TEST(SamRulesHealth, IsLostWithACheckAndFoundWithTheNext) {
  Rules rules = make_started(kRestart);
  EXPECT_TRUE(rules.is_healthy());
  EXPECT_EQ(at(rules, 104 * kMs), Signal::kWarn);
  EXPECT_FALSE(rules.is_healthy());
  EXPECT_EQ(at(rules, 110 * kMs, 109 * kMs), Signal::kNone);
  EXPECT_TRUE(rules.is_healthy());
  EXPECT_EQ(at(rules, 220 * kMs, 109 * kMs), Signal::kKill);
  EXPECT_FALSE(rules.is_healthy());
  rules.instance_began();
  EXPECT_TRUE(rules.is_healthy());
}

TEST(SamRulesHealth, IsLostWithAKillWhateverTheChecks) {
  Rules rules = make_started(kRestart | kQuorum);
  EXPECT_EQ(rules.quorum_told(false, kStart).signal, Signal::kWarn);
  EXPECT_EQ(at(rules, 90 * kMs, 90 * kMs), Signal::kNone);
  EXPECT_TRUE(rules.is_healthy());
  EXPECT_EQ(at(rules, kInterval, 99 * kMs), Signal::kKill);
  EXPECT_FALSE(rules.is_healthy());
}

// As in a handler of the warn signal. A stopped process owes no health check.
TEST(SamRulesHealth, IsFoundWithAStop) {
  Rules rules = make_started(kRestart);
  EXPECT_EQ(at(rules, 104 * kMs), Signal::kWarn);
  EXPECT_EQ(rules.stop_asked(2).reply, 2U);
  EXPECT_TRUE(rules.is_healthy());
  EXPECT_EQ(rules.start_asked(3, kStart + 110 * kMs).reply, 3U);
  EXPECT_TRUE(rules.is_healthy());
  EXPECT_EQ(at(rules, 214 * kMs), Signal::kKill);  // it has been warned
}

}  // namespace
}  // namespace cs::sam
