// SPDX-License-Identifier: BSD-3-Clause
// A service of the daemon that the supervisor depends on: when to try again what has failed there,
// and for how long.
#ifndef CS_SAM_SERVICE_LINK_H
#define CS_SAM_SERVICE_LINK_H

#include "sam/supervisor/backoff.h"
#include "sam/supervisor/world.h"

namespace cs::sam {

class ServiceLink {
 public:
  // No attempt takes longer than the bound.
  ServiceLink(World& world, Service service, Nanoseconds bound) noexcept
      : world_(world), service_(service), bound_(bound) {}

  [[nodiscard]] bool is_connected() const noexcept { return world_.is_connected(service_); }
  [[nodiscard]] cs_error_t connect(Deadline deadline) noexcept {
    return world_.connect(service_, deadline);
  }
  void drop() noexcept { world_.drop(service_); }

  // The connection was lost: the next attempt has to wait.
  void lost(Nanoseconds now) noexcept { backoff_.failed(now); }
  // When the next attempt may be made.
  [[nodiscard]] Deadline due() const noexcept { return backoff_.due(); }

  // For a last attempt, which may take as long as the bound, whatever failed before.
  [[nodiscard]] Deadline last_deadline() const noexcept {
    return Deadline::at(world_.now() + bound_);
  }

  // Calls attempt(deadline), which returns a cs_error_t. False when that failed.
  template <typename Attempt>
  bool attempt(Attempt attempt) noexcept {
    const Nanoseconds limit = backoff_.attempt_limit(bound_);
    if (attempt(Deadline::at(world_.now() + limit)) != CS_OK) {
      backoff_.failed(world_.now());
      return false;
    }
    backoff_.succeeded();
    return true;
  }

 private:
  World& world_;
  const Service service_;
  const Nanoseconds bound_;
  Backoff backoff_;
};

}  // namespace cs::sam

#endif
