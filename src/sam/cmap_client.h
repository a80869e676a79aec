// SPDX-License-Identifier: BSD-3-Clause
// The few things the supervisor does with the daemon's cmap: set a key, delete those of a prefix.
#ifndef CS_SAM_CMAP_CLIENT_H
#define CS_SAM_CMAP_CLIENT_H

#include <cstdint>
#include <string_view>

#include "common/clock.h"
#include "common/heap.h"
#include "common/result.h"
#include "ipc/connection.h"

namespace cs::sam {

// A cmap connection. Belongs to the process that opened it; a forked child that destroys it closes
// only its copy of the descriptor.
//
// Every call returns by its deadline: CS_ERR_TRY_AGAIN when the daemon has not answered by then (it
// may still carry the request out; its late answer is discarded), CS_ERR_LIBRARY when the daemon is
// gone, otherwise the daemon's own error.
class CmapClient {
 public:
  [[nodiscard]] static Result<CmapClient> open(Deadline deadline) noexcept;

  // Keys: 3 to 255 characters of a-z A-Z 0-9 . _ - / :. Strings: at most 63 characters.
  [[nodiscard]] cs_error_t set(std::string_view key, std::string_view value,
                               Deadline deadline) noexcept;
  [[nodiscard]] cs_error_t set(std::string_view key, std::uint64_t value,
                               Deadline deadline) noexcept;

  // Deletes every key that starts with prefix, which must not be empty.
  [[nodiscard]] cs_error_t remove_all(std::string_view prefix, Deadline deadline) noexcept;

 private:
  explicit CmapClient(HeapPtr<ipc::Connection> connection) noexcept;

  HeapPtr<ipc::Connection> connection_;
};

}  // namespace cs::sam

#endif
