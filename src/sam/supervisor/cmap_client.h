// SPDX-License-Identifier: BSD-3-Clause
// The supervisor's client of the cmap service: sets and deletes keys.
#ifndef CS_SAM_CMAP_CLIENT_H
#define CS_SAM_CMAP_CLIENT_H

#include <cstdint>
#include <span>
#include <string_view>

#include <corosync/corotypes.h>

#include "common/clock.h"
#include "common/heap.h"
#include "ipc/connection.h"
#include "wire/cmap.h"

namespace cs::sam {

// Every call gives the error of the connection or of the daemon. A connection that is lost is
// dropped.
class CmapClient {
 public:
  [[nodiscard]] cs_error_t connect(Deadline deadline) noexcept;
  void drop() noexcept { connection_.reset(); }

  [[nodiscard]] bool is_connected() const noexcept { return connection_ != nullptr; }
  // To be polled for reading; readable when the daemon is gone. -1 without a connection.
  [[nodiscard]] int fd() const noexcept;
  // To be polled for no events: hangs up when the daemon is gone, in either transport.
  [[nodiscard]] int life_fd() const noexcept {
    return is_connected() ? connection_->life_fd() : -1;
  }
  // After a poll: drops a connection whose daemon is gone.
  void check() noexcept;

  // Key and value are ours, and short enough. CS_ERR_LIBRARY without a connection.
  [[nodiscard]] cs_error_t set(std::string_view key, std::string_view value,
                               Deadline deadline) noexcept;
  [[nodiscard]] cs_error_t set(std::string_view key, std::uint64_t value,
                               Deadline deadline) noexcept;
  [[nodiscard]] cs_error_t delete_all(std::string_view prefix, Deadline deadline) noexcept;

 private:
  template <typename Request>
  [[nodiscard]] Result<typename Request::Reply> call(const Request& request,
                                                     Deadline deadline) noexcept;
  cs_error_t set(std::string_view key, wire::cmap::ValueType type, std::span<const std::byte> value,
                 Deadline deadline) noexcept;
  cs_error_t delete_each(std::uint64_t iterator, Deadline deadline) noexcept;

  HeapPtr<ipc::Connection> connection_;
};

}  // namespace cs::sam

#endif
