// SPDX-License-Identifier: BSD-3-Clause
// What the supervisor asks of the daemon in a simulated world.
#include "simulation/simulated_world.h"

namespace cs::sam::simulation {

// An answer of the daemon takes its time; one that would be late is not waited for.
cs_error_t SimulatedWorld::ask_daemon(Deadline deadline, bool is_connected) {
  const Nanoseconds begun = now_;
  if (!daemon_.is_up() || !is_connected) return CS_ERR_LIBRARY;
  const unsigned deaths = daemon_.deaths();
  const Nanoseconds answered = std::max(now_, daemon_.hangs_until()) + daemon_.latency();
  const bool is_late = answered > deadline.when();
  happen(is_late ? std::max(now_, deadline.when()) : answered);
  if (is_late) daemon_.was_late(now_);
  invariants_.called_daemon(now_, deadline, now_ - begun);
  if (daemon_.deaths() != deaths) return CS_ERR_LIBRARY;
  return is_late ? CS_ERR_TRY_AGAIN : CS_OK;
}

cs_error_t SimulatedWorld::connect_to(Service service, Deadline deadline) {
  const cs_error_t status = ask_daemon(deadline, true);
  trace_.note(now_, "the supervisor connects to %s: %d",
              service == Service::kQuorum ? "quorum" : "cmap", static_cast<int>(status));
  invariants_.connected(now_, service, deadline, status == CS_OK);
  if (status != CS_OK) return status;
  if (service == Service::kCmap) {
    daemon_.cmap_connected = true;
  } else {
    is_quorate_ = daemon_.connect_quorum();
    invariants_.verdict_taken(now_, is_quorate_);
  }
  return CS_OK;
}

template <typename Change>
cs_error_t SimulatedWorld::change_keys(Deadline deadline, Change change) {
  const cs_error_t status = ask_daemon(deadline, daemon_.cmap_connected && !daemon_.cmap_broken);
  if (status == CS_ERR_LIBRARY) {
    daemon_.cmap_connected = daemon_.cmap_broken = false;
    return status;
  }
  // What has come too late to be answered may yet be done.
  if (status != CS_OK && random_.once_in(2)) return status;
  const Keys before = daemon_.keys;
  change(daemon_.keys);
  invariants_.key_set(now_, before, daemon_.keys);
  return status;
}

}  // namespace cs::sam::simulation

namespace cs::sam {
namespace {

using simulation::Keys;
using simulation::SimulatedWorld;

SimulatedWorld& of(World* world) { return static_cast<SimulatedWorld&>(*world); }
const SimulatedWorld& of(const World* world) { return static_cast<const SimulatedWorld&>(*world); }

}  // namespace

cs_error_t World::connect(Service service, Deadline deadline) noexcept {
  SimulatedWorld& self = of(this);
  self.call();
  if (service == Service::kQuorum) {
    self.is_quorate_ = false;
    self.daemon_.drop_quorum();
  } else {
    self.daemon_.cmap_connected = self.daemon_.cmap_broken = false;
  }
  return self.connect_to(service, deadline);
}

bool World::is_connected(Service service) const noexcept {
  const auto& daemon = of(this).daemon_;
  return service == Service::kQuorum ? daemon.has_quorum_client() : daemon.cmap_connected;
}

void World::drop(Service service) noexcept {
  SimulatedWorld& self = of(this);
  self.call();
  if (service == Service::kQuorum) return self.daemon_.drop_quorum();
  self.daemon_.cmap_connected = self.daemon_.cmap_broken = false;
}

std::optional<bool> World::next_verdict() noexcept {
  SimulatedWorld& self = of(this);
  self.call();
  if (self.daemon_.has_verdict()) {
    self.is_quorate_ = self.daemon_.take_verdict();
  } else if (self.daemon_.quorum_is_broken()) {
    self.daemon_.drop_quorum();
    self.invariants_.quorum_dropped();
    self.is_quorate_ = false;
  } else {
    return {};
  }
  self.trace_.note(self.now_, "the supervisor hears: %squorate", self.is_quorate_ ? "" : "not ");
  self.invariants_.verdict_taken(self.now_, self.is_quorate_);
  return self.is_quorate_;
}

bool World::is_quorate() const noexcept { return of(this).is_quorate_; }

void World::check_cmap() noexcept {
  SimulatedWorld& self = of(this);
  self.call();
  if (self.daemon_.cmap_broken) self.daemon_.cmap_connected = self.daemon_.cmap_broken = false;
}

cs_error_t World::set_key(std::string_view key, std::string_view value,
                          Deadline deadline) noexcept {
  SimulatedWorld& self = of(this);
  self.call();
  const bool is_state = key.ends_with(".state");
  const cs_error_t status = self.change_keys(
      deadline, [&](Keys& keys) { (is_state ? keys.state : keys.recovery) = std::string(value); });
  self.trace_.note(self.now_, "the supervisor sets %s to %s: %d", is_state ? "state" : "recovery",
                   std::string(value).c_str(), static_cast<int>(status));
  return status;
}

cs_error_t World::set_key(std::string_view key, std::uint64_t value, Deadline deadline) noexcept {
  SimulatedWorld& self = of(this);
  self.call();
  const bool is_time = key.ends_with(".last_updated");
  const cs_error_t status = self.change_keys(
      deadline, [&](Keys& keys) { (is_time ? keys.last_updated : keys.poll_period) = value; });
  self.trace_.note(self.now_, "the supervisor sets %s to %llu: %d",
                   is_time ? "last_updated" : "poll_period", static_cast<unsigned long long>(value),
                   static_cast<int>(status));
  return status;
}

cs_error_t World::delete_keys(std::string_view, Deadline deadline) noexcept {
  SimulatedWorld& self = of(this);
  self.call();
  self.trace_.note(self.now_, "the supervisor deletes the keys");
  return self.change_keys(deadline, [](Keys& keys) { keys = {}; });
}

}  // namespace cs::sam
