// SPDX-License-Identifier: BSD-3-Clause
// The active process's side of the channel: health checks, and what it says to its supervisor.
#ifndef CS_SAM_ACTIVE_H
#define CS_SAM_ACTIVE_H

#include <atomic>
#include <cstdint>

#include <corosync/corotypes.h>

#include "common/clock.h"
#include "sam/channel.h"
#include "sam/descriptor.h"
#include "sam/policy.h"

namespace cs::sam {

class Active {
 public:
  constexpr Active() noexcept = default;

  // Once, in a new instance.
  void begin(ActiveEnds ends, std::uint32_t instance, const Settings& settings) noexcept;

  // A health check: wait-free but for a look now and then at whether the supervisor lives, which
  // does not wait either. Async-signal-safe, for any number of threads. CS_ERR_LIBRARY when the
  // supervisor is gone and SIGPIPE was survived.
  [[nodiscard]] cs_error_t health_check() noexcept {
    if (!ends_.heartbeat->belongs_to(instance_)) return CS_ERR_LIBRARY;
    const Nanoseconds now = coarse_now();
    ends_.heartbeat->beat(now);
    if (nudges_) return nudge();
    return now < next_look_.load(std::memory_order_relaxed) ? CS_OK : look_for_supervisor(now);
  }

  // False in a process that an earlier instance has left behind.
  [[nodiscard]] bool is_current() const noexcept { return ends_.heartbeat->belongs_to(instance_); }

  // Sends a command and waits for its answer, without limit; signals do not end the wait. One
  // caller at a time. CS_ERR_LIBRARY when the supervisor is gone, or the pipes have been closed.
  [[nodiscard]] cs_error_t ask(Command command) noexcept;

  // Sends a command that has no answer. The supervisor takes it in before anything that this
  // process does later, its death included. Async-signal-safe, for any number of threads.
  [[nodiscard]] cs_error_t tell(Command command, int argument) noexcept;

 private:
  cs_error_t nudge() noexcept;
  cs_error_t look_for_supervisor(Nanoseconds now) noexcept;
  cs_error_t send(const CommandFrame& frame) noexcept;

  ActiveEnds ends_;
  std::uint32_t instance_ = 0;
  bool nudges_ = false;  // the supervisor publishes every health check
  Nanoseconds look_period_ = 0;
  std::atomic<Nanoseconds> next_look_ = 0;
  std::uint32_t sequence_ = 0;  // of the last question
};

}  // namespace cs::sam

#endif
