// SPDX-License-Identifier: BSD-3-Clause
// The record of each thread, and cleaning up after calls that never returned.
#include "ipc/in_flight.h"

#include <cerrno>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>
#include <utility>

#ifndef __GLIBC_PREREQ
#define __GLIBC_PREREQ(major, minor) 0
#endif
#if __GLIBC_PREREQ(2, 32)
#include <sys/single_threaded.h>
#endif

#include "common/sanitizer.h"
#include "ipc/connection.h"
#include "ipc/jumps.h"

namespace cs::ipc {

constinit thread_local InFlight in_flight CS_THREAD_MODEL;

namespace {

using State = InFlight::State;

// The caller's cancellation state is not known (yet): there is nothing to restore.
constexpr int kUnknown = -1;

enum class Key { kNone, kMade, kGone };

// One for the library; set once, before anything else here is used.
constinit struct {
  Mutex mutex;
  std::atomic<bool> counts_forks = false;
  std::atomic<bool> prepared = false;
  std::atomic<Key> key_state = Key::kNone;
  pthread_key_t key = 0;
  sigset_t signals;  // the signals that a Section holds off
  void (*drop_use)(Use) = nullptr;
  void (*after_fork)() = nullptr;
  std::atomic<unsigned> forks = 0;
  std::atomic<bool> jumps = false;  // the program may jump
} shared{};

// Gives back what the record holds. Call it only where this thread cannot vanish.
void clean_up() noexcept {
  InFlight& me = in_flight;
  const int error = errno;
  me.state = State::kIdle;
  ++me.generation;
  drop_half_connection();
  if (auto* const asked = std::exchange(me.asked, nullptr)) asked->forget(me.ticket);
  if (auto* const requesting = std::exchange(me.requesting, nullptr)) requesting->abandon_request();
  if (auto* const receiving = std::exchange(me.receiving, nullptr)) receiving->abandon_event();
  if (const Use use = std::exchange(me.use, 0); use != 0) shared.drop_use(use);
  errno = error;
}

// Then no other thread could cancel it.
bool is_only_thread() noexcept {
#if __GLIBC_PREREQ(2, 32)
  return __libc_single_threaded != 0;
#else
  return false;
#endif
}

// The type as well: glibc's handler for asynchronous cancellation looks at nothing else, so a
// cancellation that is already on its way would come through. glibc's own waiting calls set that
// type for a moment; so the first of them is made here, where nothing is held, and lets it arrive.
void hold_off_cancellation() noexcept {
  in_flight.cancel_state = in_flight.cancel_type = kUnknown;
  if (is_only_thread()) return;
  ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &in_flight.cancel_state);
  ::pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &in_flight.cancel_type);
  if (in_flight.cancel_type == PTHREAD_CANCEL_ASYNCHRONOUS) ::poll(nullptr, 0, 0);
}

void let_cancellation_in() noexcept {
  const int type = in_flight.cancel_type;
  if (in_flight.cancel_state == kUnknown) return;
  ::pthread_setcancelstate(in_flight.cancel_state, nullptr);
  if (type != kUnknown) ::pthread_setcanceltype(type, nullptr);
}

// A call of this thread never returned, and the thread goes on: it must have jumped.
void clean_up_after_jump() noexcept {
  shared.jumps.store(true, std::memory_order_release);
  if (in_flight.state == State::kBare) let_cancellation_in();
  hold_off_cancellation();
  clean_up();
  let_cancellation_in();
}

void at_thread_end(void*) noexcept {
  forget_skipped_frames();
  InFlight& me = in_flight;
  sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, &shared.signals, &before);
  me.armed = false;
  if (me.state == State::kBare || me.state == State::kOpen) clean_up();
  for (Use& use : me.callbacks) {
    if (use != 0) shared.drop_use(std::exchange(use, 0));
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// Runs in the child, which has only this thread.
void at_fork() noexcept {
  const unsigned forks = shared.forks.fetch_add(1, std::memory_order_relaxed) + 1;
  in_flight.token = Mutex::make_token(forks);
  if (shared.after_fork != nullptr) shared.after_fork();
}

// Before a lock is taken: in the child of a fork its holder is not there, and only the count tells.
// Threads that come here at once may make forks count twice, which does no harm.
void count_forks() noexcept {
  if (shared.counts_forks.load(std::memory_order_acquire)) return;
  ::pthread_atfork(nullptr, nullptr, at_fork);
  shared.counts_forks.store(true, std::memory_order_release);
}

// All signals except those that report a fault of the thread itself: the kernel kills the process
// for such a fault if its signal is held off.
void choose_signals() noexcept {
  ::sigfillset(&shared.signals);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT}) {
    ::sigdelset(&shared.signals, fault);
  }
}

// If no key can be made, the end of a thread goes unnoticed, and its uses are never given back.
void make_key() noexcept {
  if (::pthread_key_create(&shared.key, at_thread_end) == 0) shared.key_state = Key::kMade;
}

// A thread that ends after the library has been unloaded must not call it. At the end of the
// process no thread needs to.
[[gnu::destructor]] void forget_key() noexcept {
  if (shared.key_state.exchange(Key::kGone) == Key::kMade) ::pthread_key_delete(shared.key);
}

}  // namespace

void prepare(void (*drop_use)(Use), void (*after_fork)()) noexcept {
  if (shared.prepared.load(std::memory_order_acquire)) return look_for_jumps();
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, &before);
  count_forks();
  shared.mutex.lock(self());
  if (!shared.prepared.load(std::memory_order_relaxed)) {
    choose_signals();
    make_key();
    shared.drop_use = drop_use;
    shared.after_fork = after_fork;
    shared.prepared.store(true, std::memory_order_release);
  }
  shared.mutex.unlock(self());
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  look_for_jumps();
}

// In this state libqb leaves the descriptor open. This order leaks nothing.
void drop_half_connection() noexcept {
  auto* const half = std::exchange(in_flight.half, nullptr);
  if (half == nullptr) return;
  const int error = errno;
  qb_ipcc_disconnect(half);
  ::close(in_flight.half_fd);
  errno = error;
}

Mutex::Token self_slowly() noexcept { return in_flight.token = Mutex::make_token(forks()); }

unsigned forks() noexcept { return shared.forks.load(std::memory_order_relaxed); }

void look_for_jumps() noexcept {
  if (shared.jumps.load(std::memory_order_acquire)) return;
  sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, &shared.signals, &before);
  if (program_can_jump()) shared.jumps.store(true, std::memory_order_release);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void arm_slowly() noexcept {
  if (shared.key_state.load(std::memory_order_acquire) != Key::kMade) return;
  in_flight.armed = ::pthread_setspecific(shared.key, &in_flight) == 0;
}

namespace {

bool is_within(Section::Place place) noexcept {
  const InFlight& me = in_flight;
  return me.state == State::kInside ||
         (place == Section::Place::kWithin && me.state == State::kBare && me.use != 0);
}

}  // namespace

// Cancellation is looked at before anything is held. Signals are held off first and let in last. At
// each step at which a bare section can be left, the record says so.
Section::Section(Place place) noexcept : outermost_(!is_within(place)) {
  if (!outermost_) return;
  ::pthread_testcancel();
  InFlight& me = in_flight;
  const bool left = me.state != State::kIdle;
  if (left || shared.jumps.load(std::memory_order_acquire)) hold_off_signals();
  if (left) clean_up_after_jump();
  me.section = this;
  me.cancel_state = me.cancel_type = kUnknown;
  if (!masked_) {
    arm();
    me.state = State::kBare;
  }
  hold_off_cancellation();
  if (masked_) me.state = State::kInside;
}

Section::~Section() {
  if (!outermost_) return;
  let_cancellation_in();
  in_flight.state = State::kIdle;
  let_signals_in();
}

void Section::mask() noexcept {
  if (in_flight.state != State::kBare) return;
  in_flight.section->hold_off_signals();
  in_flight.state = State::kInside;
}

void Section::hold_off_signals() noexcept {
  ::pthread_sigmask(SIG_BLOCK, &shared.signals, &mask_);
  masked_ = true;
}

void Section::let_signals_in() noexcept {
  if (masked_) ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
}

Opening::Opening() noexcept
    : state_(in_flight.state), section_(in_flight.section), generation_(in_flight.generation) {
  if (state_ == State::kIdle) return;
  arm();
  in_flight.state = State::kOpen;
  let_cancellation_in();
  section_->let_signals_in();
}

bool Opening::close() noexcept {
  if (state_ == State::kIdle) return true;
  InFlight& me = in_flight;
  if (state_ == State::kBare) {
    me.state = state_;
  } else {
    section_->hold_off_signals();
  }
  hold_off_cancellation();
  me.state = state_;
  me.section = section_;
  return me.generation == generation_;
}

bool breathe() noexcept {
  Opening opening;
  ::pthread_testcancel();
  return opening.close();
}

CallbackScope::CallbackScope() noexcept
    : state_(in_flight.state), section_(in_flight.section), use_(std::exchange(in_flight.use, 0)) {
  for (place_ = 0; place_ < InFlight::kMaxCallbacks; ++place_) {
    if (in_flight.callbacks[place_] != 0) continue;
    in_flight.callbacks[place_] = use_;
    break;
  }
  arm();
  in_flight.state = State::kIdle;
  let_cancellation_in();
  section_->let_signals_in();
}

CallbackScope::~CallbackScope() {
  InFlight& me = in_flight;
  if (state_ == State::kBare) {
    me.cancel_state = me.cancel_type = kUnknown;
    me.state = state_;
  } else {
    section_->hold_off_signals();
  }
  hold_off_cancellation();
  me.section = section_;
  if (place_ < InFlight::kMaxCallbacks) me.callbacks[place_] = 0;
  me.use = use_;
  me.state = state_;
}

}  // namespace cs::ipc
