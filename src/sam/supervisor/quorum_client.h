// SPDX-License-Identifier: BSD-3-Clause
// The supervisor's client of the quorum service: is this partition quorate?
#ifndef CS_SAM_QUORUM_CLIENT_H
#define CS_SAM_QUORUM_CLIENT_H

#include <cstddef>
#include <optional>
#include <span>
#include <sys/types.h>

#include <corosync/corotypes.h>

#include "common/clock.h"
#include "common/result.h"
#include "sam/supervisor/service_connection.h"

namespace cs::sam {

// The verdict of an event; empty for an event of another kind. CS_ERR_MESSAGE_ERROR when its length
// does not follow from its header and its count.
[[nodiscard]] Result<std::optional<bool>> decode_quorum_event(
    std::span<const std::byte> message) noexcept;

// Belongs to the process that connected. A process forked from it may only drop it.
class QuorumClient : public ServiceConnection {
 public:
  constexpr QuorumClient() noexcept = default;

  // Connects, asks for changes and takes the current verdict. Errors: the connection's.
  [[nodiscard]] cs_error_t connect(Deadline deadline) noexcept;

  // Whether this process has connected, and not the one it was forked from.
  [[nodiscard]] bool is_ours() const noexcept;

  // The next verdict that has arrived; empty when there is none. A lost connection is the verdict
  // "not quorate", and is dropped.
  [[nodiscard]] std::optional<bool> next_verdict() noexcept;

  // The last verdict.
  [[nodiscard]] bool quorate() const noexcept { return quorate_; }

 private:
  pid_t owner_ = 0;
  bool quorate_ = false;
};

}  // namespace cs::sam

#endif
