// SPDX-License-Identifier: BSD-3-Clause
// Publishing and catching up.
#include "sam/supervisor/publisher.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace cs::sam {
namespace {

constexpr std::size_t kKeyRoom = 80;

std::string_view name_of(ProcessState state) noexcept {
  switch (state) {
    case ProcessState::kStopped:
      return "stopped";
    case ProcessState::kWaitingForQuorum:
      return "waiting for quorum";
    case ProcessState::kRunning:
      return "running";
    case ProcessState::kFailed:
      return "failed";
  }
  return "";
}

}  // namespace

Publisher::Publisher(const Settings& settings, pid_t pid, World& world, Nanoseconds bound) noexcept
    : settings_(settings), world_(world), link_(world, Service::kCmap, bound) {
  const int length =
      std::snprintf(prefix_, sizeof(prefix_), "resources.process.%d.", static_cast<int>(pid));
  prefix_length_ = static_cast<std::size_t>(length);
}

cs_error_t Publisher::begin(Deadline deadline) noexcept {
  if (!settings_.policy.publishes()) return CS_OK;
  const cs_error_t status = publish(deadline);
  if (status == CS_OK) return CS_OK;
  const int error = errno;
  end_stopped();
  errno = error;
  return status;
}

void Publisher::show(ProcessState state, Nanoseconds now) noexcept {
  note(state, now);
  update(now);
}

void Publisher::note(ProcessState state, Nanoseconds now) noexcept {
  const bool limited = state == ProcessState::kRunning && settings_.interval > 0;
  const Nanoseconds updated = limited || state == ProcessState::kFailed ? now : 0;
  behind_.last_updated |= updated != last_updated_;
  behind_.state |= state != state_;
  last_updated_ = last_noted_ = updated;
  state_ = state;
}

void Publisher::note_health_check(Nanoseconds when) noexcept {
  behind_.last_updated = true;
  last_updated_ = last_noted_ = when;
}

void Publisher::note_excuse(Nanoseconds last_beat) noexcept {
  behind_.last_updated |= last_updated_ != 0;
  last_updated_ = 0;
  last_noted_ = last_beat;
}

void Publisher::check(Nanoseconds now) noexcept {
  world_.check_cmap();
  if (link_.is_connected()) return;
  behind_ = Behind();
  link_.lost(now);
}

Deadline Publisher::next_attempt() const noexcept {
  if (!settings_.policy.publishes() || !behind_.any()) return Deadline::never();
  return link_.due();
}

void Publisher::catch_up(Nanoseconds now) noexcept { update(now); }

void Publisher::update(Nanoseconds now) noexcept {
  if (!next_attempt().has_passed(now)) return;
  (void)link_.attempt([this](Deadline deadline) { return publish(deadline); });
}

// Everything the daemon does not know; a new daemon knows nothing. The time goes before the state,
// since the watchdog looks when the state changes.
cs_error_t Publisher::publish(Deadline deadline) noexcept {
  if (!link_.is_connected()) {
    behind_ = Behind();
    if (const cs_error_t status = link_.connect(deadline); status != CS_OK) return status;
  }
  cs_error_t status = CS_OK;
  if (behind_.settings) status = publish_settings(deadline);
  if (status == CS_OK && behind_.last_updated) {
    status = set("last_updated", static_cast<std::uint64_t>(last_updated_), deadline);
    behind_.last_updated = status != CS_OK;
  }
  if (status == CS_OK && behind_.state) {
    status = set("state", name_of(state_), deadline);
    behind_.state = status != CS_OK;
  }
  return status;
}

cs_error_t Publisher::publish_settings(Deadline deadline) noexcept {
  const std::string_view recovery = settings_.policy.restarts() ? "restart" : "quit";
  cs_error_t status = set("recovery", recovery, deadline);
  if (status == CS_OK) {
    const auto period = settings_.interval / kNanosecondsPerMillisecond;
    status = set("poll_period", static_cast<std::uint64_t>(period), deadline);
  }
  behind_.settings = status != CS_OK;
  return status;
}

template <typename Value>
cs_error_t Publisher::set(std::string_view name, Value value, Deadline deadline) noexcept {
  char key[kKeyRoom];
  std::memcpy(key, prefix_, prefix_length_);
  std::memcpy(key + prefix_length_, name.data(), name.size());
  return world_.set_key({key, prefix_length_ + name.size()}, value, deadline);
}

void Publisher::end_failed(Nanoseconds now) noexcept {
  if (!settings_.policy.publishes()) return;
  note(ProcessState::kFailed, now);
  // A daemon that cannot be reached has either lost its keys or is not ours to wait for.
  (void)publish(link_.last_deadline());
  link_.drop();
}

void Publisher::end_stopped() noexcept {
  if (!settings_.policy.publishes()) return;
  const Deadline deadline = link_.last_deadline();
  cs_error_t status = link_.is_connected() ? CS_OK : link_.connect(deadline);
  if (status == CS_OK) status = world_.delete_keys(prefix(), deadline);
  (void)status;  // as above
  link_.drop();
}

}  // namespace cs::sam
