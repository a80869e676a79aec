// SPDX-License-Identifier: BSD-3-Clause
// The thread's loop, and how other threads steer it. It exists only in the active process, after
// sam_hc_callback_register.
#include "sam/active/health_check_thread.h"

#include <algorithm>
#include <cerrno>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/futex.h"

namespace cs::sam {
namespace {

// Enough for a callback that prints; less where memory is locked and the limit for that is low.
constexpr std::size_t kStackSizes[] = {256 * 1024, 128 * 1024, 64 * 1024, 32 * 1024};
constexpr Nanoseconds kShortestPause = kNanosecondsPerMillisecond;
// A check also finds out whether the supervisor lives.
constexpr Nanoseconds kLongestPause = 1000 * kNanosecondsPerMillisecond;
constexpr Nanoseconds kLeastChecksPerCall = 4;
constexpr Nanoseconds kPatience = 200 * kNanosecondsPerMillisecond;
constexpr Nanoseconds kForGood = 3600 * 1000 * kNanosecondsPerMillisecond;

// Signals are for the application's own threads, except those that report an error in this one: a
// crash handler must run, and SIGPIPE is how the loss of the supervisor ends the process.
void block_signals() noexcept {
  sigset_t signals;
  sigfillset(&signals);
  for (const int number : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGPIPE, SIGSEGV, SIGSYS, SIGTRAP}) {
    sigdelset(&signals, number);
  }
  pthread_sigmask(SIG_SETMASK, &signals, nullptr);
}

// A callback may end the thread: it may call pthread_exit or be cancelled.
bool call(sam_hc_callback_t callback, const sigset_t& mask, void (*ended)(void*),
          void* argument) noexcept {
  int answer = 0;
  pthread_cleanup_push(ended, argument);
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  answer = callback();
  block_signals();
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
  pthread_cleanup_pop(0);
  return answer == 0;
}

}  // namespace

cs_error_t HealthCheckThread::set_callback(sam_hc_callback_t callback,
                                           Nanoseconds interval) noexcept {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  const SignalSafeLockGuard guard(lock_);
  if (callback == nullptr && !was_set_) return CS_ERR_INVALID_PARAM;
  interval_ = interval;
  if (callback != nullptr && interval > 0 && home_ != guard.owner()) {
    if (const cs_error_t status = make_thread(guard.owner()); status != CS_OK) return status;
  }
  was_set_ = true;
  callback_ = callback;
  callback_mask_ = mask;
  has_failed_ = false;
  changed();  // another thread may have started meanwhile
  return CS_OK;
}

cs_error_t HealthCheckThread::prepare() noexcept {
  const SignalSafeLockGuard guard(lock_);
  return make_missing_thread(guard.owner());
}

cs_error_t HealthCheckThread::make_missing_thread(pid_t self) noexcept {
  const bool is_missing = callback_ != nullptr && interval_ > 0 && !has_failed_ && home_ != self;
  return is_missing ? make_thread(self) : CS_OK;
}

// The thread starts with all signals blocked, as they are now.
cs_error_t HealthCheckThread::make_thread(pid_t self) noexcept {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  int error = EINVAL;
  for (const std::size_t size : kStackSizes) {
    if (pthread_attr_setstacksize(&attributes, size) != 0) break;
    error = pthread_create(&thread_, &attributes, &HealthCheckThread::run, this);
    if (error == 0) break;
  }
  pthread_attr_destroy(&attributes);
  if (error != 0) {
    errno = error;
    return CS_ERR_LIBRARY;
  }
  home_ = self;
  in_callback_ = false;
  return CS_OK;
}

void HealthCheckThread::start() noexcept {
  const SignalSafeLockGuard guard(lock_);
  started_ = true;
  is_cut_off_ = false;
  ++round_;
  changed();
}

void HealthCheckThread::halt() noexcept {
  const SignalSafeLockGuard guard(lock_);
  started_ = false;
  ++round_;
  changed();
}

void HealthCheckThread::wait_for_callback() noexcept {
  Nanoseconds now = monotonic_now();
  const Nanoseconds limit = now + kPatience;
  for (; now < limit; now = monotonic_now()) {
    std::uint32_t seen;
    {
      const SignalSafeLockGuard guard(lock_);
      if (home_ != guard.owner() || !in_callback_ || started_) return;
      if (pthread_equal(pthread_self(), thread_) != 0) return;
      seen = changes_;
    }
    futex_wait(changes_, seen, FutexScope::kProcess, limit - now);
  }
}

// With the lock held.
void HealthCheckThread::changed() noexcept {
  ++changes_;
  futex_wake(changes_, FutexScope::kProcess);
}

void* HealthCheckThread::run(void* self) noexcept { static_cast<HealthCheckThread*>(self)->loop(); }

// A new thread can be made after this. This callback is not called again: ending its thread counts
// as its answer. One that has taken its place meanwhile gets a thread, if it is to be called.
void HealthCheckThread::thread_ended(void* self) noexcept {
  auto& thread = *static_cast<HealthCheckThread*>(self);
  const SignalSafeLockGuard guard(thread.lock_);
  thread.home_ = 0;
  thread.in_callback_ = false;
  if (thread.running_ == thread.callback_) thread.has_failed_ = true;
  if (thread.started_) (void)thread.make_missing_thread(guard.owner());
  thread.changed();
}

void HealthCheckThread::loop() noexcept {
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
  block_signals();
  (void)::prctl(PR_SET_NAME, "sam-health");
  for (;;) check_until_stopped(wait_until_wanted());
}

HealthCheckThread::Round HealthCheckThread::wait_until_wanted() noexcept {
  for (;;) {
    std::uint32_t seen;
    {
      const SignalSafeLockGuard guard(lock_);
      if (is_wanted()) return {round_, interval_};
      seen = changes_;
    }
    futex_wait(changes_, seen, FutexScope::kProcess, kForGood);
  }
}

void HealthCheckThread::check_until_stopped(const Round& round) noexcept {
  const Nanoseconds seconds = (round.interval + kLongestPause - 1) / kLongestPause;
  const Nanoseconds checks_per_call = std::max(kLeastChecksPerCall, seconds);
  const Nanoseconds pause = std::max(round.interval / checks_per_call, kShortestPause);
  Nanoseconds tick = monotonic_now() + pause;
  Nanoseconds checks = 0;
  while (wait_for_tick(tick, round.number) && send_check(round.number)) {
    if (++checks % checks_per_call == 0) ask_callback(round.number);
    tick = std::max(tick + pause, monotonic_now() + kShortestPause);
  }
}

// False when the round has ended.
bool HealthCheckThread::wait_for_tick(Nanoseconds when, std::uint64_t round) noexcept {
  for (;;) {
    std::uint32_t seen;
    {
      const SignalSafeLockGuard guard(lock_);
      if (round != round_ || !is_wanted()) return false;
      seen = changes_;
    }
    const Nanoseconds now = monotonic_now();
    if (now >= when) return true;
    futex_wait(changes_, seen, FutexScope::kProcess, when - now);
  }
}

bool HealthCheckThread::send_check(std::uint64_t round) noexcept {
  if (send_(context_) == CS_OK) return true;
  const SignalSafeLockGuard guard(lock_);
  if (round == round_) is_cut_off_ = true;
  return false;
}

void HealthCheckThread::ask_callback(std::uint64_t round) noexcept {
  sam_hc_callback_t callback;
  sigset_t mask;
  {
    const SignalSafeLockGuard guard(lock_);
    if (round != round_ || !is_wanted()) return;
    callback = running_ = callback_;
    mask = callback_mask_;
    in_callback_ = true;
  }
  const pid_t self = ::getpid();
  const bool healthy = call(callback, mask, &HealthCheckThread::thread_ended, this);
  // A process that the callback has forked, and that has nobody else: it must not wait here for
  // good, with all signals blocked.
  if (::getpid() != self) ::_exit(healthy ? 0 : 1);
  const SignalSafeLockGuard guard(lock_);
  in_callback_ = false;
  if (!healthy && callback == callback_) has_failed_ = true;
  changed();
}

}  // namespace cs::sam
