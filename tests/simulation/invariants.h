// SPDX-License-Identifier: BSD-3-Clause
// What must hold of a supervisor, whatever happens: README.md says it in words. Judges by what
// the supervisor does to its world and by what is true there, never by asking the supervisor.
#pragma once

#include <algorithm>
#include <cstdint>

#include "sam/operator/excuse.h"
#include "sam/shared/policy.h"
#include "sam/supervisor/supervisor.h"
#include "simulation/application.h"
#include "simulation/daemon.h"
#include "simulation/restarts.h"
#include "simulation/trace.h"
#include "simulation/wires.h"

namespace cs::sam::simulation {

class Invariants {
 public:
  Invariants(Trace& trace, const Settings& settings, const Application& application,
             const Wires& wires, const StoredData& data, const Daemon& daemon,
             const OperatorSettings& asked);

  // Each call of the supervisor to its world.
  void called(Nanoseconds now);
  void clock_read(Nanoseconds now) { clock_ = now; }
  // It has not run from one time to the other.
  void was_frozen(Nanoseconds from, Nanoseconds to);

  void wait_began(Nanoseconds now, const Awaited& awaited, Deadline deadline, bool ends_at_once,
                  bool hears_of_children);
  void wait_ended(Nanoseconds now, bool is_able);
  void command_taken(Nanoseconds now, const Letter& letter);
  void replied(Nanoseconds now, const ReplyFrame& reply, bool was_sent);
  void signalled(Nanoseconds now, const Process& process, int number);
  void buried(Nanoseconds now);
  // It has been sent to a process that was dead by then, which it may not know.
  void signalled_in_vain(Nanoseconds now, int number);
  void restart_tried(Nanoseconds now);
  void forked(Nanoseconds now);
  void began(Nanoseconds now);
  void stop_ordered(Nanoseconds now);
  void beat(Nanoseconds now);
  // What the kernel says of a process that has been found silent.
  void excuse_found(Nanoseconds now, Excuse excuse);
  void verdict_taken(Nanoseconds now, bool quorate);
  void connected(Nanoseconds now, Service service, Deadline deadline, bool worked);
  void quorum_dropped() { quorum_lost_ = round_began_; }
  void called_daemon(Nanoseconds now, Deadline deadline, Nanoseconds took);
  void key_set(Nanoseconds now, const Keys& before, const Keys& after);
  void ended(Nanoseconds now, const Ending& ending);

  [[nodiscard]] unsigned round() const { return round_; }

 private:
  void require(bool holds, Nanoseconds now, const char* invariant) {
    if (!holds) trace_.fail(now, invariant);
  }
  [[nodiscard]] Nanoseconds silence_over() const {
    return limit_since_ + settings_.interval + kTick;
  }
  [[nodiscard]] Nanoseconds grace_over() const { return grace_from_ + settings_.interval; }
  [[nodiscard]] bool has_limit() const { return owed_reply_ == 0 && is_limited() && !is_stopping_; }
  [[nodiscard]] bool is_limited() const {
    return is_running_ && settings_.interval > 0 && !killed_;
  }
  [[nodiscard]] bool must_be_over(Nanoseconds now) const;
  [[nodiscard]] bool may_have_forgiven(Nanoseconds now) const;
  [[nodiscard]] bool may_be_burying() const;
  [[nodiscard]] bool is_silent() const;
  // A verdict that met one process of an application of several may stand for all of it.
  [[nodiscard]] bool may_be_settled() const { return killed_ && application_.has_forked(); }
  void explain(Nanoseconds now);
  void note_hold(Nanoseconds now);
  void forget_excuses() {
    held_round_ = excused_round_ = 0;
    was_held_ = may_be_held_ = false;
  }
  void excuse(Nanoseconds now);
  void excuse_grace(Nanoseconds now);
  void check_hang_answered(Nanoseconds now);
  void check_grace(Nanoseconds now);
  void check_wake(Nanoseconds now, Deadline deadline, bool ends_at_once);
  void check_deaths(Nanoseconds now, const Awaited& awaited, Deadline deadline, bool hears);
  void check_restart(Nanoseconds now, Deadline deadline);
  void check_answers(Nanoseconds now, Deadline deadline);
  void check_services(Nanoseconds now, Deadline deadline);
  void check_keys(Nanoseconds now);
  [[nodiscard]] bool was_told_all(Nanoseconds now);
  void check_warning(Nanoseconds now, const Process& process);
  void check_kill(Nanoseconds now, const Process& process);
  void started(Nanoseconds now);
  void count_from(Nanoseconds now) {
    silent_since_ = std::max(silent_since_, now);
    limit_since_ = std::max(limit_since_, now);
  }

  Trace& trace_;
  const Settings settings_;
  const Application& application_;
  const Wires& wires_;
  const StoredData& data_;
  const Daemon& daemon_;
  const Nanoseconds call_bound_;
  Restarts restarts_;

  // Of the supervisor.
  static constexpr unsigned kMostCommands = 64;
  bool gives_up_ = false;
  bool is_stopping_ = false;       // the operator's wish
  bool was_silent_ = false;        // then already, or had been
  bool is_forking_ = false;        // it has buried an instance, and has no new one yet
  Nanoseconds buried_from_ = 0;    // where the round began in which it has buried the last one
  Nanoseconds last_try_ = 0;       // of the next instance
  Nanoseconds restart_tried_ = 0;  // the same, or when it was seen to have failed
  Nanoseconds quorum_lost_ = 0;    // its connection, at the earliest
  bool is_waiting_ = false;
  unsigned round_ = 0;
  Nanoseconds round_began_ = 0;
  Nanoseconds wait_began_ = 0;
  Nanoseconds busy_before_ = 0;  // so long it was at work before the last wait
  Nanoseconds asked_ = 0;        // when the last wait was to end
  Nanoseconds clock_ = 0;        // as it read it last
  unsigned calls_ = 0;           // in this round
  unsigned commands_ = 0;        // taken in this round
  bool counts_anew_ = false;     // an interval has begun in this round
  Nanoseconds with_daemon_ = 0;  // so long in this round
  int idle_rounds_ = 0;          // one after the other, without anything done
  int past_wakes_ = 0;
  bool did_something_ = false;
  bool signalled_in_round_ = false;
  Nanoseconds failed_connect_[2] = {};
  Nanoseconds answers_since_ = 0;  // the daemon, as far as there were rounds to notice
  Nanoseconds answers_seen_ = 0;
  unsigned answers_round_ = 0;
  bool is_verdict_quorate_;
  unsigned era_ = 0;

  // Of the instance.
  pid_t main_ = 0;
  Nanoseconds over_since_ = 0;
  unsigned over_round_ = 0;
  std::uint32_t wanted_start_ = 0;
  Letter start_letter_;
  Nanoseconds start_taken_at_ = 0;
  bool is_running_ = false;
  bool has_finished_ = false;
  bool is_marked_ = false;
  bool last_was_start_ = false;  // of the commands taken before any kill
  bool warned_ = false;
  bool killed_ = false;
  bool killed_in_vain_ = false;
  bool has_lost_quorum_ = false;
  bool is_excused_ = false;  // once until the next health check
  bool grace_excused_ = false;
  bool grace_busy_ = false;
  bool had_busy_ = false;  // the supervisor may have taken itself for frozen since the last one
  bool must_forgive_ = false;
  unsigned asked_round_ = 0;    // in which it has looked for an excuse
  unsigned excused_round_ = 0;  // in which there was one
  unsigned held_round_ = 0;     // in which a debugger held it, or had let go
  bool is_held_ = false;
  bool was_held_ = false;         // when it was last looked at, for sure
  bool may_be_held_ = false;      // the same, or not: nobody knows
  Nanoseconds held_beat_ = 0;     // the last when it was found held, or came meanwhile
  Nanoseconds silent_since_ = 0;  // at the earliest
  Nanoseconds limit_since_ = 0;   // where the supervisor may count from, at the latest
  Nanoseconds late_beat_at_ = 0;
  Nanoseconds lost_at_ = 0;       // quorum, as the supervisor was told; 0: it is not
  Nanoseconds grace_from_ = 0;    // where its grace may begin, at the latest
  std::uint32_t owed_reply_ = 0;  // that could not be sent
  Nanoseconds last_life_ = 0;     // the last proof of life
  Nanoseconds last_beat_ = 0;
  Nanoseconds excused_at_ = 0;     // by the kernel, and not by an order to stop
  bool may_have_stopped_ = false;  // too late, or not: nobody knows
};

}  // namespace cs::sam::simulation
