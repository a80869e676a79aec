// SPDX-License-Identifier: BSD-3-Clause
// The decoder of events: nothing is used that has not been checked against the bytes received.
#include "votequorum/events.h"

#include <optional>

namespace cs::votequorum {
namespace {

static_assert(sizeof(votequorum_node_t) == sizeof(wire::votequorum::NodeEntry));
static_assert(sizeof(wire::votequorum::QuorumEvent) +
                  wire::votequorum::kMaxEntries * sizeof(votequorum_node_t) <=
              kMaxEventSize);

// The fixed part of a message that is as long as its header says.
template <typename Wire>
std::optional<Wire> read_fixed(std::span<const std::byte> message) noexcept {
  const auto fixed = wire::read_front<Wire>(message);
  if (fixed && static_cast<std::size_t>(fixed->header.size) != message.size()) return {};
  return fixed;
}

// The entries behind the fixed part, if the message is exactly long enough for them.
template <typename Entry, typename Wire>
std::optional<std::span<Entry>> read_entries(std::span<std::byte> message, const Wire& fixed,
                                             std::size_t most) noexcept {
  static_assert(sizeof(Entry) == sizeof(typename Wire::Entry));
  const std::size_t count = fixed.entries;
  if (count > most || message.size() != sizeof(Wire) + count * sizeof(Entry)) return {};
  return std::span(reinterpret_cast<Entry*>(message.data() + sizeof(Wire)), count);
}

Result<Event> decode_quorum_state(std::span<std::byte> message) noexcept {
  const auto fixed = read_fixed<wire::votequorum::QuorumEvent>(message);
  if (!fixed) return CS_ERR_MESSAGE_ERROR;
  const auto nodes =
      read_entries<votequorum_node_t>(message, *fixed, wire::votequorum::kMaxEntries);
  if (!nodes) return CS_ERR_MESSAGE_ERROR;
  return Event(QuorumState{fixed->context, fixed->quorate, *nodes});
}

Result<Event> decode_expected_votes(std::span<std::byte> message) noexcept {
  const auto fixed = read_fixed<wire::votequorum::ExpectedVotesEvent>(message);
  if (!fixed || message.size() != sizeof(*fixed)) return CS_ERR_MESSAGE_ERROR;
  return Event(ExpectedVotes{fixed->context, fixed->expected_votes});
}

Result<Event> decode_nodelist(std::span<std::byte> message) noexcept {
  const auto fixed = read_fixed<wire::votequorum::NodelistEvent>(message);
  if (!fixed) return CS_ERR_MESSAGE_ERROR;
  const auto nodes = read_entries<std::uint32_t>(message, *fixed, wire::votequorum::kMaxEntries);
  if (!nodes) return CS_ERR_MESSAGE_ERROR;
  const votequorum_ring_id_t ring_id{fixed->ring_id.node_id, fixed->ring_id.sequence};
  return Event(Nodelist{fixed->context, ring_id, *nodes});
}

Result<Event> decode_extra_info(std::span<std::byte> message) noexcept {
  const auto fixed = read_fixed<wire::votequorum::ExtraInfoEvent>(message);
  if (!fixed) return CS_ERR_MESSAGE_ERROR;
  const auto data = read_entries<std::byte>(message, *fixed, wire::votequorum::kMaxExtraInfo);
  if (!data) return CS_ERR_MESSAGE_ERROR;
  return Event(ExtraInfo{fixed->context, fixed->node_id, *data});
}

}  // namespace

Result<Event> decode_event(std::span<std::byte> message) noexcept {
  const auto header = wire::read_front<wire::ResponseHeader>(message);
  if (!header) return CS_ERR_MESSAGE_ERROR;
  switch (header->id) {
    case wire::votequorum::QuorumEvent::kId:
      return decode_quorum_state(message);
    case wire::votequorum::ExpectedVotesEvent::kId:
      return decode_expected_votes(message);
    case wire::votequorum::NodelistEvent::kId:
      return decode_nodelist(message);
    case wire::votequorum::ExtraInfoEvent::kId:
      return decode_extra_info(message);
    default:
      return Event(UnknownEvent{});
  }
}

}  // namespace cs::votequorum
