// SPDX-License-Identifier: BSD-3-Clause
// The rules alone: every sequence of events, to a depth, none left out.
#include <gtest/gtest.h>

#include "sam/supervisor/rules.h"

namespace cs::sam {
namespace {

using Signal = Decision::Signal;

constexpr Nanoseconds kMs = kNanosecondsPerMillisecond;
constexpr Nanoseconds kInterval = 100 * kMs;
constexpr Nanoseconds kTick = 4 * kMs;
constexpr Nanoseconds kStep = 60 * kMs;  // two are longer than an interval and the tick
#ifdef CS_SANITIZED
constexpr int kDepth = 5;  // each more takes twenty times as long
#else
constexpr int kDepth = 7;
#endif

// What can happen next; time passes in those that say so.
enum class Event {
  kStart,
  kStop,
  kStopAlone,
  kFinish,
  kMarkFailed,
  kLost,
  kFound,
  kFoundNotLast,
  kTime,
  kBeatAndTime,
  kLateTime,
  kOwed,
  kAnswered,
  kStopOrdered,  // by the operator
  kDeath,
  kCount,
};

// The rules, and what is known of them from outside.
struct Track {
  Rules rules;
  unsigned policy;
  Nanoseconds now = 1'000'000 * kMs;
  Nanoseconds beat = 0;
  Nanoseconds alive = 0;  // since the last proof of life, or warning, or beginning of a grace
  Nanoseconds lost = 0;
  std::uint32_t number = 0;
  std::uint32_t waiting = 0;
  bool quorate;
  bool running = false;
  bool finished = false;
  bool marked = false;
  bool killed = false;
  bool warned = false;
  bool stopping = false;
  bool quiet = false;  // told to stop before it was silent: it is not judged by its silence
  bool over = false;
};

bool needs_quorum(const Track& track) { return (track.policy & SAM_RECOVERY_POLICY_QUORUM) != 0; }

// What must hold of each decision; the track is brought up to date.
void take(Track& track, const Decision& decision, Event event) {
  const bool was_running = track.running;
  if (decision.publish) track.running = *decision.publish == ProcessState::kRunning;
  const bool began = track.running && !was_running;
  if (began) {
    ASSERT_TRUE(!needs_quorum(track) || track.quorate) << "no start without quorum";
    ASSERT_FALSE(track.finished || track.killed || track.marked);
    ASSERT_TRUE(decision.reply) << "a start is answered";
    track.alive = track.now;
    track.lost = 0;
  }
  if (track.killed || track.marked) {
    ASSERT_TRUE(!decision.publish && !decision.reply) << "nothing is said of a killed process";
  }
  if (!track.running) track.lost = 0;
  switch (decision.signal) {
    case Signal::kNone:
      return;
    case Signal::kWarn: {
      const bool is_loss = event == Event::kLost && needs_quorum(track);
      ASSERT_TRUE(was_running && !track.killed && !track.marked);
      const bool is_silent = !track.quiet && track.now - track.alive >= kInterval;
      ASSERT_TRUE(is_loss || is_silent) << "a promise was kept";
      track.warned = true;
      track.alive = track.now;
      return;
    }
    case Signal::kKill: {
      const bool is_grace_over = track.lost != 0 && track.now - track.lost >= kInterval;
      const bool is_silent = track.warned && !track.quiet && track.now - track.alive >= kInterval;
      ASSERT_TRUE(event == Event::kMarkFailed || (was_running && (is_grace_over || is_silent)));
      track.killed = true;
      track.running = false;
      return;
    }
  }
}

void pass_time(Track& track, Event event) {
  track.now += kStep;
  if (event == Event::kBeatAndTime) track.beat = track.alive = track.now - kMs;
  const Nanoseconds late = event == Event::kLateTime ? kInterval : 0;
  const bool is_due = track.rules.next_deadline().has_passed(track.now);
  const Decision decision = track.rules.time_passed(track.now, track.beat, late);
  take(track, decision, event);
  ASSERT_FALSE(track.rules.next_deadline().has_passed(track.now)) << "a wake-up in the past";
  const bool must_act = is_due && event == Event::kTime;
  ASSERT_TRUE(!must_act || decision.signal != Signal::kNone) << "a hang is answered when it is due";
}

void command(Track& track, Event event) {
  const std::uint32_t number = event == Event::kStopAlone ? 0 : ++track.number;
  const bool is_start = event == Event::kStart;
  const Decision decision =
      is_start ? track.rules.start_asked(number, track.now) : track.rules.stop_asked(number);
  const bool is_ours =
      !decision.reply || *decision.reply == number || *decision.reply == track.waiting;
  ASSERT_TRUE(is_ours) << "an answer to nobody";
  ASSERT_EQ(decision.signal, Signal::kNone);
  const bool is_alive = !track.killed && !track.marked;
  ASSERT_TRUE(is_start || !is_alive || event == Event::kStopAlone || decision.reply);
  take(track, decision, event);
  track.waiting = is_start && !decision.reply && is_alive ? number : 0;
}

// A start that waits is let go. What is silent by now stays so.
void order_stop(Track& track) {
  const bool is_first = !track.stopping;
  const bool was_silent = !track.rules.is_healthy();
  const Decision decision = track.rules.stop_ordered(track.now);
  ASSERT_EQ(decision.signal, Signal::kNone);
  const std::uint32_t waiting = track.marked ? 0 : track.waiting;
  ASSERT_EQ(decision.reply.value_or(0), waiting) << "who waits is let go, and nobody else";
  ASSERT_TRUE(!decision.reply || decision.reply_status != CS_OK);
  track.stopping = true;
  if (is_first) track.quiet = !was_silent;
  take(track, decision, Event::kStopOrdered);
  track.waiting = 0;
}

// Death: what follows, and the next instance, which must know nothing of this one.
void die(Track& track) {
  const Recovery recovery = track.rules.instance_died();
  const bool restarts = (track.policy & 0x07U) == SAM_RECOVERY_POLICY_RESTART;
  if (track.marked) {
    ASSERT_EQ(recovery, Recovery::kQuitFailed);
  } else if (track.stopping) {
    ASSERT_EQ(recovery, Recovery::kQuitStopped) << "an ordered stop is never followed by a restart";
  } else if (track.running || track.waiting != 0 || track.killed) {
    ASSERT_EQ(recovery, restarts ? Recovery::kRestart : Recovery::kQuitFailed);
  } else {
    ASSERT_EQ(recovery, Recovery::kQuitStopped) << "a stopped process is never restarted";
  }
  track.over = recovery != Recovery::kRestart;
  if (track.over) return;
  const Decision began = track.rules.instance_began();
  ASSERT_EQ(began.publish, ProcessState::kStopped);
  ASSERT_TRUE(track.rules.next_deadline().is_never());
  track = {
      .rules = track.rules, .policy = track.policy, .now = track.now, .quorate = track.quorate};
}

void apply(Track& track, Event event) {
  switch (event) {
    case Event::kStart:
    case Event::kStop:
    case Event::kStopAlone:
      return command(track, event);
    case Event::kFinish:
      track.finished = track.finished || (!track.killed && !track.marked);
      take(track, track.rules.finished(), event);
      track.waiting = 0;
      return;
    case Event::kMarkFailed:
      take(track, track.rules.failure_marked(), event);
      track.marked = true;
      track.running = false;
      return;
    case Event::kLost:
    case Event::kFound:
    case Event::kFoundNotLast: {
      const bool found = event != Event::kLost;
      const bool has_changed = found != track.quorate;
      track.quorate = found;
      if (has_changed && track.running) {
        track.lost = found || !needs_quorum(track) ? 0 : track.now;
        if (track.lost != 0) track.alive = track.now;
      }
      const bool is_last = event != Event::kFoundNotLast;
      const Decision decision = track.rules.quorum_told(found, track.now, is_last);
      ASSERT_TRUE(is_last || !decision.reply) << "nothing starts on an old verdict";
      take(track, decision, event);
      if (decision.reply) track.waiting = 0;
      return;
    }
    case Event::kTime:
    case Event::kBeatAndTime:
    case Event::kLateTime:
      return pass_time(track, event);
    case Event::kOwed:
      return track.rules.answer_is_owed();
    case Event::kAnswered:
      track.rules.answered(track.now);
      track.alive = track.now;
      return;
    case Event::kStopOrdered:
      return order_stop(track);
    case Event::kDeath:
      return die(track);
    case Event::kCount:
      return;
  }
}

class SamRulesEverySequence : public testing::TestWithParam<unsigned> {
 protected:
  void go_on(const Track& track, int depth) {
    for (int number = 0; number < static_cast<int>(Event::kCount); ++number) {
      Track next = track;
      path_[kDepth - depth] = number;
      apply(next, static_cast<Event>(number));
      ++sequences_;
      if (HasFatalFailure()) {
        for (int i = 0; i <= kDepth - depth; ++i) ADD_FAILURE() << "event " << path_[i];
        return;
      }
      if (depth > 1 && !next.over) go_on(next, depth - 1);
      if (HasFatalFailure()) return;
    }
  }

  int path_[kDepth] = {};
  long sequences_ = 0;
};

TEST_P(SamRulesEverySequence, KeepsWhatIsPromised) {
  for (const bool quorate : {true, false}) {
    const Settings settings = Settings::from(*RecoveryPolicy::parse(GetParam()), 100);
    Track track{.rules = Rules(settings, kTick, quorate), .policy = GetParam(), .quorate = quorate};
    (void)track.rules.instance_began();
    go_on(track, quorate || needs_quorum(track) ? kDepth : 1);
    if (HasFatalFailure()) return;
  }
  RecordProperty("sequences", static_cast<int>(sequences_ / 1000));
}

INSTANTIATE_TEST_SUITE_P(Of, SamRulesEverySequence,
                         testing::Values(SAM_RECOVERY_POLICY_QUIT, SAM_RECOVERY_POLICY_RESTART,
                                         unsigned{SAM_RECOVERY_POLICY_RESTART} |
                                             unsigned{SAM_RECOVERY_POLICY_QUORUM}));

}  // namespace
}  // namespace cs::sam
