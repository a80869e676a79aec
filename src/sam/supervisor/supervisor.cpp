// SPDX-License-Identifier: BSD-3-Clause
// Wait, take in, decide, carry out. Ends are in supervisor_ends.cpp.
#include "sam/supervisor/supervisor.h"

#include <algorithm>
#include <cassert>
#include <signal.h>

#include "common/probes.h"
#include "sam/operator/forwarding.h"
#include "sam/shared/heartbeat.h"
#include "sam/supervisor/overslept.h"

namespace cs::sam {
namespace {

// No call to the daemon may keep the supervisor from watching.
Nanoseconds call_bound(Nanoseconds interval) noexcept {
  constexpr Nanoseconds kLongest = 500 * kNanosecondsPerMillisecond;
  return interval > 0 ? std::min(interval / 2, kLongest) : kLongest;
}

// If we were busy for longer than our calls can take, we were frozen.
Nanoseconds busy_bound(const Settings& settings) noexcept {
  const bool calls = settings.policy.needs_quorum() || settings.policy.publishes();
  return calls ? 2 * call_bound(settings.interval) : 0;
}

// No more is taken in one round, which must stay short. What is left ends the next wait at once.
constexpr int kFramesAtOnce = 64;
constexpr int kVerdictsAtOnce = 16;
constexpr int kReadings = 4;
// So long a new instance has to install its handlers, if it sends no command before.
constexpr Nanoseconds kTimeToSettle = 1000 * kNanosecondsPerMillisecond;

}  // namespace

Supervisor::Supervisor(const Settings& settings, pid_t self, World& world,
                       std::atomic<int>& warn_signal, const OperatorSettings& asked) noexcept
    : settings_(settings),
      world_(world),
      call_bound_(call_bound(settings.interval)),
      busy_bound_(busy_bound(settings)),
      warn_signal_(warn_signal),
      rules_(settings, world.beat_resolution(), world.is_quorate()),
      publisher_(settings, self, world, call_bound_),
      quorum_(world, Service::kQuorum, call_bound_),
      pacing_(asked.restart_delay, asked.restart_limit),
      notices_(asked.notifies, watchdog_of(asked, self)),
      tells_signal_at_exit_(asked.tells_signal_at_exit),
      passes_signals_on_(!asked.forwarded.is_empty()),
      now_(clock()) {}

// Each round is bounded, and ends with a judgement by a clock reading of its own.
Ending Supervisor::run() noexcept {
  for (;;) {
    if (!instance_ && now_ >= next_start_ && restart_.may_try(now_)) {
      if (const auto life = start_instance()) return *life;
      if (!instance_ && instance_id_ == 0) break;
    }
    const Woken woken = wait();
    world_.leave_if_copy();
    if (!woken.is_able) break;
    if (const auto ending = take_signals()) return *ending;
    (void)take_verdicts();
    reconnect_quorum();
    if (!take_commands(kFramesAtOnce)) break;
    judge_by_time();
    publish(woken.cmap);
    if (instance_ && instance_->catch_up(now_)) rules_.answered(clock());
    if (const auto ending = look_after_children()) return *ending;
    tell_service_manager();
  }
  return give_up();
}

// Returns something only in the new instance. A failure leaves no instance, and errno.
std::optional<Ending> Supervisor::start_instance() noexcept {
  const unsigned id = instance_id_ + 1;
  carry_out(rules_.instance_began());
  world_.page().begin_instance(id);
  const bool has_pipe = id == 1 || world_.renew_commands();
  const pid_t pid = has_pipe ? world_.fork() : -1;
  if (pid == 0) return Ending{.kind = Ending::Kind::kNewLife, .instance_id = id};
  if (pid < 0) {
    restart_.failed(clock());
    return {};
  }
  instance_id_ = id;
  instance_began_ = clock();
  if (passes_signals_on_) kept_due_ = Deadline::at(instance_began_ + kTimeToSettle);
  restart_.succeeded();
  instance_.emplace(pid, id, world_);
  if (instance_->process().fd() < 0) world_.listen_for_children();
  probe::start(id, pid);
  world_.log({.event = LogRecord::Event::kStart, .instance = id, .pid = pid});
  status_.instance = id;
  notices_.change(false);
  return {};
}

Woken Supervisor::wait() noexcept {
  // Without an instance nobody is left to send commands, and the pipe would say so at once.
  const Awaited awaited{.commands = instance_ && instance_->may_send_commands(),
                        .process = instance_ ? instance_->process().fd() : -1};
  const Nanoseconds judged = now_;
  const Nanoseconds begun = clock();
  const Woken woken = world_.wait(awaited, next_wake());
  now_ = clock();
  if (kept_due_.has_passed(now_)) kept_due_ = Deadline::never();
  overslept_ = overslept(judged, begun, now_, rules_.next_deadline(), busy_bound_);
  if (woken.process && instance_) instance_->process().note_readable();
  return woken;
}

Deadline Supervisor::next_wake() const noexcept {
  Deadline wake = std::min(rules_.next_deadline(), publisher_.next_attempt());
  wake = std::min(wake, notices_.next_deadline(rules_.is_healthy()));
  if (settings_.policy.needs_quorum() && !quorum_.is_connected()) {
    wake = std::min(wake, quorum_.due());
  }
  if (!is_settled_) wake = std::min(wake, Deadline::at(now_));
  if (!instance_) {
    return std::min(wake, std::max(restart_.due(), Deadline::at(next_start_)));
  }
  wake = std::min({wake, kept_due_, instance_->next_attempt()});
  return std::min(wake, instance_->process().next_look(now_));
}

// What is no command counts as well: a stray writer must not keep us. False when the supervisor is
// cut off from the instance.
bool Supervisor::take_commands(int at_most) noexcept {
  CommandFrame frame;
  for (int count = 0; count < at_most && instance_; ++count) {
    const Received received = instance_->next_command(frame);
    if (received == Received::kBroken) return false;
    if (received == Received::kNothing) break;
    if (received == Received::kFrame) take_command(frame);
  }
  return true;
}

void Supervisor::take_command(const CommandFrame& frame) noexcept {
  switch (frame.command) {
    case Command::kStart: {
      // First: a start that was asked for after quorum was lost has to wait.
      const bool is_last = take_verdicts();
      return carry_out(rules_.start_asked(frame.sequence, clock(), is_last));
    }
    case Command::kStop:
      return carry_out(rules_.stop_asked(frame.sequence));
    case Command::kFinish:
      return carry_out(rules_.finished());
    case Command::kMarkFailed:
      return carry_out(rules_.failure_marked());
    case Command::kWarnSignal:
      return warn_signal_.store(frame.argument);
    case Command::kHealthCheck:
      // It has woken us, and the page says the rest. A check from here on nudges again.
      return world_.page().clear_nudge();
  }
  // Anything else falls through on purpose: it is no command of ours but a stray write into the
  // pipe.
}

// The instance hears of a stop before it is let go, so that it knows why.
std::optional<Ending> Supervisor::take_signals() noexcept {
  for (;;) {
    const auto signal = world_.next_forwarded(instance_ ? instance_->process().pid() : 0);
    if (!signal) return {};
    if (instance_ && !signal->has_reached_instance) instance_->pass_on(signal->number);
    if (!Forwarding::is_stop(signal->number)) continue;
    order_stop(signal->number);
    if (!instance_) return quit(Recovery::kQuitStopped, 0);
  }
}

void Supervisor::order_stop(int signal) noexcept {
  stop_signal_ = signal;
  status_.is_stopping = true;
  notices_.change(true);
  carry_out(rules_.stop_ordered(clock()));
}

// False when more verdicts have arrived than are taken at once: then the last one is not known yet.
bool Supervisor::take_verdicts() noexcept {
  if (!settings_.policy.needs_quorum()) return true;
  const bool was_connected = quorum_.is_connected();
  is_settled_ = false;
  for (int count = 0; count < kVerdictsAtOnce && !is_settled_; ++count) {
    const auto verdict = world_.next_verdict();
    is_settled_ = !verdict;
    carry_out(rules_.quorum_told(world_.is_quorate(), clock(), is_settled_));
  }
  if (was_connected && !quorum_.is_connected()) quorum_.lost(now_);
  return is_settled_;
}

void Supervisor::reconnect_quorum() noexcept {
  const bool is_needed = settings_.policy.needs_quorum() && !quorum_.is_connected();
  if (!is_needed || !quorum_.due().has_passed(now_)) return;
  const auto connect = [this](Deadline deadline) { return quorum_.connect(deadline); };
  if (!quorum_.attempt(connect)) return;
  carry_out(rules_.quorum_told(world_.is_quorate(), clock()));
}

// The heartbeat is read before the clock: a check that came in between counts. If one has come,
// both are read again: it may have taken long to get from the one to the other, and a signal must
// not go to a process that has spoken meanwhile. Whoever speaks all the time is alive.
Nanoseconds Supervisor::read_heartbeat() noexcept {
  const HeartbeatPage& page = world_.page();
  Nanoseconds last_beat;
  int readings = 0;
  do {
    last_beat = page.last_beat(now_);
    now_ = clock();
  } while (page.last_beat(now_) != last_beat && ++readings < kReadings);
  return last_beat;
}

// Looking for an excuse takes time, too.
void Supervisor::judge_by_time() noexcept {
  if (!instance_) return;
  const Nanoseconds woken = now_;
  Nanoseconds last_beat = read_heartbeat();
  Excuse excuse = Excuse::kNone;
  if (rules_.is_silent(now_, last_beat)) {
    excuse = world_.find_excuse(instance_->process().pid());
    last_beat = read_heartbeat();
  }
  overslept_ = std::max(overslept_, busy_too_long(woken, now_, busy_bound_));
  carry_out(rules_.time_passed(now_, last_beat, overslept_, excuse));
  note_health_check(last_beat);
}

void Supervisor::note_health_check(Nanoseconds last_beat) noexcept {
  if (rules_.is_excused(now_)) return publisher_.note_excuse(std::min(last_beat, now_));
  if (!rules_.has_time_limit() || last_beat > now_ || last_beat <= publisher_.last_noted()) return;
  // A nudge may have been lost, with the thread that was about to send it.
  world_.page().clear_nudge();
  publisher_.note_health_check(last_beat);
}

// What the daemon has not been told yet, however many health checks that covers.
void Supervisor::publish(bool cmap_spoke) noexcept {
  if (cmap_spoke) publisher_.check(now_);
  publisher_.catch_up(now_);
}

// The exit code of the instance before all else: a handler of the application may wait for any
// child. What woke us does not matter: each death is asked about again.
std::optional<Ending> Supervisor::look_after_children() noexcept {
  if (instance_) (void)instance_->process().has_died();
  const pid_t child = instance_ ? instance_->child() : 0;
  const auto status = world_.reap_others(child);
  if (!instance_) return {};
  if (status) instance_->note_status(*status);
  const pid_t watched = instance_->process().pid();
  if (instance_->has_ended()) return bury_instance();
  if (instance_->process().pid() != watched) carry_out(rules_.passed_on());
  return {};
}

// Without an instance the rules say neither to signal nor to reply: they begin each instance as
// stopped, and are told nothing between two of them but verdicts, which do not concern a stopped
// one.
void Supervisor::carry_out(const Decision& decision) noexcept {
  world_.leave_if_copy();
  assert(instance_ || (decision.signal == Decision::Signal::kNone && !decision.reply));
  if (decision.signal != Decision::Signal::kNone) send_signal(decision);
  if (decision.publish) publisher_.show(*decision.publish, clock());
  if (decision.reply) answer(*decision.reply, decision.reply_status);
  if (decision.publish == ProcessState::kRunning && !status_.is_ready) {
    status_.is_ready = true;
    notices_.change(true);
  }
}

void Supervisor::answer(std::uint32_t number, cs_error_t status) noexcept {
  if (instance_->reply(number, status)) {
    rules_.answered(clock());
  } else {
    rules_.answer_is_owed();
  }
}

void Supervisor::send_signal(const Decision& decision) noexcept {
  const bool is_kill = decision.signal == Decision::Signal::kKill;
  const int number = is_kill ? SIGKILL : warn_signal_.load();
  const pid_t pid = instance_->process().pid();
  instance_->send_signal(number);
  if (is_kill) {
    probe::kill(instance_id_, pid);
  } else {
    rules_.warned(clock());
    probe::warning(instance_id_, pid, number);
  }
  world_.log({.event = is_kill ? LogRecord::Event::kKill : LogRecord::Event::kWarning,
              .instance = instance_id_,
              .pid = pid,
              .reason = decision.reason,
              .uptime = clock() - instance_began_,
              .number = number});
}

}  // namespace cs::sam
