// SPDX-License-Identifier: BSD-3-Clause
// All clients of the process, and the use that a call makes of one.
#ifndef CS_VOTEQUORUM_CLIENTS_H
#define CS_VOTEQUORUM_CLIENTS_H

#include <corosync/votequorum.h>

#include "common/heap.h"
#include "common/result.h"
#include "ipc/in_flight.h"
#include "votequorum/client.h"

namespace cs::votequorum {

// Lasts from the look-up of a handle to the return from the call. The client lives as long, and the
// thread is in a Section. It is in the thread's record, so that it ends with the thread at the
// latest.
class ClientUse {
 public:
  ClientUse(const ClientUse&) = delete;
  ClientUse& operator=(const ClientUse&) = delete;
  ~ClientUse();

  [[nodiscard]] explicit operator bool() const noexcept { return client_ != nullptr; }
  [[nodiscard]] Client* operator->() const noexcept { return client_; }

 private:
  friend class Clients;
  enum class Way { kFind, kRemove };
  ClientUse(votequorum_handle_t handle, Way way) noexcept;

  const ipc::Section section_{ipc::Section::Place::kEntry};
  const votequorum_handle_t handle_;
  Client* const client_;
};

// A ClientUse that is false means that there is no such handle.
class Clients {
 public:
  // Connects and returns a new handle. Errors: the connection's, and CS_ERR_NO_MEMORY.
  [[nodiscard]] Result<votequorum_handle_t> open(const Callbacks& callbacks) noexcept;

  [[nodiscard]] ClientUse find(votequorum_handle_t handle) noexcept {
    return {handle, ClientUse::Way::kFind};
  }
  // The handle is unknown from now on.
  [[nodiscard]] ClientUse remove(votequorum_handle_t handle) noexcept {
    return {handle, ClientUse::Way::kRemove};
  }
};

}  // namespace cs::votequorum

#endif
