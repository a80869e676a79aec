// SPDX-License-Identifier: BSD-3-Clause
// What a thread has in its hands while it is inside a call, so that it can be put back when the
// thread never returns from it.
//
// A thread can vanish from a call: cancelled, by pthread_exit or an exception in a callback, or by
// siglongjmp out of a signal handler. No destructor of ours runs then. So:
// - a Section switches cancellation off, and holds signals off, while things are in between
//   (libqb's rings are, during a receive: there a jump would leave a message counted, and never
//   taken);
// - an Opening lets both in where a call waits, with no lock held and everything that is held
//   written down in the thread's record;
// - whoever has vanished is cleaned up after by the same thread's next call, or at its end.
//
// Holding signals off takes two system calls, as much as a fifth of a request. A program that has
// no means to jump (see jumps.h) is spared them: its Sections are bare. Should it jump
// nevertheless, the record still frees its locks, and a connection that was in between is given up
// rather than believed; from then on no Section is bare.
#ifndef CS_IPC_IN_FLIGHT_H
#define CS_IPC_IN_FLIGHT_H

#include <atomic>
#include <csignal>
#include <cstdint>

#include <qb/qbipcc.h>

#include "common/mutex.h"

namespace cs::ipc {

class Connection;
class Section;

// A number behind which something is counted as in use; 0 is none.
using Use = std::uint64_t;

// One for each thread. Everything is for this thread only; zero at its start.
struct InFlight {
  enum class State : std::uint8_t {
    kIdle,    // outside, or in a callback
    kInside,  // nothing can make it vanish
    kBare,    // anything can
    kOpen,    // where it waits: anything can
  };
  static constexpr unsigned kMaxCallbacks = 8;

  State state = State::kIdle;
  bool armed = false;                    // its end will be noticed
  int cancel_state = 0;                  // the caller's, while ours is "disabled" ...
  int cancel_type = 0;                   // ... and "deferred"
  unsigned generation = 0;               // how many calls were cleaned up after
  Mutex::Token token = 0;                // 0: not made yet
  Section* section = nullptr;            // the one that is open
  Use use = 0;                           // held by the call
  Connection* asked = nullptr;           // has been sent a request, which is numbered ...
  std::uint64_t ticket = 0;              // ... and whose answer has not come
  Connection* requesting = nullptr;      // its requests' lock may be held
  Connection* receiving = nullptr;       // its events' lock may be held
  qb_ipcc_connection_t* half = nullptr;  // a connection that is being made ...
  int half_fd = -1;                      // ... and its descriptor
  Use callbacks[kMaxCallbacks] = {};     // held by calls that are in a callback; may have gaps
};

#ifdef __GLIBC__
// Part of what every thread has from its start: no call, no memory that would have to be had first.
#define CS_THREAD_MODEL __attribute__((tls_model("initial-exec")))
#else
#define CS_THREAD_MODEL  // musl could not load us later then
#endif
extern constinit thread_local InFlight in_flight CS_THREAD_MODEL;

// Once before the first Section; costs nothing later. drop_use gives back what a vanished call
// used; after_fork runs in every child of a fork. Either may be null.
void prepare(void (*drop_use)(Use), void (*after_fork)()) noexcept;

// Ends the connection that is being made, if there is one. Keeps errno.
void drop_half_connection() noexcept;

// The calling thread, for locks.
[[nodiscard]] Mutex::Token self_slowly() noexcept;
[[nodiscard]] inline Mutex::Token self() noexcept {
  return in_flight.token != 0 ? in_flight.token : self_slowly();
}

// How many forks away from the process that loaded us.
[[nodiscard]] unsigned forks() noexcept;

// Looks again whether this program has the means to jump, which may have been loaded meanwhile.
void look_for_jumps() noexcept;

// Notices this thread's end from now on.
void arm_slowly() noexcept;
inline void arm() noexcept {
  if (!in_flight.armed) arm_slowly();
}

// From entering to leaving the library. Cleans up first after a call of this thread that never
// returned.
class Section {
 public:
  enum class Place {
    kEntry,   // of the library
    kWithin,  // does nothing where the call has a Section already, and a use
  };

  explicit Section(Place place) noexcept;
  ~Section();
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

  // Makes the one that this thread is in hold signals off, if it is bare: for what is rare or long.
  static void mask() noexcept;

 private:
  friend class Opening;
  friend class CallbackScope;

  void hold_off_signals() noexcept;
  void let_signals_in() noexcept;

  const bool outermost_;
  bool masked_ = false;
  sigset_t mask_;  // the caller's, while ours is set
};

// Lets signals and cancellation in, from construction to close(). To be made with no lock held, and
// with all that is held in the record. Outside of sections nothing happens.
class Opening {
 public:
  Opening() noexcept;
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;

  // False when the record is no longer ours: a signal handler has called us, which took this call
  // for one that will never return, and gave back what it held. Nothing of it may be touched.
  [[nodiscard]] bool close() noexcept;

 private:
  const InFlight::State state_;
  Section* const section_;
  const unsigned generation_;
};

// Opens and closes, with a look whether this thread is to end: between two waits.
[[nodiscard]] bool breathe() noexcept;

// While a callback runs: as if outside, with the use put aside. If it never returns, the use is
// given back at the end of the thread.
class CallbackScope {
 public:
  CallbackScope() noexcept;
  ~CallbackScope();
  CallbackScope(const CallbackScope&) = delete;
  CallbackScope& operator=(const CallbackScope&) = delete;

 private:
  const InFlight::State state_;
  Section* const section_;
  const Use use_;
  unsigned place_;
};

}  // namespace cs::ipc

#endif
