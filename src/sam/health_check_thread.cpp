// SPDX-License-Identifier: BSD-3-Clause
// The thread behind sam_hc_callback_register.
#include "sam/health_check_thread.h"

#include <algorithm>
#include <cerrno>
#include <signal.h>

namespace cs::sam {
namespace {

constexpr std::size_t kStackSize = 256 * 1024;  // enough for a callback that prints
constexpr Nanoseconds kShortestPause = kNanosecondsPerMillisecond;
constexpr unsigned kChecksPerInterval = 4;

// Signals are for the application's own threads, but for those that tell of an error in this one:
// a handler for crashes must run, and SIGPIPE is how the loss of the supervisor ends the process.
sigset_t blocked_signals() noexcept {
  sigset_t signals;
  sigfillset(&signals);
  for (const int number : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGPIPE, SIGSEGV, SIGSYS, SIGTRAP}) {
    sigdelset(&signals, number);
  }
  return signals;
}

// A thread begins with the mask of the one that makes it.
int create_with_mask(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*),
                     void* argument) noexcept {
  const sigset_t blocked = blocked_signals();
  sigset_t previous;
  pthread_sigmask(SIG_SETMASK, &blocked, &previous);
  const int error = pthread_create(thread, attributes, body, argument);
  pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  return error;
}

void use_monotonic_clock(pthread_cond_t* condition) noexcept {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(condition, &attributes);
  pthread_condattr_destroy(&attributes);
}

}  // namespace

cs_error_t HealthCheckThread::set_callback(sam_hc_callback_t callback,
                                           Nanoseconds interval) noexcept {
  const MutexLock lock(mutex_);
  if (callback == nullptr && !has_thread_) return CS_ERR_INVALID_PARAM;
  interval_ = interval;
  if (!has_thread_) {
    if (const cs_error_t status = make_thread(); status != CS_OK) return status;
  }
  callback_ = callback;
  has_failed_ = false;
  return CS_OK;
}

cs_error_t HealthCheckThread::make_thread() noexcept {
  use_monotonic_clock(&changed_);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackSize);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  const int error = create_with_mask(&thread_, &attributes, &HealthCheckThread::run, this);
  pthread_attr_destroy(&attributes);
  has_thread_ = error == 0;
  if (has_thread_) return CS_OK;
  errno = error;
  return CS_ERR_LIBRARY;
}

void HealthCheckThread::start() noexcept {
  const MutexLock lock(mutex_);
  started_ = true;
  ++round_;
  if (has_thread_) pthread_cond_broadcast(&changed_);
}

void HealthCheckThread::stop() noexcept {
  const MutexLock lock(mutex_);
  started_ = false;
  ++round_;
  if (!has_thread_) return;
  pthread_cond_broadcast(&changed_);
  if (pthread_equal(pthread_self(), thread_)) return;
  const Nanoseconds limit = monotonic_now() + interval_ / 2;
  while (in_callback_ && monotonic_now() < limit) wait_until(limit);
}

void* HealthCheckThread::run(void* self) noexcept { static_cast<HealthCheckThread*>(self)->loop(); }

void HealthCheckThread::loop() noexcept {
  mutex_.lock();
  for (;;) {
    while (!is_wanted()) pthread_cond_wait(&changed_, mutex_.native());
    check_until_stopped();
  }
}

// The mutex is held, but for the time of the checks.
void HealthCheckThread::check_until_stopped() noexcept {
  const std::uint64_t round = round_;
  const Nanoseconds pause = std::max(interval_ / kChecksPerInterval, kShortestPause);
  Nanoseconds tick = monotonic_now() + pause;
  unsigned checks = 0;
  while (wait_for_tick(tick, round)) {
    mutex_.unlock();
    send_();
    mutex_.lock();
    if (++checks % kChecksPerInterval == 0 && round == round_) ask_callback();
    tick = std::max(tick + pause, monotonic_now() + kShortestPause);
  }
}

// False when the round has ended.
bool HealthCheckThread::wait_for_tick(Nanoseconds when, std::uint64_t round) noexcept {
  while (round == round_ && is_wanted()) {
    if (monotonic_now() >= when) return true;
    wait_until(when);
  }
  return false;
}

void HealthCheckThread::ask_callback() noexcept {
  const sam_hc_callback_t callback = callback_;
  if (callback == nullptr) return;
  in_callback_ = true;
  mutex_.unlock();
  const bool healthy = callback() == 0;
  mutex_.lock();
  in_callback_ = false;
  if (!healthy && callback == callback_) has_failed_ = true;
  pthread_cond_broadcast(&changed_);
}

void HealthCheckThread::wait_until(Nanoseconds when) noexcept {
  const timespec limit = to_timespec(when);
  pthread_cond_timedwait(&changed_, mutex_.native(), &limit);
}

}  // namespace cs::sam
