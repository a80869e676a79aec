// SPDX-License-Identifier: BSD-3-Clause
// Rounds, wake-ups and signals.
#include "simulation/invariants.h"

#include <algorithm>
#include <signal.h>
#include <utility>

namespace cs::sam::simulation {
namespace {

constexpr unsigned kFramesAtOnce = 64;
constexpr unsigned kLastFrames = 8192;
constexpr unsigned kCallsOfACommand = 16;
constexpr unsigned kCallsOfARound = 400;
constexpr int kIdleRounds = 40;
// What the supervisor counts from is not known to the microsecond.
constexpr Nanoseconds kSlack = kMs;

}  // namespace

Invariants::Invariants(Trace& trace, const Settings& settings, const Application& application,
                       const Wires& wires, const StoredData& data, const Daemon& daemon,
                       const OperatorSettings& asked)
    : trace_(trace),
      settings_(settings),
      application_(application),
      wires_(wires),
      data_(data),
      daemon_(daemon),
      call_bound_(settings.interval > 0 ? std::min(settings.interval / 2, 500 * kMs) : 500 * kMs),
      restarts_(asked),
      is_verdict_quorate_(daemon.is_quorate()) {}

void Invariants::called(Nanoseconds now) {
  const unsigned frames = kFramesAtOnce + (may_be_burying() ? kLastFrames : 0);
  require(++calls_ <= kCallsOfARound + frames * kCallsOfACommand, now, "no round without bound");
}

// Then it takes all that is in the pipe. It may not know of a daemon that goes on.
bool Invariants::may_be_burying() const {
  return !application_.is_at_work() || application_.has_forked();
}

// Whether it may have taken itself for frozen at the last judgement.
bool Invariants::may_have_forgiven(Nanoseconds now) const {
  const Nanoseconds due = std::max(wait_began_, std::min(asked_, round_began_));
  return busy_before_ + (now - due) > settings_.interval / 4;
}

void Invariants::excuse(Nanoseconds now) {
  // Which of its processes the supervisor takes for the application, and since when, is not seen
  // from outside; each change may begin a new interval.
  if (application_.has_forked() || had_busy_) {
    limit_since_ = now;
    return;
  }
  trace_.note(now, "(counted from %.6f s until %.6f s, excused before: %d)",
              static_cast<double>(limit_since_) / 1e9, static_cast<double>(silence_over()) / 1e9,
              is_excused_);
  require(!is_excused_ && may_have_forgiven(now), now,
          "a hang is answered within two intervals and the tick");
  is_excused_ = true;
  limit_since_ = now;
}

// Only a clear case is asked for: the promise ran out in a wait that ended much too late, and
// nothing before can have been taken for a freeze.
void Invariants::was_frozen(Nanoseconds from, Nanoseconds to) {
  if (!is_waiting_ || !has_limit() || settings_.interval < 5 * kTick || had_busy_) return;
  const Nanoseconds over = silence_over();
  if (over > from && to - over > settings_.interval / 4) must_forgive_ = true;
}

void Invariants::wait_began(Nanoseconds now, const Awaited& awaited, Deadline deadline,
                            bool ends_at_once, bool hears) {
  // What it has sent to a process that was dead by then is not always seen here.
  const pid_t main = application_.main() != nullptr ? application_.main()->pid : 0;
  if (std::exchange(main_, main) != main || !application_.is_at_work()) counts_anew_ = true;
  // A health check from before may be seen only after it, and looks like another clock's then.
  if (counts_anew_) limit_since_ = std::max(limit_since_, clock_);
  if (counts_anew_) grace_from_ = std::max(grace_from_, clock_);
  if (round_ > 0 && may_have_forgiven(now)) had_busy_ = grace_busy_ = true;
  note_hold(now);
  if (round_ > 0) {
    check_hang_answered(now);
    check_grace(now);
    check_deaths(now, awaited, deadline, ends_at_once || hears);
    check_restart(now, deadline);
    check_answers(now, deadline);
    check_services(now, deadline);
    check_keys(now);
  }
  check_wake(now, deadline, ends_at_once);
  busy_before_ = now - round_began_;
  wait_began_ = now;
  asked_ = deadline.when();
  is_waiting_ = true;
  must_forgive_ = false;
}

void Invariants::wait_ended(Nanoseconds now, bool is_able) {
  gives_up_ = gives_up_ || !is_able;
  is_waiting_ = false;
  // A health check that came while the last round was judging is seen in this one only.
  counts_anew_ = last_life_ >= round_began_ && last_life_ <= wait_began_;
  ++round_;
  round_began_ = now;
  calls_ = commands_ = 0;
  with_daemon_ = 0;
  did_something_ = signalled_in_round_ = false;
}

void Invariants::check_wake(Nanoseconds now, Deadline deadline, bool ends_at_once) {
  past_wakes_ = !ends_at_once && deadline.when() <= round_began_ ? past_wakes_ + 1 : 0;
  require(past_wakes_ < 3, now, "the next wake-up is never in the past");
  const bool is_idle = !did_something_ && (ends_at_once || deadline.has_passed(now));
  idle_rounds_ = is_idle ? idle_rounds_ + 1 : 0;
  require(idle_rounds_ < kIdleRounds, now, "no waiting that ends at once, again and again");
  if (is_forking_ || !application_.is_at_work()) return;
  if (has_limit() && deadline.when() > silence_over() + kSlack) excuse(now);
  if (is_limited() && lost_at_ != 0 && deadline.when() > grace_over() + kSlack) excuse_grace(now);
}

void Invariants::check_hang_answered(Nanoseconds now) {
  const bool is_due = has_limit() && application_.is_at_work() && silence_over() <= round_began_;
  if (is_due && !signalled_in_round_) excuse(now);
}

void Invariants::excuse_grace(Nanoseconds now) {
  if (application_.has_forked() || grace_busy_) {
    grace_from_ = now;
    return;
  }
  require(!grace_excused_ && may_have_forgiven(now), now,
          "lost quorum ends in SIGKILL within the grace");
  grace_excused_ = true;
  grace_from_ = now;
}

void Invariants::check_grace(Nanoseconds now) {
  const bool is_due = is_limited() && lost_at_ != 0 && grace_over() <= round_began_;
  if (is_due && application_.is_at_work() && !signalled_in_round_) excuse_grace(now);
}

void Invariants::beat(Nanoseconds now) {
  if (is_running_ && now - silent_since_ > settings_.interval) late_beat_at_ = now;
  count_from(now);
  last_life_ = last_beat_ = now;
  // It may be held since, rather than before.
  if (!is_waiting_ && is_held_ && asked_round_ == round_) held_beat_ = now;
  is_excused_ = had_busy_ = false;
  forget_excuses();
  // Nobody sees another one with the same time.
  may_be_held_ = held_beat_ != 0 && now / kTick == held_beat_ / kTick;
  if (may_be_held_) excused_at_ = now;
}

// A fresh interval begins, unless the supervisor forgives the silence anyway. Who has been let go
// by a debugger has another one.
void Invariants::excuse_found(Nanoseconds now, Excuse excuse) {
  asked_round_ = round_;
  is_held_ = excuse == Excuse::kHeldByDebugger;
  const bool is_excused = excuse != Excuse::kNone || may_be_held_;
  trace_.note(now, "(excuse %d, held before: %d, %d)", static_cast<int>(excuse), was_held_,
              may_be_held_);
  if (is_held_) held_beat_ = last_beat_;
  if (is_held_ || may_be_held_) held_round_ = round_;
  if (!is_excused) return;
  excused_at_ = now;
  if (excuse != Excuse::kNone || was_held_) excused_round_ = round_;
  counts_anew_ = true;
  limit_since_ = std::max(limit_since_, now);
}

// Where it may have forgiven the silence, it may not have looked at the excuse.
void Invariants::note_hold(Nanoseconds now) {
  if (held_round_ != round_ || round_ == 0) return;
  const bool is_sure = !may_have_forgiven(now);
  was_held_ = is_held_ && (is_sure || was_held_);
  may_be_held_ = is_held_ || !is_sure;
}

void Invariants::signalled(Nanoseconds now, const Process& process, int number) {
  did_something_ = true;
  if (number != SIGKILL) return check_warning(now, process);
  check_kill(now, process);
  signalled_in_round_ = killed_ = true;
}

void Invariants::signalled_in_vain(Nanoseconds now, int number) {
  did_something_ = signalled_in_round_ = counts_anew_ = true;
  (number == SIGKILL ? killed_in_vain_ : warned_) = true;
  count_from(now);
  if (lost_at_ != 0) lost_at_ = now;
}

bool Invariants::is_silent() const {
  const bool is_over =
      clock_ - silent_since_ >= settings_.interval || late_beat_at_ >= round_began_;
  const bool may_be_judged = !is_stopping_ || was_silent_;
  const bool is_unexcused = asked_round_ == round_ && excused_round_ != round_;
  return owed_reply_ == 0 && is_limited() && may_be_judged && is_over && !must_forgive_ &&
         is_unexcused;
}

void Invariants::check_warning(Nanoseconds now, const Process& process) {
  // A daemon may be another process than it was.
  const bool is_first = !warned_ || has_lost_quorum_ || !process.is_child;
  require(is_first, now, "a process is warned once");
  const bool is_lost = is_running_ && settings_.policy.needs_quorum() && !is_verdict_quorate_;
  explain(now);
  // A verdict may meet a daemon that has just taken its parent's place.
  const bool is_passing = application_.has_forked();
  require(is_lost || is_passing || is_silent(), now,
          "no signal to a process that kept its promise");
  signalled_in_round_ = counts_anew_ = warned_ = true;
  count_from(now);
  if (lost_at_ != 0) lost_at_ = now;
  must_forgive_ = false;
}

void Invariants::check_kill(Nanoseconds now, const Process& process) {
  const bool is_grace_over = lost_at_ != 0 && clock_ - lost_at_ >= settings_.interval;
  const bool is_remnant = process.pid != application_.main()->pid && (warned_ || killed_);
  const bool is_just = gives_up_ || is_marked_ || killed_ || killed_in_vain_ || is_remnant ||
                       (is_limited() && is_grace_over) || (warned_ && is_silent()) ||
                       application_.has_forked();
  explain(now);
  require(is_just, now, "no signal to a process that kept its promise");
}

void Invariants::explain(Nanoseconds now) {
  trace_.note(now, "(running %d, warned %d, owed %u, must forgive %d, silent for %.6f s)",
              is_running_, warned_, owed_reply_, must_forgive_,
              static_cast<double>(clock_ - silent_since_) / 1e9);
}

void Invariants::verdict_taken(Nanoseconds now, bool quorate) {
  did_something_ = true;
  if (quorate == is_verdict_quorate_) return;
  is_verdict_quorate_ = quorate;
  has_lost_quorum_ = has_lost_quorum_ || !quorate;
  if (!is_running_ || !settings_.policy.needs_quorum()) return;
  lost_at_ = quorate ? 0 : now;
  grace_from_ = now;
  grace_excused_ = grace_busy_ = false;
  if (!quorate) count_from(now);
  counts_anew_ = true;
}

}  // namespace cs::sam::simulation
