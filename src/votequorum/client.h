// SPDX-License-Identifier: BSD-3-Clause
// What stands behind a votequorum handle: a connection, the callbacks, a pointer of the caller's.
#ifndef CS_VOTEQUORUM_CLIENT_H
#define CS_VOTEQUORUM_CLIENT_H

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <corosync/votequorum.h>

#include "common/heap.h"
#include "common/result.h"
#include "ipc/connection.h"
#include "votequorum/device_name.h"

namespace cs::votequorum {

using Callbacks = votequorum_model_v1_data_t;

// Safe for any number of threads. No lock is held while a callback runs. The connection is closed
// when the last call on the client has returned, or its thread has vanished from it.
class Client {
 public:
  // Connects to the daemon; the connection's error otherwise.
  [[nodiscard]] static Result<HeapPtr<Client>> create(const Callbacks& callbacks) noexcept;

  Client(HeapPtr<ipc::Connection> connection, const Callbacks& callbacks) noexcept
      : connection_(std::move(connection)), callbacks_(callbacks) {}

  // One request each; the result is the daemon's. Nothing is written to the caller on an error.
  cs_error_t get_info(std::uint32_t node_id, votequorum_info& info) noexcept;
  cs_error_t set_expected(std::uint32_t expected_votes) noexcept;
  cs_error_t set_votes(std::uint32_t node_id, std::uint32_t votes) noexcept;
  cs_error_t track_start(std::uint64_t context, std::uint32_t flags) noexcept;
  cs_error_t track_stop() noexcept;
  cs_error_t qdevice_register(const DeviceName& name) noexcept;
  cs_error_t qdevice_unregister(const DeviceName& name) noexcept;
  cs_error_t qdevice_update(const DeviceName& old_name, const DeviceName& new_name) noexcept;
  cs_error_t qdevice_poll(const DeviceName& name, bool cast_vote,
                          const votequorum_ring_id_t& ring_id) noexcept;
  cs_error_t qdevice_master_wins(const DeviceName& name, bool allow) noexcept;
  cs_error_t set_extra_info(std::span<const std::byte> data) noexcept;
  // data has room for the longest extra info; size bytes of it are written.
  cs_error_t get_extra_info(std::uint32_t node_id, std::uint32_t& size, std::byte* data) noexcept;

  // Receives events and calls back. handle is passed to the callbacks.
  cs_error_t dispatch(votequorum_handle_t handle, cs_dispatch_flags_t mode) noexcept;

  // Ends the dispatches of all threads, now or as soon as their callbacks return.
  void finalize() noexcept;

  [[nodiscard]] int fd() const noexcept { return connection_->fd(); }
  [[nodiscard]] void* context() const noexcept { return context_.load(std::memory_order_acquire); }
  void set_context(void* value) noexcept { context_.store(value, std::memory_order_release); }

 private:
  // Sends a request whose answer is only a status.
  template <typename Request>
  cs_error_t call(const Request& request) noexcept {
    return connection_->call(request).status();
  }

  cs_error_t dispatch_waiting_event(votequorum_handle_t handle) noexcept;
  bool deliver(votequorum_handle_t handle, std::span<const std::byte> message,
               cs_error_t& status) noexcept;

  const HeapPtr<ipc::Connection> connection_;
  const Callbacks callbacks_;
  std::atomic<void*> context_ = nullptr;
  std::atomic<bool> finalized_ = false;
};

}  // namespace cs::votequorum

#endif
