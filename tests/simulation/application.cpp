// SPDX-License-Identifier: BSD-3-Clause
// Lives.
#include "simulation/application.h"

#include <algorithm>
#include <signal.h>

namespace cs::sam::simulation {
namespace {

constexpr int exited_with(int code) { return code << 8; }

}  // namespace

pid_t Application::begin(unsigned instance, Nanoseconds now, bool is_last) {
  // Who is dead and reaped will not be asked after any more.
  std::erase_if(processes_, [](const Process& process) {
    return !process.is_alive && (process.is_reaped || !process.is_child);
  });
  instance_ = instance;
  heir_ = 0;
  Process& child = new_process(true);
  main_ = child.pid;
  state_ = State::kBorn;
  is_last_ = is_last;
  dies_of_warning_ = random_.once_in(2);
  wakes_of_warning_ = random_.once_in(2);
  has_announced_ = true;  // the child need not
  finishes_ = is_flooding_ = false;
  last_beat_ = 0;
  sequence_ = pending_ = 0;
  const Nanoseconds interval = settings_.interval > 0 ? settings_.interval : 20 * kMs;
  longest_gap_ = random_.once_in(3) ? interval : random_.between(interval / 3, interval);
  wires_.page.begin_line(main_);
  schedule(now, random_.between(0, random_.one_of({100'000, 2'000'000, 50'000'000})));
  if (data_.value != data_.acknowledged && data_.value != data_.attempted) {
    trace_.fail(now, "an acknowledged store is what the next instance finds");
  }
  data_.acknowledged = data_.value;
  trace_.note(now, "instance %u begins as process %d", instance, main_);
  return main_;
}

Process& Application::new_process(bool is_child) {
  Process& made = processes_.emplace_back();
  has_forked_ = !is_child;
  made.pid = ++last_pid_;
  made.instance = instance_;
  made.is_child = is_child;
  made.pipe = wires_.pipe;
  made.era = data_.era;
  return made;
}

Process* Application::find(pid_t pid) { return const_cast<Process*>(find_const(pid)); }

const Process* Application::find_const(pid_t pid) const {
  for (const Process& process : processes_) {
    if (process.pid == pid) return &process;
  }
  return nullptr;
}

bool Application::is_at_work() const { return main() != nullptr && main()->is_alive; }

bool Application::holds_pipe(unsigned pipe) const {
  return std::any_of(processes_.begin(), processes_.end(), [pipe](const Process& process) {
    return process.is_alive && process.pipe == pipe;
  });
}

void Application::find_next() {
  next_event_ = is_at_work() ? main_next_ : kNever;
  for (const Process& process : processes_) {
    if (process.is_alive)
      next_event_ = std::min({next_event_, process.dies_at, process.commits_at});
  }
}

void Application::schedule(Nanoseconds now, Nanoseconds delay) {
  main_next_ = now + delay;
  find_next();
}

void Application::act(Nanoseconds now) {
  for (Process& process : processes_) {
    if (!process.is_alive) continue;
    if (process.commits_at <= now) {
      process.commits_at = kNever;
      if (process.era == data_.era) data_.value = data_.attempted = ++data_.last;
    }
    if (process.dies_at <= now) die(process, process.dies_with, now);
  }
  if (is_at_work() && main_next_ <= now) {
    main_next_ = kNever;
    if (main()->dies_with != SIGKILL) run_main(now);
  }
  find_next();
}

void Application::die(Process& process, int status, Nanoseconds now) {
  process.is_alive = false;
  process.status = status;
  process.dies_at = kNever;
  if (process.is_child) ++child_deaths_;
  if (random_.once_in(60)) process.held_until = now + random_.between(0, 200 * kMs);
  trace_.note(now, "process %d ends with status %#x", process.pid, static_cast<unsigned>(status));
  if (process.pid != main_ || heir_ == 0) return;
  if (status == 0) {
    main_ = heir_;
    schedule(now, random_.between(0, 10 * kMs));
  }
  heir_ = 0;
}

void Application::exit(int code, Nanoseconds now) { die(*find(main_), exited_with(code), now); }

void Application::crash(Nanoseconds now) { die(*find(main_), SIGSEGV, now); }

void Application::doom(Nanoseconds now) {
  is_last_ = true;
  for (Process& process : processes_) {
    if (process.is_alive && process.pid != main_) die(process, SIGKILL, now);
  }
  if (is_at_work()) crash(now);
  find_next();
}

void Application::receive_signal(pid_t pid, int number, Nanoseconds now) {
  Process* const process = find(pid);
  if (process == nullptr || !process->is_alive) return;
  process->is_signalled = true;
  if (number == 0) return;
  if (number == SIGKILL || dies_of_warning_) {
    // Now and then only when a call has come to its end that nothing interrupts.
    process->dies_at = now + random_.between(0, random_.once_in(10) ? 50 * kMs : 20'000);
    process->dies_with = number;
  } else if (wakes_of_warning_ && state_ == State::kSilent && pid == main_) {
    state_ = State::kStarted;
    main_next_ = now + random_.between(0, settings_.interval);
  }
  find_next();
}

void Application::dump(pid_t pid, Nanoseconds until) {
  Process* const process = find(pid);
  if (process == nullptr || process->dies_at != kNever) return;
  process->dies_at = until;
  process->dies_with = SIGSEGV | 0x80;
  if (pid == main_) main_next_ = kNever;
  find_next();
}

void Application::reply_came(Nanoseconds now) {
  if (is_at_work() && pending_ != 0) schedule(now, random_.between(0, 100'000));
}

void Application::run_main(Nanoseconds now) {
  if (!has_announced_) {
    has_announced_ = true;
    find(main_)->announced = now;
    wires_.page.announce(main_);
    trace_.note(now, "process %d announces itself", main_);
  }
  switch (state_) {
    case State::kNone:
      return;
    case State::kBorn:
      return be_born(now);
    case State::kStarting:
    case State::kStopping:
      return await_reply(now);
    case State::kStarted:
      return work(now);
    case State::kStopped:
      return be_stopped(now);
    case State::kSilent:
      state_ = State::kStarted;
      return work(now);
  }
}

void Application::be_born(Nanoseconds now) {
  if (is_last_) return exit(0, now);
  switch (random_.below(20)) {
    case 0:
      return crash(now);
    case 1:
      return exit(static_cast<int>(random_.below(3)), now);
    case 2:
      store(now);
      break;
    case 3:
      become_daemon(now);
      break;
    default:
      break;
  }
  if (is_at_work()) ask(Command::kStart, State::kStarting, now);
}

void Application::ask(Command command, State state, Nanoseconds now) {
  pending_ = ++sequence_;
  state_ = state;
  write(command, 0, pending_, now);
  schedule(now, random_.between(kMs, 3000 * kMs));
}

void Application::write(Command command, int argument, std::uint32_t sequence, Nanoseconds now) {
  trace_.note(now, "process %d writes command %u, number %u", main_, static_cast<unsigned>(command),
              sequence);
  wires_.commands.push_back({true, {command, argument, instance_, sequence}, verdict_, founds_});
}

void Application::await_reply(Nanoseconds now) {
  while (!wires_.replies.empty()) {
    const ReplyFrame reply = wires_.replies.front();
    wires_.replies.pop_front();
    if (reply.instance != instance_ || reply.sequence != pending_) continue;
    pending_ = 0;
    const bool has_started = state_ == State::kStarting;
    state_ = has_started ? State::kStarted : State::kStopped;
    if (reply.status != CS_OK) return let_go(now);
    trace_.note(now, "process %d knows that it is %s", main_, has_started ? "started" : "stopped");
    return schedule(now, has_started ? gap() : random_.between(0, 20 * kMs));
  }
  leave_call(now);
}

// Out of a start that cannot be, as the service is to stop.
void Application::let_go(Nanoseconds now) {
  trace_.note(now, "process %d is let go", main_);
  state_ = State::kStopped;
  schedule(now, random_.between(0, 20 * kMs));
}

// It has waited for long: it goes on waiting, or does something else.
void Application::leave_call(Nanoseconds now) {
  const bool was_starting = state_ == State::kStarting;
  switch (is_last_ ? 1 : random_.below(8)) {
    case 0:
      return crash(now);
    case 1:
      pending_ = 0;
      state_ = State::kStopped;
      write(Command::kStop, 0, 0, now);
      return schedule(now, kMs);
    case 2:
      return ask(was_starting ? Command::kStart : Command::kStop, state_, now);
    case 3:
      write(Command::kFinish, 0, 0, now);
      pending_ = 0;
      state_ = State::kStopped;
      finishes_ = true;
      return schedule(now, kMs);
    default:
      return schedule(now, random_.between(kMs, 1000 * kMs));
  }
}

Nanoseconds Application::gap() {
  return random_.once_in(3) ? longest_gap_
                            : random_.between(1, std::max<Nanoseconds>(longest_gap_, 1));
}

void Application::work(Nanoseconds now) {
  beat(now);
  if (is_flooding_) flood();
  if (is_last_) return ask(Command::kStop, State::kStopping, now);
  schedule(now, gap());
  if (random_.once_in(3)) do_something(now);
}

void Application::beat(Nanoseconds now) {
  if (!wires_.page.belongs_to(instance_)) return;
  last_beat_ = now;
  wires_.page.beat(now - now % kTick);
  if (settings_.policy.publishes() && wires_.page.claim_nudge()) {
    write(Command::kHealthCheck, 0, 0, now);
  }
}

void Application::do_something(Nanoseconds now) {
  switch (random_.below(16)) {
    case 0:
      return crash(now);
    case 1:
      return exit(static_cast<int>(random_.below(3)), now);
    case 2:
    case 3:
      state_ = State::kSilent;
      return schedule(now, kNever / 2 - now);
    case 4:
    case 5:
      state_ = State::kSilent;
      return schedule(now, random_.between(1, 4 * std::max(settings_.interval, kMs)));
    case 6:
      return store(now);
    case 7:
    case 8:
      finishes_ = random_.once_in(3);
      return ask(Command::kStop, State::kStopping, now);
    case 9:
      if (settings_.policy.publishes() && random_.once_in(3))
        write(Command::kMarkFailed, 0, 0, now);
      return;
    case 10:
      is_flooding_ = random_.once_in(8);
      return;
    case 11:
    case 12:
      return become_daemon(now);
    case 13:
      return make_helper(now);
    case 14:
      return write(Command::kWarnSignal, random_.one_of({SIGTERM, SIGUSR1, 0}), 0, now);
    default:
      wires_.commands.push_back({false, {}, verdict_, founds_});
      return;
  }
}

void Application::be_stopped(Nanoseconds now) {
  if (finishes_) {
    write(Command::kFinish, 0, 0, now);
    wires_.page.finish(main_);
    return random_.once_in(2) ? exit(0, now) : crash(now);
  }
  switch (is_last_ ? 0 : random_.below(6)) {
    case 0:
      return exit(static_cast<int>(random_.below(2)), now);
    case 1:
      return crash(now);
    case 2:
      store(now);
      return schedule(now, kMs);
    default:
      return ask(Command::kStart, State::kStarting, now);
  }
}

void Application::store(Nanoseconds now) {
  Process& process = *find(main_);
  if (!wires_.page.belongs_to(instance_) || process.era != data_.era) return;
  const std::uint64_t value = ++data_.last;
  data_.acknowledged = data_.value;  // or that of a helper, which it has seen
  if (random_.once_in(8)) {
    if (random_.once_in(2)) data_.value = value;
    data_.attempted = value;
    return crash(now);
  }
  data_.value = data_.acknowledged = value;
  trace_.note(now, "process %d has stored %llu", main_, static_cast<unsigned long long>(value));
}

// The parent may live on for a while; the daemon goes on when it has ended.
void Application::become_daemon(Nanoseconds now) {
  if (heir_ != 0) return;
  const pid_t parent = main_;
  heir_ = new_process(false).pid;
  wires_.page.note_fork(parent, heir_);
  trace_.note(now, "process %d forks %d, which is to be a daemon", parent, heir_);
  Process& self = *find(parent);
  self.dies_at = now + random_.between(0, random_.one_of({1000, 1'000'000}));
  self.dies_with = 0;
  has_announced_ = false;
  if (random_.once_in(2)) {
    has_announced_ = true;
    find(heir_)->announced = now;
    wires_.page.announce(heir_);
  }
  main_next_ = kNever;
  find_next();
}

// It does something of its own, with the pipe in its hands or not, and may be in the middle of a
// store when the application dies.
void Application::make_helper(Nanoseconds now) {
  Process& helper = new_process(false);
  if (random_.once_in(2)) helper.pipe = 0;  // it has called exec
  if (random_.once_in(3)) helper.commits_at = now + random_.between(0, 500 * kMs);
  if (random_.once_in(2)) wires_.page.note_fork(main_, helper.pid);
  helper.dies_at = now + random_.between(kMs, 1000 * kMs);
  trace_.note(now, "process %d forks a helper, %d", main_, helper.pid);
  find_next();
}

void Application::flood() {
  while (wires_.commands.size() < 80) {
    wires_.commands.push_back({true, {Command::kHealthCheck, 0, instance_, 0}, verdict_, founds_});
  }
}

void Application::room_came(Nanoseconds) {
  if (is_flooding_ && is_at_work() && state_ == State::kStarted) flood();
}

}  // namespace cs::sam::simulation
