// SPDX-License-Identifier: BSD-3-Clause
// Keeps signal handlers and cancellation away from a thread for a few system calls. Where both are
// held off, signals come first: a handler that left by siglongjmp would leave cancellation
// disabled.
#ifndef CS_SAM_SIGNAL_GUARD_H
#define CS_SAM_SIGNAL_GUARD_H

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

namespace cs::sam {

// While this lives the calling thread is not cancelled. A cancellation inside one of our system
// calls would unwind past a lock or leave a flag set.
class CancelGuard {
 public:
  CancelGuard() noexcept {
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state_);
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type_);
    // An asynchronous cancellation may already be on its way, as a signal. Its handler in glibc
    // 2.36 looks at the type alone, and the type changes in each call that may wait. Such a call
    // lets it arrive.
    if (type_ == PTHREAD_CANCEL_ASYNCHRONOUS) (void)::poll(nullptr, 0, 0);
  }
  ~CancelGuard() {
    pthread_setcanceltype(type_, nullptr);
    pthread_setcancelstate(state_, nullptr);
  }
  [[nodiscard]] int previous() const noexcept { return state_; }
  CancelGuard(const CancelGuard&) = delete;
  CancelGuard& operator=(const CancelGuard&) = delete;

 private:
  int state_ = 0;
  int type_ = 0;
};

// While this lives the calling thread handles no signal, so that a handler never meets a lock held
// by the code that it interrupted. Except SIGSYS: a filter that lets the application's handler
// answer a system call would end the process instead.
class SignalGuard {
 public:
  SignalGuard() noexcept {
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, SIGSYS);
    pthread_sigmask(SIG_BLOCK, &all, &previous_);
  }
  ~SignalGuard() { pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }
  [[nodiscard]] const sigset_t& previous() const noexcept { return previous_; }
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;

 private:
  sigset_t previous_;
};

// For a call that waits. While this lives the calling thread is neither cancelled nor interrupted,
// except in wait(). A thread that leaves the call, by cancellation or by siglongjmp from a signal
// handler, leaves it there, where everything is in order.
class CallGuard {
 public:
  // lets_cancel: whether a cancelled thread is cleaned up after.
  explicit CallGuard(bool lets_cancel) noexcept : lets_cancel_(lets_cancel) {}

  // As poll(2), with signals and cancellation as the thread had them before.
  int wait(pollfd* entry, int timeout_ms) const noexcept {
    const timespec limit{timeout_ms / 1000, timeout_ms % 1000 * 1'000'000L};
    if (lets_cancel_) pthread_setcancelstate(cancel_.previous(), nullptr);
    const int ready = ::ppoll(entry, 1, timeout_ms < 0 ? nullptr : &limit, &signals_.previous());
    if (lets_cancel_) pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
    return ready;
  }

 private:
  SignalGuard signals_;
  CancelGuard cancel_;
  const bool lets_cancel_;
};

}  // namespace cs::sam

#endif
