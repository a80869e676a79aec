// SPDX-License-Identifier: BSD-3-Clause
// For tests of the rules: made-up clocks.
#pragma once

#include <gtest/gtest.h>

#include "sam/supervisor/rules.h"

namespace cs::sam {

using Signal = Decision::Signal;

inline constexpr Nanoseconds kMs = kNanosecondsPerMillisecond;
inline constexpr Nanoseconds kInterval = 100 * kMs;
inline constexpr Nanoseconds kResolution = 4 * kMs;
inline constexpr Nanoseconds kStart = 1'000'000 * kMs;  // some time after the machine's start
inline constexpr Nanoseconds kOnTime = 0;
inline constexpr Nanoseconds kFrozen = kInterval;

inline constexpr unsigned kQuit = 1;
inline constexpr unsigned kRestart = 2;
inline constexpr unsigned kQuorum = 0x08;
inline constexpr unsigned kCmap = 0x10;

inline Rules make_rules(unsigned policy, Nanoseconds interval = kInterval, bool quorate = true) {
  Rules rules({*RecoveryPolicy::parse(policy), interval}, kResolution, quorate);
  rules.instance_began();
  return rules;
}

inline Rules make_started(unsigned policy, Nanoseconds interval = kInterval) {
  Rules rules = make_rules(policy, interval);
  EXPECT_EQ(rules.start_asked(1, kStart).reply, 1U);
  return rules;
}

// When the next decision is due, found out as a caller would: it has not passed just before.
inline void expect_deadline(const Rules& rules, Nanoseconds when) {
  EXPECT_FALSE(rules.next_deadline().is_never());
  EXPECT_FALSE(rules.next_deadline().has_passed(when - 1));
  EXPECT_TRUE(rules.next_deadline().has_passed(when));
}

inline void expect_nothing(const Decision& decision) {
  EXPECT_EQ(decision.signal, Signal::kNone);
  EXPECT_FALSE(decision.publish);
  EXPECT_FALSE(decision.reply);
}

inline Signal at(Rules& rules, Nanoseconds after_start, Nanoseconds last_beat = 0,
                 Nanoseconds overslept = kOnTime) {
  return rules.time_passed(kStart + after_start, last_beat == 0 ? 0 : kStart + last_beat, overslept)
      .signal;
}

}  // namespace cs::sam
