// SPDX-License-Identifier: BSD-3-Clause
// Wait, take in, decide, carry out.
#include "sam/supervisor/supervisor.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
#include <utility>

#include "sam/shared/heartbeat.h"

namespace cs::sam {
namespace {

// No call to the daemon may keep the supervisor from watching.
Nanoseconds call_bound(Nanoseconds interval) noexcept {
  constexpr Nanoseconds kLongest = 500 * kNanosecondsPerMillisecond;
  return interval > 0 ? std::min(interval / 2, kLongest) : kLongest;
}

// Whoever is busy for longer than its calls may take was frozen meanwhile.
Nanoseconds busy_bound(const Settings& settings) noexcept {
  const bool calls = settings.policy.needs_quorum() || settings.policy.publishes();
  return calls ? 2 * call_bound(settings.interval) : 0;
}

// In place of a wait that takes memory, or more descriptors than a limit set meanwhile allows. All
// that is looked at after a wait can be looked at without one.
int pause_for_want() noexcept {
  const timespec pause = to_timespec(10 * kNanosecondsPerMillisecond);
  (void)::nanosleep(&pause, nullptr);
  return 0;
}

// In one round, which must not become long: what is left makes the next wait end at once.
constexpr int kFramesAtOnce = 64;
constexpr int kVerdictsAtOnce = 16;
// More than a pipe holds: all that a dead instance can have left.
constexpr int kLastFrames = 8192;

// Of this process, while it is inside run().
constinit Supervisor* g_supervisor = nullptr;

}  // namespace

Supervisor::Supervisor(const Settings& settings, QuorumClient& quorum, Store& store,
                       std::atomic<int>& warn_signal) noexcept
    : settings_(settings),
      call_bound_(call_bound(settings.interval)),
      busy_bound_(busy_bound(settings)),
      quorum_(quorum),
      store_(store),
      warn_signal_(warn_signal),
      rules_(settings, heartbeat_resolution(), quorum.quorate()),
      publisher_(settings, ::getpid(), call_bound_),
      now_(monotonic_now()) {
  static std::atomic<std::uint32_t> has_handler = 0;
  if (has_handler.exchange(1) == 0) (void)pthread_atfork(nullptr, nullptr, &Supervisor::after_fork);
  g_supervisor = this;
}

Supervisor::~Supervisor() { g_supervisor = nullptr; }

// In what a signal handler of the application has forked: a process that holds our ends of the
// pipes would hide that they are closed, and has its own use for SIGCHLD.
void Supervisor::after_fork() noexcept {
  Supervisor* const self = std::exchange(g_supervisor, nullptr);
  if (self == nullptr || self->is_starting_) return;
  self->is_copy_ = true;
  self->channel_.close_all();
  self->child_signal_.give_back_to_copy();
}

// A handler that returns in what it has forked, having failed to exec: there is one supervisor
// only.
void Supervisor::leave_if_copy() const noexcept {
  if (is_copy_) ::_exit(EXIT_FAILURE);
}

cs_error_t Supervisor::prepare(Deadline deadline) noexcept {
  channel_ = Channel::make();
  return channel_ ? publisher_.begin(deadline) : CS_ERR_LIBRARY;
}

// Each round is bounded, and ends with a judgement by a clock reading of its own.
std::optional<NewLife> Supervisor::run() noexcept {
  for (;;) {
    if (!instance_ && restart_.may_try(now_)) {
      auto life = start_instance();
      if (life) return life;
      if (!instance_ && instance_id_ == 0) break;
    }
    const bool is_able = wait();
    leave_if_copy();
    if (!is_able) break;
    take_verdicts();  // first: a start that was asked for after quorum was lost has to wait
    take_commands(kFramesAtOnce);
    if (instance_ && instance_->is_cut_off()) break;
    judge_by_time();
    publish();
    if (instance_) instance_->catch_up(now_);
    look_after_children();
  }
  give_up();
  return {};
}

// Returns something only in the new instance. A failure leaves no instance, and errno.
std::optional<NewLife> Supervisor::start_instance() noexcept {
  const unsigned id = instance_id_ + 1;
  carry_out(rules_.instance_began());
  channel_.heartbeat().begin_instance(id);
  const bool has_pipe = id == 1 || channel_.renew_commands();
  is_starting_ = true;
  const pid_t pid = has_pipe ? ::fork() : -1;
  is_starting_ = false;
  if (pid == 0) return NewLife{id, std::move(channel_).take_active_ends()};
  if (pid < 0) {
    restart_.failed(monotonic_now());
    return {};
  }
  instance_id_ = id;
  restart_.succeeded();
  instance_.emplace(pid, id, channel_);
  if (instance_->process().fd() < 0) child_signal_.listen();
  return {};
}

// False when that is impossible.
bool Supervisor::wait() noexcept {
  const Nanoseconds judged = now_;
  const Nanoseconds begun = monotonic_now();
  const int result = poll_once(next_wake());
  now_ = monotonic_now();
  const Nanoseconds busy_too_long = begun - judged - busy_bound_;
  const Nanoseconds late = now_ - std::max(begun, std::min(rules_.next_deadline().when(), now_));
  overslept_ = std::max({Nanoseconds{0}, busy_too_long, late});
  return result >= 0 || errno == EINTR;
}

Deadline Supervisor::next_wake() const noexcept {
  Nanoseconds when = rules_.next_deadline().when();
  when = std::min(when, publisher_.next_attempt().when());
  when = std::min(when, instance_ ? instance_->next_attempt().when() : restart_.next());
  if (instance_) when = std::min(when, instance_->process().next_look(now_).when());
  if (settings_.policy.needs_quorum() && !quorum_.is_connected()) {
    when = std::min(when, quorum_retry_.next());
  }
  return Deadline::at(when);
}

// -1, with errno, when the wait failed or a descriptor of ours is not there any more.
int Supervisor::poll_once(Deadline deadline) noexcept {
  enum { kCommands, kDeath, kQuorum, kCmap, kQuorumLife, kCmapLife };
  pollfd entries[] = {
      // Without an instance nobody is left to send any, and the pipe would say so at once.
      {instance_ ? instance_->commands_fd() : -1, POLLIN, 0},
      {instance_ ? instance_->process().fd() : -1, POLLIN, 0},
      {quorum_.fd(), POLLIN, 0},
      {publisher_.fd(), POLLIN, 0},
      {quorum_.life_fd(), 0, 0},
      {publisher_.life_fd(), 0, 0},
  };
  const timespec left = to_timespec(std::max<Nanoseconds>(deadline.when() - monotonic_now(), 0));
  int result = ::ppoll(entries, std::size(entries), deadline.is_never() ? nullptr : &left,
                       child_signal_.wait_mask());
  if (result < 0 && (errno == EINVAL || errno == ENOMEM)) result = pause_for_want();
  cmap_spoke_ = result > 0 && (entries[kCmap].revents | entries[kCmapLife].revents) != 0;
  if (result > 0 && entries[kDeath].revents != 0) instance_->process().note_readable();
  for (const pollfd& entry : entries) {
    if (result <= 0 || (entry.revents & POLLNVAL) == 0) continue;
    errno = EBADF;
    return -1;
  }
  return result;
}

void Supervisor::take_commands(int at_most) noexcept {
  CommandFrame frame;
  for (int count = 0; count < at_most && instance_; ++count) {
    if (!instance_->next_command(frame)) return;
    take_command(frame);
  }
}

void Supervisor::take_command(const CommandFrame& frame) noexcept {
  switch (frame.command) {
    case Command::kStart:
      return carry_out(rules_.start_asked(frame.sequence, monotonic_now()));
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
      return channel_.heartbeat().clear_nudge();
  }
  // Anything else is no command of ours: a stray write into the pipe.
}

void Supervisor::take_verdicts() noexcept {
  if (!settings_.policy.needs_quorum()) return;
  const bool was_connected = quorum_.is_connected();
  for (int count = 0; count < kVerdictsAtOnce; ++count) {
    const auto verdict = quorum_.next_verdict();
    if (!verdict) break;
    carry_out(rules_.quorum_told(*verdict, now_));
  }
  if (quorum_.is_connected()) return;
  if (was_connected) {
    quorum_retry_.failed(now_);
  } else if (quorum_retry_.may_try(now_)) {
    reconnect_quorum();
  }
}

void Supervisor::reconnect_quorum() noexcept {
  const Nanoseconds limit = quorum_retry_.attempt_limit(call_bound_);
  if (quorum_.connect(Deadline::at(monotonic_now() + limit)) != CS_OK) {
    quorum_retry_.failed(monotonic_now());
    return;
  }
  quorum_retry_.succeeded();
  carry_out(rules_.quorum_told(quorum_.quorate(), monotonic_now()));
}

// The heartbeat is read before the clock: a check that came in between counts.
void Supervisor::judge_by_time() noexcept {
  if (!instance_) return;
  const Nanoseconds woken = now_;
  const Nanoseconds last_beat = channel_.heartbeat().last_beat(woken);
  now_ = monotonic_now();
  overslept_ = std::max(overslept_, now_ - woken - busy_bound_);
  carry_out(rules_.time_passed(now_, last_beat, overslept_));
  if (!rules_.has_time_limit() || last_beat > now_) return;
  if (last_beat > publisher_.last_updated()) {
    // A nudge may have been lost, with the thread that was about to send it.
    channel_.heartbeat().clear_nudge();
    publisher_.note_health_check(last_beat);
  }
}

// What the daemon is owed, however many health checks that was.
void Supervisor::publish() noexcept {
  if (cmap_spoke_) publisher_.check(now_);
  publisher_.catch_up(now_);
}

// The exit code of the instance before all else: a handler of the application may wait for any
// child.
void Supervisor::look_after_children() noexcept {
  if (instance_) (void)instance_->process().has_died();
  const pid_t child = instance_ ? instance_->child() : 0;
  const auto status = child_signal_.reap_others(child);
  if (!instance_) return;
  if (status) instance_->note_status(*status);
  if (instance_->has_ended()) bury_instance();
}

void Supervisor::carry_out(const Decision& decision) noexcept {
  leave_if_copy();
  if (decision.signal == Decision::Signal::kWarn) instance_->send_signal(warn_signal_.load());
  if (decision.signal == Decision::Signal::kKill) instance_->send_signal(SIGKILL);
  if (decision.publish) publisher_.show(*decision.publish, monotonic_now());
  if (decision.reply) instance_->reply(*decision.reply);
}

// What it said before it died still counts: a stop, above all.
void Supervisor::bury_instance() noexcept {
  take_commands(kLastFrames);
  const Recovery recovery = rules_.instance_died();
  const int exit_code = instance_->exit_code();
  instance_.reset();
  if (recovery != Recovery::kRestart) quit(recovery, exit_code);
  store_.discard_old();
}

void Supervisor::quit(Recovery recovery, int exit_code) noexcept {
  leave_if_copy();
  if (recovery == Recovery::kQuitStopped) {
    publisher_.end_stopped();
  } else {
    publisher_.end_failed(monotonic_now());
  }
  quorum_.drop();
  child_signal_.give_back();
  std::exit(exit_code);
}

// There must never be two copies of the application at work.
void Supervisor::give_up() noexcept {
  const int error = errno;
  leave_if_copy();
  if (instance_) {
    instance_->send_signal(SIGKILL);
    instance_->process().wait_for_end();
    instance_.reset();
  }
  if (instance_id_ == 0) {
    publisher_.end_stopped();
  } else {
    publisher_.end_failed(monotonic_now());
  }
  errno = error;
}

}  // namespace cs::sam
