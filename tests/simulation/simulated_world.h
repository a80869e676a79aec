// SPDX-License-Identifier: BSD-3-Clause
// The world of a simulated supervisor. Time moves at each call, and what is due by then happens;
// now and then the supervisor, or everything, stands still meanwhile.
#pragma once

#include <optional>
#include <utility>

#include "sam/shared/policy.h"
#include "sam/supervisor/world.h"
#include "simulation/application.h"
#include "simulation/daemon.h"
#include "simulation/excuses.h"
#include "simulation/invariants.h"
#include "simulation/random.h"
#include "simulation/trace.h"
#include "simulation/wires.h"

namespace cs::sam::simulation {

// How hard this world is to live in; each number: once in so many times, 0 for never.
struct Hardship {
  int freezes = 0;  // of calls
  int failing_forks = 0;
  int failing_pipes = 0;
  int failing_pidfds = 0;
  int full_replies = 0;
  int stolen_deaths = 0;  // a child is reaped by somebody else
  int broken_waits = 0;
  bool has_steady_daemon = false;
  int lives = 8;

  static Hardship choose(Random& random);
};

class SimulatedWorld : public World {
 public:
  SimulatedWorld(Random& random, Trace& trace, const Settings& settings, const Hardship& hardship,
                 const OperatorSettings& asked);

  [[nodiscard]] Invariants& invariants() { return invariants_; }
  [[nodiscard]] unsigned lives() const { return application_.instance(); }
  [[nodiscard]] Nanoseconds time() const { return now_; }
  // As before sam_register.
  void connect_quorum() {
    is_quorate_ = daemon_.connect_quorum();
    invariants_.verdict_taken(now_, is_quorate_);
  }

 private:
  friend class World;

  static constexpr Nanoseconds kBegin = 1'000'000 * kMs;
  static constexpr Nanoseconds kEnd = kBegin + 30'000 * kMs;

  [[nodiscard]] static Nanoseconds choose_stop(std::uint64_t seed);
  void call();
  void pass(Nanoseconds time);
  void happen(Nanoseconds until);
  void freeze(Nanoseconds longest);
  [[nodiscard]] bool is_ready(const Awaited& awaited) const;
  [[nodiscard]] bool has_died(int pidfd) const;
  [[nodiscard]] Nanoseconds next_event() const;
  void sleep(const Awaited& awaited, Nanoseconds until);
  void end_of_time(Nanoseconds until);
  [[nodiscard]] cs_error_t ask_daemon(Deadline deadline, bool is_connected);
  [[nodiscard]] cs_error_t connect_to(Service service, Deadline deadline);
  template <typename Change>
  [[nodiscard]] cs_error_t change_keys(Deadline deadline, Change change);
  void signal_process(pid_t pid, int number);
  [[nodiscard]] bool is_stop_due() const { return stop_at_ <= now_; }

  Random& random_;
  Trace& trace_;
  const Settings settings_;
  const Hardship hardship_;
  Nanoseconds now_ = kBegin;
  Wires wires_;
  StoredData data_;
  Daemon daemon_;
  Application application_;
  Invariants invariants_;
  Excuses excuses_;
  bool is_quorate_ = false;
  bool is_listening_ = false;
  bool sigchld_pending_ = false;
  unsigned seen_deaths_ = 0;
  Nanoseconds stop_at_;  // when the operator wants the service to stop; kNever: not any more
};

}  // namespace cs::sam::simulation
