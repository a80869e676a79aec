// SPDX-License-Identifier: BSD-3-Clause
// Tracking the quorum service.
#include "sam/quorum_client.h"

#include <array>
#include <cstring>
#include <utility>

#include "wire/quorum.h"

namespace cs::sam {

namespace wire = cs::wire::quorum;

Result<std::optional<bool>> decode_quorum_event(std::span<const std::byte> message) noexcept {
  cs::wire::ResponseHeader header;
  if (message.size() < sizeof(header)) return CS_ERR_MESSAGE_ERROR;
  std::memcpy(&header, message.data(), sizeof(header));
  if (header.id != wire::QuorumEvent::kId) return std::optional<bool>();

  wire::QuorumEvent event;
  if (message.size() < wire::kMinQuorumEventSize || message.size() > sizeof(event)) {
    return CS_ERR_MESSAGE_ERROR;
  }
  std::memcpy(&event, message.data(), message.size());
  const std::size_t size =
      wire::kMinQuorumEventSize + std::size_t{event.entries} * sizeof(event.nodes[0]);
  if (event.entries > wire::kMaxNodes || message.size() != size) return CS_ERR_MESSAGE_ERROR;
  return std::optional(event.quorate != 0);
}

QuorumClient::QuorumClient(HeapPtr<ipc::Connection> connection, int fd) noexcept
    : connection_(std::move(connection)), fd_(fd) {}

Result<QuorumClient> QuorumClient::open(Deadline deadline) noexcept {
  auto connection = ipc::Connection::connect("quorum", deadline);
  if (!connection) return connection.error();
  const auto fd = (*connection)->fd();
  if (!fd) return fd.error();
  QuorumClient client(std::move(*connection), *fd);
  // The daemon puts the event with the state of now into the queue before it answers.
  const auto tracking =
      client.connection_->call(wire::TrackStartRequest{.track_flags = CS_TRACK_CHANGES}, deadline);
  if (!tracking) return tracking.error();
  if (const cs_error_t status = client.take_events(); status != CS_OK) return status;
  return client;
}

cs_error_t QuorumClient::take_events() noexcept {
  std::array<std::byte, sizeof(wire::QuorumEvent)> buffer;
  for (;;) {
    const auto length = connection_->next_event(buffer);
    if (!length) return length.error() == CS_ERR_TRY_AGAIN ? CS_OK : length.error();
    const auto verdict = decode_quorum_event(std::span(buffer).first(*length));
    if (!verdict) return verdict.error();
    if (const auto quorate = *verdict) quorate_ = *quorate;
  }
}

}  // namespace cs::sam
