// SPDX-License-Identifier: BSD-3-Clause
// The supervisor's view of the quorum service: is this partition quorate, and tell me when that
// changes.
#ifndef CS_SAM_QUORUM_CLIENT_H
#define CS_SAM_QUORUM_CLIENT_H

#include <cstddef>
#include <optional>
#include <span>

#include "common/clock.h"
#include "common/heap.h"
#include "common/result.h"
#include "ipc/connection.h"

namespace cs::sam {

// A tracking connection. Belongs to the process that opened it; a forked child that destroys it
// closes only its copy of the descriptor.
class QuorumClient {
 public:
  // Connects, starts tracking and takes in the state of now. CS_ERR_LIBRARY when the daemon is not
  // there; CS_ERR_TRY_AGAIN when it does not answer before the deadline.
  [[nodiscard]] static Result<QuorumClient> open(Deadline deadline) noexcept;

  [[nodiscard]] bool is_quorate() const noexcept { return quorate_; }

  // Readable when take_events has something to take.
  [[nodiscard]] int fd() const noexcept { return fd_; }

  // Takes in what has arrived, without waiting; is_quorate() is up to date then. An error means
  // that the connection is of no more use.
  [[nodiscard]] cs_error_t take_events() noexcept;

 private:
  QuorumClient(HeapPtr<ipc::Connection> connection, int fd) noexcept;

  HeapPtr<ipc::Connection> connection_;
  int fd_;
  bool quorate_ = false;
};

// Reads a quorum event: its verdict; nothing for an event of another kind.
// CS_ERR_MESSAGE_ERROR when its length does not follow from its count.
[[nodiscard]] Result<std::optional<bool>> decode_quorum_event(
    std::span<const std::byte> message) noexcept;

}  // namespace cs::sam

#endif
