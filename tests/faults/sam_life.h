// SPDX-License-Identifier: BSD-3-Clause
// The life of a SAM application that takes no refusal for the last word: what fails it calls again
// until it succeeds. Whatever goes wrong on the way, it has to end with kLivedToTheEnd, having
// crashed and hung once and found its data each time.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <functional>

#include <corosync/corotypes.h>
#include <corosync/sam.h>

namespace cs::faults {

enum class Step : unsigned {
  kInitialize,
  kRegister,
  kCallback,
  kStart,
  kHealthCheck,
  kStore,
  kGetsize,
  kRestore,
  kWarnSignal,
  kStop,
  kFinalize,
};

// What the next instance has to do.
enum class Phase : unsigned { kCrash, kHang, kStop, kDone };

inline constexpr int kLivedToTheEnd = 42;
inline constexpr int kBroken = 43;

// Lies in memory that the test shares with all processes of the application. Says what happened;
// nothing that the application decides depends on what SAM says of it.
struct Ledger {
  struct Refusal {
    Step step;
    cs_error_t status;
    int error;
    pid_t process;
  };
  struct Complaint {  // what must never be
    const char* text;
    long value;
    pid_t process;
  };

  std::atomic<pid_t> application = 0;  // the first process; becomes the supervisor
  std::atomic<pid_t> active = 0;       // the latest that returned from sam_register with CS_OK
  std::atomic<unsigned> lives = 0;     // so many have
  std::atomic<Phase> phase = Phase::kCrash;
  std::atomic<unsigned> stored = 0;   // the store that was acknowledged last, counted from 1
  std::atomic<unsigned> storing = 0;  // the one that has begun since; 0: none
  std::atomic<unsigned> warnings = 0;
  std::atomic<unsigned> callbacks = 0;
  std::atomic<unsigned> descriptors = 0;  // that the first instance had

  std::atomic<unsigned> refused = 0;
  Refusal refusals[64] = {};
  std::atomic<unsigned> complained = 0;
  Complaint complaints[16] = {};

  void note_refusal(Step step, cs_error_t status, int error);
  void complain(const char* text, long value = 0);
};

// Where a test can step in.
enum class Moment {
  kBegin,        // before sam_initialize
  kInitialized,  // before sam_register
  kRefused,      // a call has failed
  kRegistered,   // in each instance
  kCrash,        // the instance will kill itself
};

struct Way {
  int interval_ms = 100;
  unsigned policy = SAM_RECOVERY_POLICY_RESTART;
  int error = 0;             // errno of each CS_ERR_LIBRARY that says "see errno"; 0: any
  unsigned may_be_lost = 0;  // descriptors that a library below ours may forget
  std::function<void(Moment)> hook = [](Moment) {};  // in the application's processes
  std::function<void(const Ledger&)> watch = [](const Ledger&) {};  // in the test, every few ms
};

// In a process of its own, the first of the application. Everything here is a call of SAM, or one
// that no plan concerns.
[[noreturn]] void live(Ledger& ledger, const Way& way);

}  // namespace cs::faults
