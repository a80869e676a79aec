// SPDX-License-Identifier: BSD-3-Clause
// What the supervisor decides. A pure state machine: told what happened and when, it answers what
// is to be done; it has no clock and makes no system call.
#ifndef CS_SAM_RULES_H
#define CS_SAM_RULES_H

#include <algorithm>
#include <cstdint>
#include <optional>

#include <corosync/corotypes.h>

#include "common/clock.h"
#include "sam/operator/excuse.h"
#include "sam/operator/reason.h"
#include "sam/shared/policy.h"

namespace cs::sam {

// The state of the active process as others see it.
enum class ProcessState : std::uint8_t { kStopped, kWaitingForQuorum, kRunning, kFailed };

// What is to be done at once, in this order.
struct Decision {
  enum class Signal : std::uint8_t { kNone, kWarn, kKill };

  Signal signal = Signal::kNone;
  std::optional<ProcessState> publish = {};
  std::optional<std::uint32_t> reply = {};  // to the command with this number
  cs_error_t reply_status = CS_OK;
  Reason reason = {};  // of the signal
};

// What follows the death of an instance.
enum class Recovery : std::uint8_t {
  kRestart,
  kQuitStopped,  // it was not being watched: an orderly end
  kQuitFailed,
};

class Rules {
 public:
  // resolution: how much older a health check may be noted than it was.
  Rules(const Settings& settings, Nanoseconds resolution, bool quorate) noexcept
      : settings_(settings), resolution_(resolution), quorate_(quorate) {}

  // A new instance, not started.
  Decision instance_began() noexcept;

  // Commands of the active process; number: of the command, for the reply. knows_verdict: the last
  // verdict that has arrived was told.
  Decision start_asked(std::uint32_t number, Nanoseconds now, bool knows_verdict = true) noexcept;
  Decision stop_asked(std::uint32_t number) noexcept;  // 0: nobody waits for a reply
  Decision finished() noexcept;                        // it is never started again
  Decision failure_marked() noexcept;

  // The operator wants the service to stop: however this instance ends, no other follows. One that
  // waits for quorum is let go. Health checks are owed again when it takes very long.
  Decision stop_ordered(Nanoseconds now) noexcept;
  [[nodiscard]] bool is_stopping() const noexcept { return is_stopping_; }
  [[nodiscard]] bool was_marked_failed() const noexcept {
    return life_.phase == Phase::kMarkedFailed;
  }
  // Whether the instance was let go, so that its end is our doing.
  [[nodiscard]] bool was_let_go() const noexcept { return life_.let_go; }

  // The warn signal has been sent: what it leaves the process counts from here on.
  void warned(Nanoseconds now) noexcept;

  // What became of a reply. It was sent: if it answered a start, the interval begins now. Or it
  // could not be sent yet: then the process does not know that it is started.
  void answered(Nanoseconds now) noexcept;
  void answer_is_owed() noexcept { life_.is_owed_answer = true; }

  // The service's verdict; a lost connection counts as not quorate. Only the last one that has
  // arrived starts a process.
  Decision quorum_told(bool quorate, Nanoseconds now, bool is_last = true) noexcept;

  // Call after each wait. now: a clock reading later than that of last_beat, the time of the last
  // health check (0 if there was none). overslept: how much later than asked the wait ended, when
  // nothing else ended it. excuse: the kernel's for a silence, of a process that is_silent.
  Decision time_passed(Nanoseconds now, Nanoseconds last_beat, Nanoseconds overslept,
                       Excuse excuse = Excuse::kNone) noexcept;
  // Whether a health check is overdue at that time.
  [[nodiscard]] bool is_silent(Nanoseconds now, Nanoseconds last_beat) const noexcept {
    const Nanoseconds heard = last_beat <= now ? last_beat : 0;  // as note_beat
    const Nanoseconds due = std::max(life_.interval_began, heard) + settings_.interval;
    return has_time_limit() && now >= std::max(due + resolution_, life_.quiet_until);
  }

  // The application goes on in another process, a daemon. A verdict was on the whole of it.
  [[nodiscard]] Decision passed_on() const noexcept;

  // The process has ended by itself before SIGKILL reached it: what it said before still counts.
  void kill_missed() noexcept;

  // When time_passed() next has something to decide.
  [[nodiscard]] Deadline next_deadline() const noexcept;

  // Nothing more is decided for the instance.
  [[nodiscard]] Recovery instance_died() const noexcept;

  // False from a missed health check, or a kill, to the next proof of life.
  [[nodiscard]] bool is_healthy() const noexcept {
    return !life_.missed && life_.phase != Phase::kKilled && life_.phase != Phase::kMarkedFailed;
  }

  // Whether a silence has no consequence for now: it was told to stop, or the kernel has an excuse.
  [[nodiscard]] bool is_excused(Nanoseconds now) const noexcept {
    return is_limited() && (now < life_.quiet_until || life_.was_held || life_.dump_began);
  }

  // Whether health checks are owed now.
  [[nodiscard]] bool has_time_limit() const noexcept {
    return is_limited() && !life_.is_owed_answer;
  }

 private:
  enum class Phase : std::uint8_t {
    kStopped,
    kWaiting,  // sam_start waits for quorum
    kRunning,
    kFinished,      // as kStopped, for good
    kKilled,        // has been sent SIGKILL
    kMarkedFailed,  // the same, by its own wish
  };

  // Of a process that runs while quorum is lost.
  struct Grace {
    Nanoseconds began;
    bool renewed = false;  // after a freeze
  };

  // What is known of one instance; the next one begins with none of it.
  struct Life {
    Phase phase = Phase::kStopped;
    std::uint32_t waiting_start = 0;        // number of the command that waits for quorum
    Nanoseconds interval_began = 0;         // at the last proof of life, or what counts as one
    Nanoseconds last_beat = 0;              // as it was told last
    Nanoseconds heard = 0;                  // the last proof of life
    Phase unless_killed = Phase::kRunning;  // what it is if SIGKILL has come too late
    Reason verdict = {};                    // why it was sent SIGKILL
    bool is_owed_answer = false;
    bool warned = false;
    bool missed = false;                         // a health check, and none has come since
    bool was_held = false;                       // by a debugger, when it was last looked at
    bool let_go = false;                         // out of sam_start, with an error
    std::optional<Nanoseconds> dump_began = {};  // it is dumping core, as far as we have seen
    Nanoseconds quiet_until = 0;                 // it was told to stop, and may be silent so long
    bool forgiven = false;  // a fresh interval was given since the last health check
    std::optional<Grace> grace = {};
  };

  Decision run(std::uint32_t number, Nanoseconds now) noexcept;
  Decision kill(const Reason& reason) noexcept;
  Decision let_go(std::uint32_t number) noexcept;
  bool excuses(Excuse excuse, Nanoseconds now) noexcept;
  Decision health_check_missed(Nanoseconds now) noexcept;
  Decision stop(Phase phase, std::uint32_t number) noexcept;
  void note_beat(Nanoseconds beat, Nanoseconds now) noexcept;
  bool forgive(Nanoseconds now, Nanoseconds overslept) noexcept;
  [[nodiscard]] bool is_limited() const noexcept {
    return life_.phase == Phase::kRunning && settings_.interval > 0;
  }
  [[nodiscard]] Deadline health_check_due() const noexcept {
    if (!has_time_limit()) return Deadline::never();
    const Nanoseconds due = life_.interval_began + settings_.interval + resolution_;
    return Deadline::at(std::max(due, life_.quiet_until));
  }
  [[nodiscard]] Deadline grace_over() const noexcept {
    if (!is_limited() || !life_.grace) return Deadline::never();
    return Deadline::at(life_.grace->began + settings_.interval);
  }

  Settings settings_;
  Nanoseconds resolution_;
  bool quorate_;
  bool is_stopping_ = false;
  Life life_;
};

}  // namespace cs::sam

#endif
