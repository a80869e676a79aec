// SPDX-License-Identifier: BSD-3-Clause
// Events in, callbacks out: one event, and the loop over them for each mode of dispatch.
#include <array>
#include <cstddef>
#include <cstring>
#include <variant>

#include "common/probes.h"
#include "ipc/in_flight.h"
#include "votequorum/client.h"
#include "votequorum/events.h"
#include "wire/header.h"

namespace cs::votequorum {
namespace {

void probe_event(std::span<const std::byte> message) noexcept {
  const auto header = wire::read_front<wire::ResponseHeader>(message);
  if (header) probe::event(header->id, message.size());
}

// Calls the callback of each kind of event; one that is NULL drops its event.
class Deliver {
 public:
  Deliver(votequorum_handle_t handle, const Callbacks& callbacks) noexcept
      : handle_(handle), callbacks_(callbacks) {}

  void operator()(const UnknownEvent&) const {}

  void operator()(const QuorumState& event) const {
    if (callbacks_.votequorum_quorum_notify_fn == nullptr) return;
    const ipc::CallbackScope scope;
    callbacks_.votequorum_quorum_notify_fn(handle_, event.context, event.quorate,
                                           static_cast<std::uint32_t>(event.nodes.size()),
                                           event.nodes.data());
  }

  void operator()(const ExpectedVotes& event) const {
    if (callbacks_.votequorum_expectedvotes_notify_fn == nullptr) return;
    const ipc::CallbackScope scope;
    callbacks_.votequorum_expectedvotes_notify_fn(handle_, event.context, event.expected_votes);
  }

  void operator()(const Nodelist& event) const {
    if (callbacks_.votequorum_nodelist_notify_fn == nullptr) return;
    const ipc::CallbackScope scope;
    callbacks_.votequorum_nodelist_notify_fn(handle_, event.context, event.ring_id,
                                             static_cast<std::uint32_t>(event.nodes.size()),
                                             event.nodes.data());
  }

  void operator()(const ExtraInfo& event) const {
    if (callbacks_.votequorum_qdevice_extra_info_fn == nullptr) return;
    const ipc::CallbackScope scope;
    callbacks_.votequorum_qdevice_extra_info_fn(handle_, event.context, event.node_id,
                                                static_cast<std::uint32_t>(event.data.size()),
                                                event.data.data());
  }

 private:
  const votequorum_handle_t handle_;
  const Callbacks& callbacks_;
};

}  // namespace

// Delivers the first event that waits, if one does (CS_ERR_TRY_AGAIN otherwise).
cs_error_t Client::dispatch_waiting_event(votequorum_handle_t handle) noexcept {
  for (;;) {
    auto event = connection_->begin_event();
    if (!event) return event.status();
    cs_error_t status = CS_OK;
    if (deliver(handle, *event, status)) return status;
  }
}

// False for an event that does not count. The event is copied to this thread's stack, so that
// another thread may receive the next one while the callback runs. A function of its own, so that a
// dispatch without events does not need that room.
[[gnu::noinline]] bool Client::deliver(votequorum_handle_t handle,
                                       std::span<const std::byte> message,
                                       cs_error_t& status) noexcept {
  alignas(8) std::array<std::byte, kMaxEventSize> buffer;
  const std::size_t length =
      message.size() <= buffer.size() ? message.size() : sizeof(wire::ResponseHeader);
  std::memcpy(buffer.data(), message.data(), length);
  connection_->end_event();
  const auto event = decode_event(std::span(buffer).first(length));
  status = event.status();
  if (!event) return true;
  if (std::holds_alternative<UnknownEvent>(*event)) return false;
  probe_event(std::span(buffer).first(length));
  std::visit(Deliver(handle, callbacks_), *event);
  return true;
}

cs_error_t Client::dispatch(votequorum_handle_t handle, cs_dispatch_flags_t mode) noexcept {
  const bool one = mode == CS_DISPATCH_ONE || mode == CS_DISPATCH_ONE_NONBLOCKING;
  const bool wait = mode == CS_DISPATCH_ONE || mode == CS_DISPATCH_BLOCKING;
  for (;;) {
    cs_error_t status = dispatch_waiting_event(handle);
    if (status == CS_ERR_INTERRUPT) return status;
    if (finalized_.load(std::memory_order_acquire)) return CS_ERR_BAD_HANDLE;
    if (status == CS_OK && one) return CS_OK;
    if (status == CS_ERR_TRY_AGAIN) {
      if (!wait) return one ? CS_ERR_TRY_AGAIN : CS_OK;
      status = connection_->wait_event(Deadline::never());
    }
    if (status != CS_OK) return status;
  }
}

void Client::finalize() noexcept {
  finalized_.store(true, std::memory_order_release);
  connection_->cancel();
}

}  // namespace cs::votequorum
