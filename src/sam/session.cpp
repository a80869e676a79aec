// SPDX-License-Identifier: BSD-3-Clause
// Changes of state.
#include "sam/session.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <signal.h>
#include <span>
#include <sys/prctl.h>
#include <unistd.h>
#include <utility>

#include "common/probes.h"
#include "common/sanitizer.h"
#include "sam/active/thread_exit.h"
#include "sam/operator/log.h"
#include "sam/supervisor/linux_world.h"
#include "sam/supervisor/supervisor.h"

namespace cs::sam {
namespace {

// For calls to the daemon before supervision begins. A daemon that is synchronizing may leave its
// clients without an answer for 30 s and more where there is a qdevice.
constexpr std::int64_t kDaemonPatienceMs = 60'000;

constexpr std::size_t kMaxSize = SSIZE_MAX;  // of stored data, exclusive
// In one line: the operator's mistake must not stop the program.
void complain(const char* name, const char* value) noexcept {
  char line[128];
  const int length = std::snprintf(line, sizeof(line),
                                   "sam: %s=%.60s is not understood, and ignored", name, value);
  for (char& letter : std::span(line, static_cast<std::size_t>(length))) {
    if (static_cast<unsigned char>(letter) < ' ' || letter == '\x7f') letter = '?';
  }
  line[length] = '\n';
  (void)write_line(STDERR_FILENO, {line, static_cast<std::size_t>(length) + 1}, 0);
}

}  // namespace

// One thread owns a change of state. This thread may claim it once more if it has left the call
// that claimed it: by siglongjmp from a signal handler, or in a process forked from another thread.
bool Session::claim(State from, State to) noexcept {
  const SignalGuard signals;
  const CancelGuard cancel;
  const pthread_t self = pthread_self();
  const pid_t process = ::getpid();
  if (!change(from, to)) {
    if (state() != to) return false;
    const pthread_t owner = changer_.load();
    if (owner == pthread_t{}) return false;  // another thread has just claimed it, unsigned yet
    const bool is_mine = pthread_equal(owner, self) != 0;
    if (!is_mine && changer_process_.load() == process) return false;
  }
  changer_process_.store(process);
  changer_.store(self);
  return true;
}

// Runs at the end of a thread that was cancelled inside a change, or has left it by siglongjmp.
// Above all, once there is quorum, the supervisor must not begin to watch a process that never
// learns of it.
void Session::changer_left(void* session) noexcept {
  forget_skipped_frames();
  auto& self = *static_cast<Session*>(session);
  if (pthread_equal(self.changer_.load(), pthread_self()) == 0) return;
  const State current = self.state();
  switch (current) {
    case State::kInitializing:
      (void)self.change(current, State::kNew);
      return;
    case State::kRegistering:
      self.world_.reset();
      self.store_.take_back(true);
      (void)self.change(current, State::kInitialized);
      return;
    case State::kStarting:
    case State::kStopping:
      (void)self.active_.tell(Command::kStop, 0);
      (void)self.change(current, State::kRegistered);
      return;
    case State::kNew:
    case State::kInitialized:
    case State::kRegistered:
    case State::kStarted:
    case State::kSupervising:
    case State::kFinalized:
      return;
  }
}

cs_error_t Session::send_health_check_of(void* session) noexcept {
  return static_cast<Session*>(session)->send_health_check();
}

cs_error_t Session::initialize(int interval_ms, unsigned policy_bits) noexcept {
  const ThreadExit watched(&Session::changer_left, this);
  if (!claim(State::kNew, State::kInitializing)) return CS_ERR_BAD_HANDLE;
  const ClaimEnd end(*this);
  const auto policy = RecoveryPolicy::parse(policy_bits);
  const cs_error_t status =
      policy ? open(Settings::from(*policy, interval_ms)) : CS_ERR_INVALID_PARAM;
  state_.store(status == CS_OK ? State::kInitialized : State::kNew);
  return status;
}

cs_error_t Session::open(const Settings& settings) noexcept {
  settings_ = settings;
  asked_ = read_operator_settings(::secure_getenv, complain);
  if (asked_.interval_ms) settings_.interval = *asked_.interval_ms * kNanosecondsPerMillisecond;
  if (asked_.warn_signal) warn_signal_.store(*asked_.warn_signal);
  store_.open();
  if (!settings.policy.needs_quorum()) return CS_OK;
  const cs_error_t status = quorum_.connect(Deadline::in_milliseconds(kDaemonPatienceMs));
  if (status != CS_OK) close();
  return status;
}

void Session::close() noexcept {
  const int error = errno;
  quorum_.drop();
  store_.close();
  errno = error;
}

cs_error_t Session::finalize() noexcept {
  for (;;) {
    const State current = state();
    switch (current) {
      case State::kStarted:
        if (const cs_error_t status = stop(); status != CS_OK && status != CS_ERR_BAD_HANDLE) {
          return status;
        }
        continue;
      case State::kRegistering:
      case State::kSupervising:  // a handler in the supervisor; the instances need the data
        if (change(current, State::kFinalized)) return CS_OK;
        continue;
      case State::kInitialized:
      case State::kRegistered:
      case State::kStarting:
      case State::kStopping:
        if (finish(current)) return CS_OK;
        continue;
      case State::kNew:
      case State::kInitializing:
      case State::kFinalized:
        return CS_ERR_BAD_HANDLE;
    }
  }
}

// Another thread, or the call that this signal handler has interrupted, may still be waiting for an
// answer; it will find out by itself. The supervisor must neither start this process in answer to
// that call nor restart it.
bool Session::finish(State before) noexcept {
  const SignalGuard signals;
  const CancelGuard cancel;
  if (!change(before, State::kFinalized)) return false;
  if (before != State::kInitialized) active_.finish();
  if (is_changing(before)) (void)active_.tell(Command::kFinish, 0);
  close();
  return true;
}

cs_error_t Session::register_process(unsigned* instance_id) noexcept {
  const ThreadExit watched(&Session::changer_left, this);
  if (!claim(State::kInitialized, State::kRegistering)) return CS_ERR_BAD_HANDLE;
  const ClaimEnd end(*this);
  const int error = errno;
  const cs_error_t status = supervise(instance_id);
  if (status == CS_OK) {
    errno = error;  // the supervisor's may be years old, and means nothing to an instance
  } else {
    store_.take_back(false);  // the process may become a daemon yet
    (void)(change(State::kRegistering, State::kInitialized) ||
           change(State::kSupervising, State::kInitialized));
  }
  return status;
}

cs_error_t Session::supervise(unsigned* instance_id) noexcept {
  if (const cs_error_t status = own_quorum_connection(); status != CS_OK) return status;
  if (const cs_error_t status = store_.share(); status != CS_OK) return status;
  supervisor_ = ::getpid();
  LinuxWorld& world = world_.emplace(quorum_, store_, asked_);
  const WorldEnd end(*this);
  Supervisor supervisor(settings_, supervisor_, world, warn_signal_, asked_);
  const Deadline deadline = Deadline::in_milliseconds(kDaemonPatienceMs);
  const cs_error_t status = world.open() ? supervisor.prepare(deadline) : CS_ERR_LIBRARY;
  if (status != CS_OK) {
    store_.take_back(true);
    return status;
  }
  // From here on there is a process to watch, so this thread must not be cancelled.
  const CancelGuard guard;
  (void)change(State::kRegistering, State::kSupervising);
  world.begin_forwarding(asked_.forwarded);
  const Ending ending = supervisor.run();
  if (ending.kind == Ending::Kind::kFailed) return CS_ERR_LIBRARY;
  if (ending.kind == Ending::Kind::kOver) {
    world.give_back();
    std::exit(ending.exit_code);
  }
  if (asked_.kills_orphan) die_with_supervisor();
  quorum_.drop();
  active_.begin(world.take_active_ends(), ending.instance_id, settings_);
  state_.store(State::kRegistered);
  if (instance_id != nullptr) *instance_id = ending.instance_id;
  return CS_OK;
}

// The kernel does it, even to a process that does not call us any more. Not to one in whose place
// the supervisor's child has become a daemon. It may have died already; where its number is not to
// be seen, in another namespace of process ids, that is not known.
void Session::die_with_supervisor() const noexcept {
  const pid_t parent = ::getppid();
  if (parent == supervisor_ || parent == 0) (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent || (parent != supervisor_ && parent != 0)) (void)::raise(SIGKILL);
}

// A process that has become a daemon since sam_initialize is not the one that connected.
cs_error_t Session::own_quorum_connection() noexcept {
  if (!settings_.policy.needs_quorum() || quorum_.is_ours()) return CS_OK;
  return quorum_.connect(Deadline::in_milliseconds(kDaemonPatienceMs));
}

// Signals and cancellation are let in while it waits, since waiting for quorum may take for ever.
cs_error_t Session::start() noexcept {
  const ThreadExit watched(&Session::changer_left, this);
  const CallGuard guard(static_cast<bool>(watched));
  if (!claim(State::kRegistered, State::kStarting)) return CS_ERR_BAD_HANDLE;
  const ClaimEnd end(*this);
  // A change of user in between has made the kernel forget it.
  if (asked_.kills_orphan && ::getppid() == supervisor_) die_with_supervisor();
  cs_error_t status = thread_.prepare();
  if (status == CS_OK) status = active_.ask(Command::kStart, guard);
  if (status == CS_ERR_INTERRUPT) return is_started(state()) ? CS_OK : CS_ERR_BAD_HANDLE;
  if (status != CS_OK) {
    (void)change(State::kStarting, State::kRegistered);
    return status;
  }
  if (!change(State::kStarting, State::kStarted)) return CS_ERR_BAD_HANDLE;  // finalized meanwhile
  thread_.start();
  return CS_OK;
}

// Waits for the callback last: one that blocks may take longer than the interval, and by then the
// supervisor has stopped watching.
cs_error_t Session::stop() noexcept {
  if (!is_started(state())) return CS_ERR_BAD_HANDLE;
  thread_.halt();
  const cs_error_t status = stop_supervision();
  if (status == CS_OK) thread_.wait_for_callback();
  return status;
}

// The supervisor may be stopped, and give no answer for a long time.
cs_error_t Session::stop_supervision() noexcept {
  const ThreadExit watched(&Session::changer_left, this);
  if (!claim(State::kStarted, State::kStopping)) return CS_ERR_BAD_HANDLE;
  const ClaimEnd end(*this);
  thread_.halt();  // another thread may have stopped and started meanwhile
  const CallGuard guard(static_cast<bool>(watched));
  const cs_error_t status = active_.ask(Command::kStop, guard);
  if (status == CS_OK || status == CS_ERR_INTERRUPT) {
    (void)change(State::kStopping, State::kRegistered);
    return CS_OK;
  }
  if (change(State::kStopping, State::kStarted)) thread_.start();
  return status;
}

cs_error_t Session::mark_failed() noexcept {
  if (!is_active(state())) return CS_ERR_BAD_HANDLE;
  if (!settings_.policy.publishes()) return CS_ERR_INVALID_PARAM;
  return active_.tell(Command::kMarkFailed, 0);
}

cs_error_t Session::set_warn_signal(int number) noexcept {
  const State current = state();
  if (!is_open(current)) return CS_ERR_BAD_HANDLE;
  if (number < 0 || number > SIGRTMAX) return CS_ERR_INVALID_PARAM;
  warn_signal_.store(number);
  if (!is_active(current)) return CS_OK;
  const cs_error_t status = active_.tell(Command::kWarnSignal, number);
  return status == CS_OK && is_started(current) ? active_.health_check() : status;
}

cs_error_t Session::set_callback(sam_hc_callback_t callback) noexcept {
  const State current = state();
  if (!is_active(current) || is_started(current)) return CS_ERR_BAD_HANDLE;
  if (!settings_.allows_callback) return CS_ERR_INVALID_PARAM;
  return thread_.set_callback(callback, settings_.interval);
}

cs_error_t Session::data_size(std::size_t* size) noexcept {
  if (size == nullptr) return CS_ERR_INVALID_PARAM;
  if (!is_open(state())) return CS_ERR_BAD_HANDLE;
  const auto stored = store_.size();
  if (stored) *size = *stored;
  return stored.status();
}

cs_error_t Session::restore_data(void* data, std::size_t room) noexcept {
  if (data == nullptr) return CS_ERR_INVALID_PARAM;
  return is_open(state()) ? store_.restore(data, room) : CS_ERR_BAD_HANDLE;
}

cs_error_t Session::store_data(const void* data, std::size_t size) noexcept {
  if (size >= kMaxSize) return CS_ERR_TOO_BIG;
  const State current = state();
  if (!is_open(current)) return CS_ERR_BAD_HANDLE;
  const cs_error_t status = store_data_in(current, data, size);
  probe::store(size, status);
  return status;
}

cs_error_t Session::store_data_in(State current, const void* data, std::size_t size) noexcept {
  if (!is_active(current)) return store_.store(data, size);
  if (const cs_error_t status = active_.check_supervisor(); status != CS_OK) return status;
  const auto is_current = [](const void* active) noexcept {
    return static_cast<const Active*>(active)->is_current();
  };
  const cs_error_t status = store_.store(data, size, {is_current, &active_});
  // A store is proof of life: some programs send no other.
  return status == CS_OK && is_started(current) ? active_.health_check() : status;
}

}  // namespace cs::sam
