// SPDX-License-Identifier: BSD-3-Clause
// The supervisor's decisions.
#include "sam/supervisor/rules.h"

#include <algorithm>
#include <utility>

namespace cs::sam {
namespace {

// How long a process may dump core, or take to stop, without being killed for its silence: ten
// intervals, or this if that is longer.
constexpr Nanoseconds kPatience = 60'000 * kNanosecondsPerMillisecond;
constexpr Nanoseconds kPatienceIntervals = 10;

Nanoseconds patience(Nanoseconds interval) noexcept {
  return std::max(kPatienceIntervals * interval, kPatience);
}

}  // namespace

Decision Rules::instance_began() noexcept {
  life_ = {};
  return {.publish = ProcessState::kStopped};
}

Decision Rules::start_asked(std::uint32_t number, Nanoseconds now, bool knows_verdict) noexcept {
  switch (life_.phase) {
    case Phase::kStopped:
      break;
    case Phase::kWaiting:  // whoever asked before has left the call
      life_.waiting_start = number;
      return {};
    case Phase::kRunning:
    case Phase::kFinished:  // it finds out by itself
      return {.reply = number};
    case Phase::kKilled:
      if (life_.unless_killed == Phase::kStopped) life_.unless_killed = Phase::kRunning;
      return {};
    case Phase::kMarkedFailed:
      return {};
  }
  if (!settings_.policy.needs_quorum() || (quorate_ && knows_verdict)) return run(number, now);
  if (is_stopping_) return let_go(number);
  life_.phase = Phase::kWaiting;
  life_.waiting_start = number;
  return {.publish = ProcessState::kWaitingForQuorum};
}

// sam_start counts as a health check.
Decision Rules::run(std::uint32_t number, Nanoseconds now) noexcept {
  life_.phase = Phase::kRunning;
  life_.interval_began = now;
  life_.heard = now;
  life_.forgiven = false;
  return {.publish = ProcessState::kRunning, .reply = number};
}

Decision Rules::stop_asked(std::uint32_t number) noexcept {
  if (life_.phase == Phase::kFinished) return {.reply = number};
  return stop(Phase::kStopped, number);
}

Decision Rules::finished() noexcept { return stop(Phase::kFinished, 0); }

// A thread that waits in sam_start is let go. A process that owes no health check has missed none.
Decision Rules::stop(Phase phase, std::uint32_t number) noexcept {
  if (life_.phase == Phase::kMarkedFailed) return {};
  if (life_.phase == Phase::kKilled) {
    if (life_.unless_killed != Phase::kFinished) life_.unless_killed = phase;
    return {};
  }
  const std::uint32_t waiting = life_.phase == Phase::kWaiting ? life_.waiting_start : 0;
  life_.phase = phase;
  life_.missed = false;
  life_.grace.reset();
  Decision decision{.publish = ProcessState::kStopped};
  if (number != 0 || waiting != 0) decision.reply = number != 0 ? number : waiting;
  return decision;
}

// It may be busy with its clean-up. Not one that was silent before: it is hung, and does not stop.
Decision Rules::stop_ordered(Nanoseconds now) noexcept {
  const bool is_first = !std::exchange(is_stopping_, true);
  if (is_first && !life_.missed) life_.quiet_until = now + patience(settings_.interval);
  return life_.phase == Phase::kWaiting ? let_go(life_.waiting_start) : Decision{};
}

Decision Rules::let_go(std::uint32_t number) noexcept {
  life_.phase = Phase::kStopped;
  life_.let_go = true;
  return {
      .publish = ProcessState::kStopped, .reply = number, .reply_status = CS_ERR_FAILED_OPERATION};
}

Decision Rules::failure_marked() noexcept {
  life_.phase = Phase::kMarkedFailed;
  life_.verdict = {Reason::Kind::kMarkedFailed};
  return {.signal = Decision::Signal::kKill, .reason = life_.verdict};
}

void Rules::warned(Nanoseconds now) noexcept {
  life_.interval_began = now;
  if (life_.grace) life_.grace->began = now;
}

void Rules::answered(Nanoseconds now) noexcept {
  life_.is_owed_answer = false;
  life_.interval_began = std::max(life_.interval_began, now);
}

Decision Rules::kill(const Reason& reason) noexcept {
  life_.phase = Phase::kKilled;
  life_.verdict = reason;
  return {.signal = Decision::Signal::kKill, .reason = reason};
}

Decision Rules::passed_on() const noexcept {
  const bool is_killed = life_.phase == Phase::kKilled || life_.phase == Phase::kMarkedFailed;
  return {.signal = is_killed ? Decision::Signal::kKill : Decision::Signal::kNone,
          .reason = life_.verdict};
}

// Only a running process is killed by a decision of ours.
void Rules::kill_missed() noexcept {
  if (life_.phase == Phase::kKilled) life_.phase = life_.unless_killed;
}

Decision Rules::quorum_told(bool quorate, Nanoseconds now, bool is_last) noexcept {
  const bool has_changed = quorate != std::exchange(quorate_, quorate);
  if (life_.phase == Phase::kWaiting && quorate && is_last) return run(life_.waiting_start, now);
  if (!has_changed) return {};
  if (life_.phase != Phase::kRunning || !settings_.policy.needs_quorum()) return {};
  if (quorate) {
    life_.grace.reset();
    return {};
  }
  life_.grace = Grace{now};
  life_.warned = true;
  life_.interval_began = now;  // a whole interval of grace, even where a check was almost due
  return {.signal = Decision::Signal::kWarn, .reason = {Reason::Kind::kQuorumLost}};
}

Decision Rules::time_passed(Nanoseconds now, Nanoseconds last_beat, Nanoseconds overslept,
                            Excuse excuse) noexcept {
  if (last_beat != life_.last_beat) note_beat(last_beat, now);
  // Even where a health check has just come: it may be held since.
  if (excuse == Excuse::kHeldByDebugger) life_.was_held = true;
  if (!next_deadline().has_passed(now) || forgive(now, overslept)) return {};
  if (grace_over().has_passed(now)) return kill({Reason::Kind::kQuorumLost});
  if (excuses(excuse, now)) return {};
  return health_check_missed(now);
}

// A time well before the last proof of life, or yet to come, is that of another clock. That it
// changed is proof of life all the same, once; that it stays is none.
void Rules::note_beat(Nanoseconds beat, Nanoseconds now) noexcept {
  const bool is_ours = beat >= life_.interval_began - resolution_ && beat <= now;
  life_.interval_began = is_ours ? std::max(life_.interval_began, beat) : now;
  life_.heard = life_.interval_began;
  life_.last_beat = beat;
  life_.forgiven = false;
  life_.missed = false;
  life_.dump_began.reset();
  life_.was_held = false;
}

// Then a fresh interval begins. A debugger may take its time, and when it has let go is not known:
// a whole interval follows. A dump may get stuck.
bool Rules::excuses(Excuse excuse, Nanoseconds now) noexcept {
  switch (excuse) {
    case Excuse::kNone:
      if (!std::exchange(life_.was_held, false)) return false;
      break;
    case Excuse::kHeldByDebugger:  // noted already
      break;
    case Excuse::kDumpingCore: {
      if (!life_.dump_began) life_.dump_began = now;
      if (now - *life_.dump_began >= patience(settings_.interval)) return false;
    }
  }
  life_.interval_began = now;
  return true;
}

Decision Rules::health_check_missed(Nanoseconds now) noexcept {
  const Reason reason{Reason::Kind::kSilence, now - life_.heard};
  life_.missed = true;
  if (life_.warned) return kill(reason);
  life_.warned = true;
  life_.interval_began = now;
  return {.signal = Decision::Signal::kWarn, .reason = reason};
}

// A supervisor that slept much longer than asked was frozen, and the active process probably was as
// well. It is forgiven only once until the next health check: a machine that always wakes us late
// must not keep us from finding a hang.
bool Rules::forgive(Nanoseconds now, Nanoseconds overslept) noexcept {
  if (overslept <= settings_.interval / 4) return false;
  const bool forgives_silence = !life_.forgiven && health_check_due().has_passed(now);
  const bool renews_grace = grace_over().has_passed(now) && !life_.grace->renewed;
  if (forgives_silence) {
    life_.interval_began = now;
    life_.forgiven = true;
  }
  if (renews_grace) life_.grace = Grace{.began = now, .renewed = true};
  return !next_deadline().has_passed(now);
}

Deadline Rules::next_deadline() const noexcept {
  return std::min(health_check_due(), grace_over());
}

Recovery Rules::instance_died() const noexcept {
  if (is_stopping_ && life_.phase != Phase::kMarkedFailed) return Recovery::kQuitStopped;
  switch (life_.phase) {
    case Phase::kStopped:
    case Phase::kFinished:
      return Recovery::kQuitStopped;
    case Phase::kMarkedFailed:
      return Recovery::kQuitFailed;
    case Phase::kWaiting:
    case Phase::kRunning:
    case Phase::kKilled:
      break;
  }
  return settings_.policy.restarts() ? Recovery::kRestart : Recovery::kQuitFailed;
}

}  // namespace cs::sam
