// SPDX-License-Identifier: BSD-3-Clause
// What follows the death of an instance, how the supervisor itself ends, and what the service
// manager hears.
#include <cerrno>
#include <cstdlib>
#include <signal.h>

#include "common/probes.h"
#include "sam/supervisor/supervisor.h"

namespace cs::sam {
namespace {

// Added to the number of the signal that killed a process, as a shell does.
constexpr int kSignalExitCode = 128;
// More than a pipe holds: all that a dead instance can have left.
constexpr int kLastFrames = 8192;

}  // namespace

// What it said before it died still counts: a stop, above all. So does a stop that was ordered.
std::optional<Ending> Supervisor::bury_instance() noexcept {
  if (instance_->end_signal() != SIGKILL) rules_.kill_missed();
  (void)take_commands(kLastFrames);
  while (const auto signal = world_.next_forwarded(0)) order_stop(signal->number);
  const Recovery recovery = rules_.instance_died();
  const Reason death = instance_->how_it_ended();
  const bool is_restart = recovery == Recovery::kRestart;
  const auto pause =
      is_restart ? pacing_.pause_after(instance_began_, clock()) : std::optional<Nanoseconds>();
  probe::death(instance_id_, instance_->process().pid(), static_cast<int>(death.value));
  world_.log({.event = LogRecord::Event::kDeath,
              .instance = instance_id_,
              .pid = instance_->process().pid(),
              .reason = death,
              .uptime = clock() - instance_began_,
              .next = pause});
  status_.last_death = death;
  notices_.change(false);
  const int exit_code = exit_code_after(*instance_, is_restart && !pause);
  instance_.reset();
  if (!pause) return quit(recovery, exit_code);
  prepare_next(*pause);
  return {};
}

// From here on what the dead instance has left behind may not store: the pause may be long, and the
// slot that it would write is the next instance's. During the pause no health check is owed, and
// there is no process to be warned.
void Supervisor::prepare_next(Nanoseconds pause) noexcept {
  world_.page().begin_instance(instance_id_ + 1);
  world_.discard_old_stores();
  if (pause == 0) return;
  next_start_ = clock() + pause;
  carry_out(rules_.instance_began());
}

// A failure of the whole service never looks like a success; a stop that was ordered does, where
// nothing else went wrong.
int Supervisor::exit_code_after(const Instance& instance, bool has_reached_limit) const noexcept {
  const int signal = instance.end_signal();
  const int code = signal != 0 ? kSignalExitCode + signal : instance.exit_code();
  if (has_reached_limit) return code != 0 ? code : EXIT_FAILURE;
  if (rules_.was_let_go()) return 0;
  if (signal == 0) return code;
  const bool is_as_asked = signal == stop_signal_;
  return tells_signal_at_exit_ && !is_as_asked ? code : 0;
}

Reason Supervisor::reason_to_quit(Recovery recovery) const noexcept {
  if (recovery == Recovery::kRestart) return {Reason::Kind::kLimitReached};
  if (rules_.was_marked_failed()) return {Reason::Kind::kMarkedFailed};
  if (rules_.is_stopping()) return {Reason::Kind::kStopAsked, stop_signal_};
  return {recovery == Recovery::kQuitStopped ? Reason::Kind::kNotStarted
                                             : Reason::Kind::kQuitPolicy};
}

Ending Supervisor::quit(Recovery recovery, int exit_code) noexcept {
  world_.leave_if_copy();
  const bool is_failure = recovery != Recovery::kQuitStopped;
  if (is_failure) {
    publisher_.end_failed(clock());
  } else {
    publisher_.end_stopped();
  }
  log_end(reason_to_quit(recovery), exit_code, is_failure);
  status_.is_stopping = true;
  notices_.change(true);
  tell_service_manager();
  return {.kind = Ending::Kind::kOver, .exit_code = exit_code};
}

// There must never be two copies of the application at work.
Ending Supervisor::give_up() noexcept {
  const int error = errno;
  world_.leave_if_copy();
  if (instance_) {
    instance_->end();
    instance_.reset();
  }
  if (instance_id_ == 0) {
    publisher_.end_stopped();
  } else {
    publisher_.end_failed(clock());
  }
  log_end({Reason::Kind::kBroken}, 0, true);
  errno = error;
  return {.kind = Ending::Kind::kFailed};
}

void Supervisor::log_end(const Reason& reason, int exit_code, bool is_failure) noexcept {
  world_.log({.event = LogRecord::Event::kEnd,
              .instance = instance_id_,
              .reason = reason,
              .number = exit_code,
              .is_failure = is_failure});
}

void Supervisor::tell_service_manager() noexcept {
  const bool is_healthy = rules_.is_healthy();
  if (!notices_.next_deadline(is_healthy).has_passed(clock())) return;
  const bool is_sign_of_life = notices_.is_sign_of_life(is_healthy);
  char text[kNoticeRoom];
  const std::size_t length = format_notice(status_, is_sign_of_life, text);
  if (world_.notify({text, length})) {
    notices_.sent(is_sign_of_life, clock());
  } else {
    notices_.failed(clock());
  }
}

}  // namespace cs::sam
