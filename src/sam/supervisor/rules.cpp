// SPDX-License-Identifier: BSD-3-Clause
// The supervisor's decisions.
#include "sam/supervisor/rules.h"

#include <algorithm>

namespace cs::sam {

Decision Rules::instance_began() noexcept {
  phase_ = Phase::kStopped;
  last_beat_ = 0;
  warned_ = false;
  quorum_lost_at_.reset();
  return {.publish = ProcessState::kStopped};
}

Decision Rules::start_asked(std::uint32_t number, Nanoseconds now) noexcept {
  switch (phase_) {
    case Phase::kStopped:
      break;
    case Phase::kWaiting:  // whoever asked before has left the call
      waiting_start_ = number;
      return {};
    case Phase::kRunning:
    case Phase::kFinished:  // it finds out by itself
      return {.reply = number};
    case Phase::kKilled:
    case Phase::kMarkedFailed:
      return {};
  }
  if (!settings_.policy.needs_quorum() || quorate_) return run(number, now);
  phase_ = Phase::kWaiting;
  waiting_start_ = number;
  return {.publish = ProcessState::kWaitingForQuorum};
}

// sam_start counts as a health check.
Decision Rules::run(std::uint32_t number, Nanoseconds now) noexcept {
  phase_ = Phase::kRunning;
  alive_at_ = now;
  forgiven_ = false;
  return {.publish = ProcessState::kRunning, .reply = number};
}

Decision Rules::stop_asked(std::uint32_t number) noexcept {
  if (phase_ == Phase::kFinished) return {.reply = number};
  return stop(Phase::kStopped, number);
}

Decision Rules::finished() noexcept { return stop(Phase::kFinished, 0); }

// A thread that waits in sam_start is let go.
Decision Rules::stop(Phase phase, std::uint32_t number) noexcept {
  if (phase_ == Phase::kKilled || phase_ == Phase::kMarkedFailed) return {};
  const std::uint32_t waiting = phase_ == Phase::kWaiting ? waiting_start_ : 0;
  phase_ = phase;
  quorum_lost_at_.reset();
  Decision decision{.publish = ProcessState::kStopped};
  if (number != 0 || waiting != 0) decision.reply = number != 0 ? number : waiting;
  return decision;
}

Decision Rules::failure_marked() noexcept {
  phase_ = Phase::kMarkedFailed;
  return {.signal = Decision::Signal::kKill};
}

Decision Rules::kill() noexcept {
  phase_ = Phase::kKilled;
  return {.signal = Decision::Signal::kKill};
}

Decision Rules::quorum_told(bool quorate, Nanoseconds now) noexcept {
  if (quorate == quorate_) return {};
  quorate_ = quorate;
  if (phase_ == Phase::kWaiting && quorate) return run(waiting_start_, now);
  if (phase_ != Phase::kRunning || !settings_.policy.needs_quorum()) return {};
  if (quorate) {
    quorum_lost_at_.reset();
    return {};
  }
  quorum_lost_at_ = now;
  grace_renewed_ = false;
  warned_ = true;
  alive_at_ = now;  // the grace is a whole interval for one that was about to miss, too
  return {.signal = Decision::Signal::kWarn};
}

Decision Rules::time_passed(Nanoseconds now, Nanoseconds last_beat,
                            Nanoseconds overslept) noexcept {
  if (last_beat != last_beat_) note_beat(last_beat, now);
  if (!has_time_limit()) return {};
  if (!next_deadline().has_passed(now) || forgive(now, overslept)) return {};
  if (quorum_lost_at_ && now >= grace_over()) return kill();
  return health_check_missed(now);
}

// A time well before the last proof of life, or yet to come, is that of another clock. That it
// changed is proof of life all the same, once; that it stays is none.
void Rules::note_beat(Nanoseconds beat, Nanoseconds now) noexcept {
  const bool is_ours = beat >= alive_at_ - resolution_ && beat <= now;
  alive_at_ = is_ours ? std::max(alive_at_, beat) : now;
  last_beat_ = beat;
  forgiven_ = false;
}

Decision Rules::health_check_missed(Nanoseconds now) noexcept {
  if (warned_) return kill();
  warned_ = true;
  alive_at_ = now;
  return {.signal = Decision::Signal::kWarn};
}

// Who slept much longer than asked was frozen, and the active process probably was as well. Once
// only until the next health check: a machine that always wakes us late must not keep us from
// finding a hang.
bool Rules::forgive(Nanoseconds now, Nanoseconds overslept) noexcept {
  if (overslept <= settings_.interval / 4) return false;
  const bool forgives_silence = !forgiven_ && now >= health_check_due();
  const bool renews_grace = !grace_renewed_ && quorum_lost_at_ && now >= grace_over();
  if (forgives_silence) {
    alive_at_ = now;
    forgiven_ = true;
  }
  if (renews_grace) {
    quorum_lost_at_ = now;
    grace_renewed_ = true;
  }
  return !next_deadline().has_passed(now);
}

Deadline Rules::next_deadline() const noexcept {
  if (!has_time_limit()) return Deadline::never();
  if (!quorum_lost_at_) return Deadline::at(health_check_due());
  return Deadline::at(std::min(health_check_due(), grace_over()));
}

Recovery Rules::instance_died() const noexcept {
  switch (phase_) {
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
