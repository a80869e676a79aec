// SPDX-License-Identifier: BSD-3-Clause
// Time, and what the supervisor asks of processes and pipes in a simulated world.
#include "simulation/simulated_world.h"

#include <algorithm>
#include <cerrno>
#include <signal.h>

namespace cs::sam::simulation {

Hardship Hardship::choose(Random& random) {
  const auto often = [&random](int times) {
    return random.once_in(3) ? times : random.once_in(2) ? times * 20 : 0;
  };
  return {.freezes = often(30),
          .failing_forks = often(4),
          .failing_pipes = often(4),
          .failing_pidfds = random.once_in(3) ? 1 : often(4),
          .full_replies = often(4),
          .stolen_deaths = often(4),
          .broken_waits = random.once_in(10) ? 500 : 0,
          .has_steady_daemon = random.once_in(2),
          .lives = static_cast<int>(random.between(1, 40))};
}

// By a chance of its own: all other choices of a seed are as without it.
Nanoseconds SimulatedWorld::choose_stop(std::uint64_t seed) {
  Random random(~seed);
  return random.once_in(8) ? kBegin + random.between(0, 3000 * kMs) : kNever;
}

SimulatedWorld::SimulatedWorld(Random& random, Trace& trace, const Settings& settings,
                               const Hardship& hardship, const OperatorSettings& asked)
    : random_(random),
      trace_(trace),
      settings_(settings),
      hardship_(hardship),
      daemon_(random, trace, now_, hardship.has_steady_daemon),
      application_(random, trace, settings, wires_, data_),
      invariants_(trace, settings, application_, wires_, data_, daemon_, asked),
      excuses_(trace.seed()),
      stop_at_(choose_stop(trace.seed())) {}

Nanoseconds SimulatedWorld::next_event() const {
  return std::min(application_.next_event(), daemon_.next_event());
}

// What is due by then, in the order of time.
void SimulatedWorld::happen(Nanoseconds until) {
  for (Nanoseconds next; (next = next_event()) <= until;) {
    now_ = std::max(now_, next);
    if (daemon_.next_event() <= now_) daemon_.act(now_);
    application_.set_verdict(daemon_.last_verdict(), daemon_.founds());
    const Nanoseconds beat = application_.last_beat();
    if (application_.next_event() <= now_) application_.act(now_);
    if (application_.last_beat() != beat) {
      trace_.note(now_, "a health check");
      invariants_.beat(now_);
    }
    if (std::exchange(seen_deaths_, application_.child_deaths()) != seen_deaths_) {
      sigchld_pending_ = true;
    }
  }
  now_ = std::max(now_, until);
}

void SimulatedWorld::pass(Nanoseconds time) { happen(now_ + time); }

void SimulatedWorld::freeze(Nanoseconds longest) {
  const Nanoseconds from = now_;
  pass(random_.between(0, longest));
  trace_.note(now_, "the supervisor has stood still for %.6f s",
              static_cast<double>(now_ - from) / 1e9);
  invariants_.was_frozen(from, now_);
}

// Each call of the supervisor begins here.
void SimulatedWorld::call() {
  invariants_.called(now_);
  pass(random_.below(8'000));
  if (!random_.once_in(hardship_.freezes)) return;
  freeze(random_.one_of(
      {Nanoseconds{200'000}, settings_.interval / 2, 3 * settings_.interval, 2000 * kMs}));
}

bool SimulatedWorld::has_died(int pidfd) const {
  for (const Process& process : application_.processes()) {
    if (process.pid == pidfd) return !process.is_alive;
  }
  return true;
}

bool SimulatedWorld::is_ready(const Awaited& awaited) const {
  const bool hung_up = wires_.is_let_go && !application_.holds_pipe(wires_.pipe);
  if (awaited.commands && (!wires_.commands.empty() || hung_up)) return true;
  if (awaited.process >= 0 && has_died(awaited.process)) return true;
  if ((is_listening_ && sigchld_pending_) || is_stop_due()) return true;
  return daemon_.has_verdict() || daemon_.quorum_is_broken() || daemon_.cmap_broken;
}

void SimulatedWorld::sleep(const Awaited& awaited, Nanoseconds until) {
  while (!is_ready(awaited) && now_ < until) {
    if (now_ >= kEnd) return end_of_time(until);
    if (random_.once_in(100)) return;  // a signal
    const Nanoseconds next = std::min(next_event(), stop_at_);
    happen(std::min({until, std::max(next, now_ + 1), std::max(kEnd, now_ + 1)}));
  }
}

// Everything has to end: whoever is left dies, and the next life is the last. A pause before it is
// slept through.
void SimulatedWorld::end_of_time(Nanoseconds until) {
  application_.doom(now_);
  if (!application_.is_at_work() && until <= now_ + kMostDelays * kLongestDelay) happen(until);
}

void SimulatedWorld::signal_process(pid_t pid, int number) {
  Process* const process = application_.find(pid);
  if (process == nullptr || !process->is_alive) return invariants_.signalled_in_vain(now_, number);
  trace_.note(now_, "the supervisor sends signal %d to process %d", number, pid);
  invariants_.signalled(now_, *process, number);
  application_.receive_signal(pid, number, now_);
}

}  // namespace cs::sam::simulation

namespace cs::sam {
namespace {

using simulation::SimulatedWorld;

SimulatedWorld& of(World* world) { return static_cast<SimulatedWorld&>(*world); }
const SimulatedWorld& of(const World* world) { return static_cast<const SimulatedWorld&>(*world); }

}  // namespace

Nanoseconds World::now() noexcept {
  SimulatedWorld& self = of(this);
  self.call();
  self.invariants_.clock_read(self.now_);
  return self.now_;
}

Nanoseconds World::beat_resolution() const noexcept { return simulation::kTick; }

Woken World::wait(const Awaited& awaited, Deadline deadline) noexcept {
  SimulatedWorld& self = of(this);
  self.call();
  const bool at_once = self.is_ready(awaited);
  self.trace_.note(
      self.now_, "the supervisor waits for %.6f s%s",
      deadline.is_never() ? -1.0 : static_cast<double>(deadline.when() - self.now_) / 1e9,
      at_once ? ", in vain" : "");
  self.invariants_.wait_began(self.now_, awaited, deadline, at_once, self.is_listening_);
  const bool is_broken = self.random_.once_in(self.hardship_.broken_waits);
  if (!at_once) self.sleep(awaited, deadline.when());
  if (self.now_ >= SimulatedWorld::kEnd) self.end_of_time(self.now_);
  if (self.random_.once_in(self.hardship_.freezes)) {
    self.freeze(self.random_.one_of({self.settings_.interval / 2, 3 * self.settings_.interval}));
  }
  self.pass(self.random_.below(100'000));
  self.sigchld_pending_ = false;
  self.trace_.note(self.now_, "the supervisor wakes%s", is_broken ? " and cannot wait" : "");
  self.invariants_.wait_ended(self.now_, !is_broken);
  errno = EBADF;
  return {.is_able = !is_broken,
          .process = awaited.process >= 0 && self.has_died(awaited.process),
          .cmap = self.daemon_.cmap_broken};
}

pid_t World::fork() noexcept {
  SimulatedWorld& self = of(this);
  self.call();
  self.invariants_.forked(self.now_);
  if (self.random_.once_in(self.hardship_.failing_forks)) {
    errno = EAGAIN;
    return -1;
  }
  const unsigned id = self.lives() + 1;
  const bool is_last = static_cast<int>(id) >= self.hardship_.lives || self.now_ >= self.kEnd;
  const pid_t child = self.application_.begin(id, self.now_, is_last);
  self.invariants_.began(self.now_);
  return child;
}

void World::leave_if_copy() noexcept {}

void World::listen_for_children() noexcept { of(this).is_listening_ = true; }

std::optional<int> World::reap_others(pid_t instance) noexcept {
  SimulatedWorld& self = of(this);
  self.call();
  simulation::Process* const process = self.application_.find(instance);
  if (instance == 0 || process == nullptr || process->is_alive || process->is_reaped) return {};
  if (process->held_until > self.now_ || !self.random_.once_in(2)) return {};
  process->is_reaped = true;
  return process->status;
}

void World::discard_old_stores() noexcept {
  SimulatedWorld& self = of(this);
  self.call();
  ++self.data_.era;
  self.invariants_.buried(self.now_);
}

int World::open_pidfd(pid_t pid) noexcept {
  SimulatedWorld& self = of(this);
  self.call();
  return self.random_.once_in(self.hardship_.failing_pidfds) ? -1 : pid;
}

void World::close_pidfd(int) noexcept {}

std::optional<int> World::reap(pid_t child, int pidfd, Patience patience) noexcept {
  SimulatedWorld& self = of(this);
  self.call();
  simulation::Process* const process = self.application_.find(child);
  if (process == nullptr) return 0;
  while (patience == Patience::kEndless && process->is_alive) self.pass(simulation::kMs);
  if (process->is_alive) return {};
  if (process->is_reaped) return pidfd >= 0 ? process->status : 0;
  if (patience == Patience::kNone && process->held_until > self.now_) {
    process->held_until = std::max(process->held_until, self.now_);
    return {};
  }
  process->is_reaped = true;
  if (self.random_.once_in(self.hardship_.stolen_deaths) && pidfd < 0) {
    process->is_stolen = true;
    return 0;
  }
  return process->status;
}

bool World::is_dead(pid_t stranger, int) noexcept {
  SimulatedWorld& self = of(this);
  self.call();
  return self.has_died(stranger);
}

std::optional<int> World::status_of_dead(pid_t stranger, int) noexcept {
  SimulatedWorld& self = of(this);
  self.call();
  simulation::Process* const process = self.application_.find(stranger);
  if (process == nullptr) return {};
  process->is_stolen |= self.random_.once_in(self.hardship_.stolen_deaths);
  if (process->is_stolen) return {};
  return process->status;
}

void World::await_end(pid_t stranger, int) noexcept {
  SimulatedWorld& self = of(this);
  for (int i = 0; i < 1000 && !self.has_died(stranger); ++i) self.pass(simulation::kMs);
}

bool World::signal_by_pidfd(int pidfd, int number) noexcept {
  SimulatedWorld& self = of(this);
  self.call();
  if (pidfd < 0) return false;
  self.signal_process(pidfd, number);
  return true;
}

void World::signal(pid_t pid, int number) noexcept {
  SimulatedWorld& self = of(this);
  self.call();
  self.signal_process(pid, number);
}

// This world's operator may want the service to stop; its terminal has told the application, which
// does not listen.
std::optional<ForwardedSignal> World::next_forwarded(pid_t) noexcept {
  SimulatedWorld& self = of(this);
  if (!self.is_stop_due()) return {};
  self.stop_at_ = simulation::kNever;
  self.trace_.note(self.now_, "the operator wants it to stop");
  self.invariants_.stop_ordered(self.now_);
  return ForwardedSignal{SIGTERM, true};
}

Excuse World::find_excuse(pid_t pid) noexcept {
  SimulatedWorld& self = of(this);
  self.call();
  const Excuse excuse = self.excuses_.find(pid, self.now_, self.settings_.interval);
  if (excuse == Excuse::kDumpingCore) self.application_.dump(pid, self.excuses_.until());
  self.invariants_.excuse_found(self.now_, excuse);
  return excuse;
}

void World::log(const LogRecord&) noexcept { of(this).call(); }

bool World::notify(std::string_view) noexcept { return true; }

HeartbeatPage& World::page() noexcept {
  SimulatedWorld& self = of(this);
  self.call();
  return self.wires_.page;
}

bool World::renew_commands() noexcept {
  SimulatedWorld& self = of(this);
  self.call();
  self.invariants_.restart_tried(self.now_);
  simulation::Wires& wires = self.wires_;
  wires.is_reused = self.random_.once_in(self.hardship_.failing_pipes);
  if (wires.is_reused) {
    errno = EMFILE;
    return !wires.is_let_go;
  }
  ++wires.pipe;
  wires.commands.clear();
  wires.is_let_go = false;
  return true;
}

Received World::receive_command(CommandFrame& frame) noexcept {
  SimulatedWorld& self = of(this);
  self.call();
  if (self.wires_.commands.empty()) {
    const bool hung_up = self.wires_.is_let_go && !self.application_.holds_pipe(self.wires_.pipe);
    return hung_up ? Received::kClosed : Received::kNothing;
  }
  const simulation::Letter letter = self.wires_.commands.front();
  self.wires_.commands.pop_front();
  self.application_.room_came(self.now_);
  self.invariants_.command_taken(self.now_, letter);
  if (!letter.is_frame) return Received::kGarbage;
  frame = letter.frame;
  return Received::kFrame;
}

Sent World::send_reply(const ReplyFrame& frame) noexcept {
  SimulatedWorld& self = of(this);
  self.call();
  const bool is_full = self.random_.once_in(self.hardship_.full_replies);
  self.invariants_.replied(self.now_, frame, !is_full);
  self.trace_.note(self.now_, "the supervisor replies to %u%s", frame.sequence,
                   is_full ? ", but there is no room" : "");
  if (is_full) return Sent::kFull;
  self.wires_.replies.push_back(frame);
  self.application_.reply_came(self.now_);
  return Sent::kDone;
}

void World::let_go_of_commands() noexcept { of(this).wires_.is_let_go = true; }

bool World::is_hung_up() const noexcept {
  const SimulatedWorld& self = of(this);
  return self.wires_.is_let_go && !self.application_.holds_pipe(self.wires_.pipe);
}

bool World::may_be_held_by_others() const noexcept { return of(this).wires_.is_reused; }

}  // namespace cs::sam
