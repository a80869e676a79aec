// SPDX-License-Identifier: BSD-3-Clause
// Keeps a thread to itself for a few system calls: no signal handler, no cancellation.
#ifndef CS_SAM_SIGNAL_GUARD_H
#define CS_SAM_SIGNAL_GUARD_H

#include <poll.h>
#include <pthread.h>
#include <signal.h>

namespace cs::sam {

// While it lives the calling thread is not cancelled. A cancellation inside one of our system calls
// would unwind past a lock or leave a flag set.
class CancelGuard {
 public:
  CancelGuard() noexcept {
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state_);
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type_);
    // An asynchronous one may be on its way already, by a signal whose handler in glibc 2.36 looks
    // at the type alone, which changes in each call that may wait. Such a call lets it arrive.
    if (type_ == PTHREAD_CANCEL_ASYNCHRONOUS) (void)::poll(nullptr, 0, 0);
  }
  ~CancelGuard() {
    pthread_setcanceltype(type_, nullptr);
    pthread_setcancelstate(state_, nullptr);
  }
  CancelGuard(const CancelGuard&) = delete;
  CancelGuard& operator=(const CancelGuard&) = delete;

 private:
  int state_ = 0;
  int type_ = 0;
};

// While it lives no signal is handled by the calling thread, so that a handler never meets a lock
// that the code it interrupted holds.
class SignalGuard {
 public:
  SignalGuard() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &previous_);
  }
  ~SignalGuard() { pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;

 private:
  sigset_t previous_;
};

}  // namespace cs::sam

#endif
