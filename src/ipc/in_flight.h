// SPDX-License-Identifier: BSD-3-Clause
// Records what a thread holds while it is inside a call, so that it can be given back if the thread
// never returns.
//
// A thread can vanish from a call: it is cancelled, a callback calls pthread_exit or throws, or a
// signal handler leaves it by siglongjmp. No destructor of ours runs then. So:
// - A Section switches cancellation off, and holds signals off, while something is half done.
//   libqb's rings are, during a receive: a jump there would leave a message counted but not taken,
//   for ever.
// - An Opening lets both in where a call waits. No lock is held there, and everything that is held
//   is in the thread's record.
// - The next call of a thread that has vanished, or its end, cleans up after it.
//
// Holding signals off takes two system calls, up to a fifth of a request. A program that has no
// means to jump (see jumps.h) is spared them: its Sections are bare. If it jumps nevertheless, the
// record still frees its locks, and a connection with something half done is given up rather than
// trusted. From then on no Section is bare.
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

// A number for something that is counted as in use; 0 is none.
using Use = std::uint64_t;

// One for each thread, which alone uses it. All zero at the thread's start.
struct InFlight {
  enum class State : std::uint8_t {
    kIdle,    // outside, or in a callback
    kInside,  // it cannot vanish
    kBare,    // it can vanish
    kOpen,    // waiting; it can vanish
  };
  static constexpr unsigned kMaxCallbacks = 8;

  State state = State::kIdle;
  bool armed = false;                    // the thread's end will be noticed
  int cancel_state = 0;                  // the caller's, while ours is "disabled" ...
  int cancel_type = 0;                   // ... and "deferred"
  unsigned generation = 0;               // counts the calls that were cleaned up after
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
// Every thread has it from its start: using it needs no call and no memory.
#define CS_THREAD_MODEL __attribute__((tls_model("initial-exec")))
#else
#define CS_THREAD_MODEL  // with that model musl could not load us later
#endif
extern constinit thread_local InFlight in_flight CS_THREAD_MODEL;

// Call before the first Section; later calls cost nothing. drop_use gives back what a vanished call
// used. after_fork runs in every child of a fork. Either may be null.
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

// Looks again whether this program has the means to jump: it may have been loaded since.
void look_for_jumps() noexcept;

// Notices this thread's end from now on.
void arm_slowly() noexcept;
inline void arm() noexcept {
  if (!in_flight.armed) arm_slowly();
}

// Lasts from entering the library to leaving it. First cleans up after a call of this thread that
// never returned.
class Section {
 public:
  enum class Place {
    kEntry,   // of the library
    kWithin,  // does nothing where the call already has a Section and a use
  };

  explicit Section(Place place) noexcept;
  ~Section();
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

  // If this thread's Section is bare, makes it hold signals off: for what is rare or long.
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

// Lets signals and cancellation in, from construction to close(). Make it with no lock held, and
// with everything that is held in the record. Outside of a Section it does nothing.
class Opening {
 public:
  Opening() noexcept;
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;

  // False when the record is no longer ours: a signal handler has called the library, which assumed
  // that this call would never return and gave back what it held. None of that may be touched.
  [[nodiscard]] bool close() noexcept;

 private:
  const InFlight::State state_;
  Section* const section_;
  const unsigned generation_;
};

// An Opening between two waits, in which the thread is also cancelled if it is to end.
[[nodiscard]] bool breathe() noexcept;

// While a callback runs the thread counts as outside the library, and its use is put aside. If the
// callback never returns, the use is given back at the end of the thread.
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
