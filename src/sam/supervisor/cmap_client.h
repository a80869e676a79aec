// SPDX-License-Identifier: BSD-3-Clause
// The supervisor's client of the cmap service: sets and deletes keys.
#ifndef CS_SAM_CMAP_CLIENT_H
#define CS_SAM_CMAP_CLIENT_H

#include <cstdint>
#include <span>
#include <string_view>

#include <corosync/corotypes.h>

#include "common/clock.h"
#include "sam/supervisor/service_connection.h"
#include "wire/cmap.h"

namespace cs::sam {

// Every call gives the error of the connection or of the daemon. A connection that is lost is
// dropped.
class CmapClient : public ServiceConnection {
 public:
  [[nodiscard]] cs_error_t connect(Deadline deadline) noexcept;
  // After a poll: drops a connection whose daemon is gone.
  void check() noexcept;

  // Key and value are ours, and short enough. CS_ERR_LIBRARY without a connection.
  [[nodiscard]] cs_error_t set(std::string_view key, std::string_view value,
                               Deadline deadline) noexcept;
  [[nodiscard]] cs_error_t set(std::string_view key, std::uint64_t value,
                               Deadline deadline) noexcept;
  [[nodiscard]] cs_error_t delete_all(std::string_view prefix, Deadline deadline) noexcept;

 private:
  cs_error_t set(std::string_view key, wire::cmap::ValueType type, std::span<const std::byte> value,
                 Deadline deadline) noexcept;
  cs_error_t delete_each(std::uint64_t iterator, Deadline deadline) noexcept;
};

}  // namespace cs::sam

#endif
