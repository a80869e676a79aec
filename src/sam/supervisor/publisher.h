// SPDX-License-Identifier: BSD-3-Clause
// What others can learn about the supervised process: the keys resources.process.PID. in cmap.
//
// The daemon's watchdog service reads them, and may reset the machine over what it finds. So their
// order matters: the watchdog adopts a resource when its state is created, and last_updated counts
// from then on. A last_updated of 0 always passes.
#ifndef CS_SAM_PUBLISHER_H
#define CS_SAM_PUBLISHER_H

#include <cstdint>
#include <string_view>
#include <sys/types.h>

#include <corosync/corotypes.h>

#include "common/clock.h"
#include "sam/shared/policy.h"
#include "sam/supervisor/rules.h"
#include "sam/supervisor/service_link.h"
#include "sam/supervisor/world.h"

namespace cs::sam {

// Does nothing when the policy is without the flag CMAP. No call takes longer than the bound.
// catch_up() publishes what could not be published in time; after a restart of the daemon that is
// everything.
class Publisher {
 public:
  Publisher(const Settings& settings, pid_t pid, World& world, Nanoseconds bound) noexcept;

  // Connects and publishes a stopped process. Errors: the connection's or the daemon's; what had
  // been published until then is deleted.
  [[nodiscard]] cs_error_t begin(Deadline deadline) noexcept;

  // The state has changed. Where health checks are owed, the last one counts as made now.
  void show(ProcessState state, Nanoseconds now) noexcept;
  // A health check came while they are owed; catch_up() publishes it.
  void note_health_check(Nanoseconds when) noexcept;
  // None is owed for now, whenever the last one was: what is shown must not grow old. The next one
  // after this is news again.
  void note_excuse(Nanoseconds last_beat) noexcept;
  [[nodiscard]] Nanoseconds last_updated() const noexcept { return last_updated_; }
  // The health check that was noted last.
  [[nodiscard]] Nanoseconds last_noted() const noexcept { return last_noted_; }

  // The last call: after a failure the keys stay, with that state; else they are deleted.
  void end_failed(Nanoseconds now) noexcept;
  void end_stopped() noexcept;

  // When to call catch_up().
  [[nodiscard]] Deadline next_attempt() const noexcept;
  // Call when a wait says that the service has ended it.
  void check(Nanoseconds now) noexcept;
  void catch_up(Nanoseconds now) noexcept;

 private:
  // What the daemon does not know yet.
  struct Behind {
    bool settings = true;
    bool last_updated = true;
    bool state = true;

    [[nodiscard]] bool any() const noexcept { return settings || last_updated || state; }
  };

  static constexpr std::size_t kPrefixRoom = 48;

  void note(ProcessState state, Nanoseconds now) noexcept;
  void update(Nanoseconds now) noexcept;
  cs_error_t publish(Deadline deadline) noexcept;
  cs_error_t publish_settings(Deadline deadline) noexcept;
  template <typename Value>
  cs_error_t set(std::string_view name, Value value, Deadline deadline) noexcept;
  [[nodiscard]] std::string_view prefix() const noexcept { return {prefix_, prefix_length_}; }

  const Settings settings_;
  World& world_;
  char prefix_[kPrefixRoom];
  std::size_t prefix_length_;

  ServiceLink link_;
  Behind behind_;
  ProcessState state_ = ProcessState::kStopped;
  Nanoseconds last_updated_ = 0;  // as it is shown
  Nanoseconds last_noted_ = 0;
};

}  // namespace cs::sam

#endif
