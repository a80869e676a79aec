// SPDX-License-Identifier: BSD-3-Clause
// Keeps a thread to itself for a few system calls: no signal handler, no cancellation.
#ifndef CS_SAM_SIGNAL_GUARD_H
#define CS_SAM_SIGNAL_GUARD_H

#include <pthread.h>
#include <signal.h>

namespace cs::sam {

// While it lives the calling thread is not cancelled. A cancellation inside one of our system calls
// would unwind past a lock or leave a flag set.
class CancelGuard {
 public:
  CancelGuard() noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &previous_); }
  ~CancelGuard() { let_in(); }

  // For a wait in between, as the thread had it before.
  void let_in() const noexcept { pthread_setcancelstate(previous_, nullptr); }
  void shut_out() const noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr); }

  CancelGuard(const CancelGuard&) = delete;
  CancelGuard& operator=(const CancelGuard&) = delete;

 private:
  int previous_ = 0;
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
