// SPDX-License-Identifier: BSD-3-Clause
// Changes of state.
#include "sam/session.h"

#include <cerrno>
#include <poll.h>
#include <signal.h>
#include <utility>

#include "sam/signal_guard.h"
#include "sam/supervisor.h"

namespace cs::sam {
namespace {

// For calls to the daemon before supervision begins: longer than a daemon that is synchronising
// leaves clients without an answer, which is 30 s and more with a qdevice.
constexpr std::int64_t kDaemonPatienceMs = 60'000;

void sleep_a_little() noexcept { (void)::poll(nullptr, 0, 1); }

}  // namespace

cs_error_t Session::initialize(int interval_ms, unsigned policy_bits) noexcept {
  if (!change(State::kNew, State::kInitializing)) return CS_ERR_BAD_HANDLE;
  const auto policy = RecoveryPolicy::parse(policy_bits);
  const cs_error_t status =
      policy ? open(Settings::from(*policy, interval_ms)) : CS_ERR_INVALID_PARAM;
  state_.store(status == CS_OK ? State::kInitialized : State::kNew);
  return status;
}

cs_error_t Session::open(const Settings& settings) noexcept {
  settings_ = settings;
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
        if (const cs_error_t status = stop(); status == CS_ERR_LIBRARY) return status;
        continue;             // another thread, or a handler, may have been quicker
      case State::kStopping:  // by another thread: in this one no handler runs meanwhile
        sleep_a_little();
        continue;
      case State::kSupervising:  // a handler in the supervisor; the instances need the data
        if (change(current, State::kFinalized)) return CS_OK;
        continue;
      case State::kInitialized:
      case State::kRegistered:
      case State::kStarting:
        if (!change(current, State::kFinalized)) continue;
        close();
        return CS_OK;
      default:
        return CS_ERR_BAD_HANDLE;
    }
  }
}

cs_error_t Session::register_process(unsigned* instance_id) noexcept {
  if (!change(State::kInitialized, State::kSupervising)) return CS_ERR_BAD_HANDLE;
  const int error = errno;
  const cs_error_t status = supervise(instance_id);
  if (status == CS_OK) {
    errno = error;  // the supervisor's may be years old, and is nothing to an instance
  } else {
    store_.take_back(false);  // the process may become a daemon yet
    (void)change(State::kSupervising, State::kInitialized);
  }
  return status;
}

cs_error_t Session::supervise(unsigned* instance_id) noexcept {
  if (const cs_error_t status = own_quorum_connection(); status != CS_OK) return status;
  if (const cs_error_t status = store_.share(); status != CS_OK) return status;
  Supervisor supervisor(settings_, quorum_, store_, warn_signal_);
  const cs_error_t status = supervisor.prepare(Deadline::in_milliseconds(kDaemonPatienceMs));
  if (status != CS_OK) {
    store_.take_back(true);
    return status;
  }
  auto life = supervisor.run();
  if (!life) return CS_ERR_LIBRARY;
  quorum_.drop();
  active_.begin(std::move(life->ends), life->instance_id, settings_);
  state_.store(State::kRegistered);
  if (instance_id != nullptr) *instance_id = life->instance_id;
  return CS_OK;
}

// A process that has become a daemon since sam_initialize is not the one that connected.
cs_error_t Session::own_quorum_connection() noexcept {
  if (!settings_.policy.needs_quorum() || quorum_.is_ours()) return CS_OK;
  return quorum_.connect(Deadline::in_milliseconds(kDaemonPatienceMs));
}

// Signals are let in: with quorum it may take for ever.
cs_error_t Session::start() noexcept {
  const CancelGuard guard;
  if (!change(State::kRegistered, State::kStarting)) return CS_ERR_BAD_HANDLE;
  cs_error_t status = thread_.prepare();
  if (status == CS_OK) status = active_.ask(Command::kStart);
  if (status != CS_OK) {
    (void)change(State::kStarting, State::kRegistered);
    return status;
  }
  if (!change(State::kStarting, State::kStarted)) {  // finalised meanwhile
    (void)active_.ask(Command::kStop);
    return CS_ERR_BAD_HANDLE;
  }
  thread_.start();
  return CS_OK;
}

// First it waits for a callback, with signals let in. Then they wait: a handler may stop or
// finalise as well, and could not wait for what it interrupted.
cs_error_t Session::stop() noexcept {
  if (state() != State::kStarted) return CS_ERR_BAD_HANDLE;
  const CancelGuard cancel;
  thread_.stop();
  const SignalGuard signals;
  if (!change(State::kStarted, State::kStopping)) return CS_ERR_BAD_HANDLE;
  thread_.halt();  // another thread may have stopped and started meanwhile
  const cs_error_t status = active_.ask(Command::kStop);
  state_.store(status == CS_OK ? State::kRegistered : State::kStarted);
  if (status != CS_OK) thread_.start();
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
  return is_active(current) ? active_.tell(Command::kWarnSignal, number) : CS_OK;
}

cs_error_t Session::set_callback(sam_hc_callback_t callback) noexcept {
  const State current = state();
  if (!is_active(current) || is_started(current)) return CS_ERR_BAD_HANDLE;
  if (!settings_.allows_callback) return CS_ERR_INVALID_PARAM;
  return thread_.set_callback(callback, settings_.interval);
}

cs_error_t Session::data_size(std::size_t* size) noexcept {
  if (!is_open(state())) return CS_ERR_BAD_HANDLE;
  const auto stored = store_.size();
  if (stored) *size = *stored;
  return stored.error();
}

cs_error_t Session::restore_data(void* data, std::size_t room) noexcept {
  return is_open(state()) ? store_.restore(data, room) : CS_ERR_BAD_HANDLE;
}

cs_error_t Session::store_data(const void* data, std::size_t size) noexcept {
  const State current = state();
  if (!is_open(current)) return CS_ERR_BAD_HANDLE;
  if (!is_active(current)) return store_.store(data, size);
  const auto is_current = [](const void* active) noexcept {
    return static_cast<const Active*>(active)->is_current();
  };
  return store_.store(data, size, {is_current, &active_});
}

}  // namespace cs::sam
