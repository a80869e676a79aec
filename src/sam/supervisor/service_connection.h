// SPDX-License-Identifier: BSD-3-Clause
// What the clients of the quorum and the cmap service have in common: one connection, which may be
// lost and made again.
#ifndef CS_SAM_SERVICE_CONNECTION_H
#define CS_SAM_SERVICE_CONNECTION_H

#include <utility>

#include <corosync/corotypes.h>

#include "common/clock.h"
#include "common/heap.h"
#include "ipc/connection.h"

namespace cs::sam {

class ServiceConnection {
 public:
  constexpr ServiceConnection() noexcept = default;

  [[nodiscard]] bool is_connected() const noexcept { return connection_ != nullptr; }
  void drop() noexcept { connection_.reset(); }

  // To be polled for reading; -1 without a connection.
  [[nodiscard]] int fd() const noexcept { return is_connected() ? connection_->fd() : -1; }
  // To be polled for no events: hangs up when the daemon is gone, in either transport.
  [[nodiscard]] int life_fd() const noexcept {
    return is_connected() ? connection_->life_fd() : -1;
  }

 protected:
  ~ServiceConnection() = default;

  // Errors: the connection's.
  [[nodiscard]] cs_error_t open(const char* service, Deadline deadline) noexcept {
    drop();
    auto made = ipc::Connection::connect(service, deadline);
    if (made) connection_ = std::move(*made);
    return made.status();
  }

  // CS_ERR_LIBRARY without a connection. One that turns out to be lost is dropped.
  template <typename Request>
  [[nodiscard]] Result<typename Request::Reply> call(const Request& request,
                                                     Deadline deadline) noexcept {
    if (!is_connected()) return CS_ERR_LIBRARY;
    auto reply = connection_->call(request, deadline);
    if (reply.status() == CS_ERR_LIBRARY) drop();
    return reply;
  }

  [[nodiscard]] ipc::Connection& connection() noexcept { return *connection_; }

 private:
  HeapPtr<ipc::Connection> connection_;
};

}  // namespace cs::sam

#endif
