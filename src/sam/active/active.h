// SPDX-License-Identifier: BSD-3-Clause
// The active process's side of the channel: health checks, and commands to the supervisor.
#ifndef CS_SAM_ACTIVE_H
#define CS_SAM_ACTIVE_H

#include <atomic>
#include <cstdint>
#include <sys/types.h>

#include <corosync/corotypes.h>

#include "common/clock.h"
#include "common/probes.h"
#include "sam/shared/channel.h"
#include "sam/shared/policy.h"
#include "sam/shared/signal_guard.h"

namespace cs::sam {

// Time in units of about a millisecond, in four bytes: some machines cannot read eight in one
// piece. It wraps around after 52 days, so two times are compared by their distance.
using Tick = std::uint32_t;

// What is done once in a period is next done at most one period ahead: what seems to be further
// ahead is long due.
constexpr bool is_due(Tick next, Tick now, Tick period) noexcept {
  const Tick ahead = next - now;
  return ahead == 0 || ahead > period;
}

// While the application makes calls, they look for the supervisor at least once a second. If it is
// gone they raise SIGPIPE, which ends the process, as with stock. Where SIGPIPE is ignored or
// survived, this and every later call returns CS_ERR_LIBRARY.
class Active {
 public:
  constexpr Active() noexcept = default;

  // Call once, in a new instance.
  void begin(ActiveEnds ends, std::uint32_t instance, const Settings& settings) noexcept;

  // A health check. Now and then it also looks whether the supervisor lives; neither waits.
  // Async-signal-safe, for any number of threads.
  [[nodiscard]] cs_error_t health_check() noexcept {
    if (!is_current()) return CS_ERR_LIBRARY;
    const Nanoseconds now = coarse_now();
    ends_.heartbeat->beat(now);
    probe::check(now);
    if (nudges_) {
      if (const cs_error_t status = nudge(); status != CS_OK) return status;
    }
    return is_look_due(now) ? look_for_supervisor(now) : CS_OK;
  }

  // Looks whether the supervisor lives, as above, for calls that are no health checks.
  [[nodiscard]] cs_error_t check_supervisor() noexcept {
    if (!is_current()) return CS_ERR_LIBRARY;
    const Nanoseconds now = coarse_now();
    return is_look_due(now) ? look_for_supervisor(now) : CS_OK;
  }

  // False in a process that an earlier instance has left behind. Async-signal-safe.
  [[nodiscard]] bool is_current() const noexcept { return ends_.heartbeat->belongs_to(instance_); }

  // Sends a command and waits for its answer, without limit. Signals are handled during the wait
  // and do not end it. CS_ERR_LIBRARY: the supervisor is gone, or the pipes have been closed.
  // CS_ERR_INTERRUPT: this thread left the call for a later question, which has been answered.
  [[nodiscard]] cs_error_t ask(Command command, const CallGuard& guard) noexcept;

  // Sends a command that has no answer. The supervisor sees it before anything that this process
  // does later, its death included. Async-signal-safe, for any number of threads.
  [[nodiscard]] cs_error_t tell(Command command, int argument) noexcept;

  // Notes that no other process goes on once this one has ended.
  void finish() noexcept;

 private:
  static void after_fork() noexcept;

  static constexpr unsigned kTickShift = 20;
  static Tick tick_of(Nanoseconds time) noexcept { return static_cast<Tick>(time >> kTickShift); }

  [[nodiscard]] bool is_look_due(Nanoseconds now) const noexcept {
    return is_due(next_look_.load(std::memory_order_relaxed), tick_of(now), look_period_);
  }
  void look_at_once() noexcept {
    next_look_.store(tick_of(coarse_now()), std::memory_order_relaxed);
  }
  cs_error_t nudge() noexcept;
  cs_error_t look_for_supervisor(Nanoseconds now) noexcept;
  [[nodiscard]] bool is_abandoned() noexcept;
  pid_t announce() noexcept;
  cs_error_t send(const CommandFrame& frame, const CallGuard* guard) noexcept;
  [[nodiscard]] bool wait_for_reply(const CallGuard& guard) noexcept;

  ActiveEnds ends_;
  std::uint32_t instance_ = 0;
  pid_t child_ = 0;            // the supervisor's child, if that is this process
  pid_t process_ = 0;          // this process, or one that forked it unknown to us
  pid_t supervisor_ = 0;       // parent of the supervisor's child
  bool is_elsewhere_ = false;  // in another namespace of process ids than the supervisor
  bool nudges_ = false;        // the supervisor publishes every health check
  Tick look_period_ = 0;
  std::atomic<Tick> next_look_ = 0;
  std::atomic<pid_t> announced_ = 0;         // the process that the supervisor knows of
  std::atomic<std::uint32_t> sequence_ = 0;  // of the last question
};

}  // namespace cs::sam

#endif
