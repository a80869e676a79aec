// SPDX-License-Identifier: BSD-3-Clause
// Tracking the quorum service.
#include "sam/supervisor/quorum_client.h"

#include <cstddef>
#include <cstring>
#include <span>
#include <unistd.h>
#include <utility>

#include <corosync/corotypes.h>

#include "wire/quorum.h"

namespace cs::sam {
namespace {

// Events, or verdicts: of a daemon that floods us the rest waits for the next time.
constexpr int kAtOnce = 64;

}  // namespace

Result<std::optional<bool>> decode_quorum_event(std::span<const std::byte> message) noexcept {
  const auto header = wire::read_front<wire::ResponseHeader>(message);
  if (!header) return CS_ERR_MESSAGE_ERROR;
  if (header->id != wire::quorum::QuorumEvent::kId) return std::optional<bool>();
  const auto event = wire::read_front<wire::quorum::QuorumEvent>(message);
  if (!event || event->node_count > wire::quorum::kMaxEntries) return CS_ERR_MESSAGE_ERROR;
  if (event->full_size() != message.size()) return CS_ERR_MESSAGE_ERROR;
  return std::optional<bool>(event->quorate != 0);
}

cs_error_t QuorumClient::connect(Deadline deadline) noexcept {
  quorate_ = false;
  if (const cs_error_t status = open("quorum", deadline); status != CS_OK) return status;
  const auto tracking =
      call(wire::quorum::TrackStartRequest{.track_flags = CS_TRACK_CHANGES}, deadline);
  if (!tracking) {
    drop();
    return tracking.status();
  }
  owner_ = ::getpid();
  for (int count = 0; count < kAtOnce && next_verdict(); ++count) {
  }
  return is_connected() ? CS_OK : CS_ERR_LIBRARY;
}

bool QuorumClient::is_ours() const noexcept { return is_connected() && owner_ == ::getpid(); }

std::optional<bool> QuorumClient::next_verdict() noexcept {
  alignas(8) std::byte message[wire::quorum::kMaxEventSize];
  for (int count = 0; is_connected() && count < kAtOnce; ++count) {
    const auto length = connection().next_event(message);
    if (length) {
      const auto verdict = decode_quorum_event(std::span(message).first(*length));
      if (!verdict || !*verdict) continue;
      quorate_ = **verdict;
      return quorate_;
    }
    // With sockets only the other descriptor tells that the daemon is gone.
    if (length.status() == CS_ERR_TRY_AGAIN && connection().is_alive()) return {};
    if (length.status() == CS_ERR_MESSAGE_ERROR) continue;
    drop();
    quorate_ = false;
    return quorate_;
  }
  return {};
}

}  // namespace cs::sam
