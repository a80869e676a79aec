// SPDX-License-Identifier: BSD-3-Clause
// Messages of the quorum service: layouts only, as the daemon's compiler lays them out.
#ifndef CS_WIRE_QUORUM_H
#define CS_WIRE_QUORUM_H

#include <cstddef>
#include <cstdint>

#include "wire/header.h"

namespace cs::wire::quorum {

inline constexpr std::size_t kMaxEntries = 386;  // 384 nodes; the daemon keeps room for two more

// Asks for events; the current state comes as one, before the reply.
struct TrackStartRequest {
  static constexpr std::int32_t kId = 1;
  using Reply = StatusReply<1>;

  RequestHeader header = {};
  std::uint32_t track_flags = 0;
  std::uint32_t reserved = 0;
};
static_assert(RequestOfSize<TrackStartRequest, 24>);
static_assert(offsetof(TrackStartRequest, track_flags) == 16);

// The daemon's verdict, and the members: node ids, of which the first lies inside this struct, so
// that the message is sizeof(QuorumEvent) + 4 bytes for each, the last 4 of them unused.
struct QuorumEvent {
  static constexpr std::int32_t kId = 3;

  ResponseHeader header;
  std::int32_t quorate;
  std::uint32_t reserved;
  Uint64 ring_sequence;
  std::uint32_t node_count;
  std::uint32_t first_node;

  [[nodiscard]] std::size_t full_size() const noexcept {
    return sizeof(QuorumEvent) + std::size_t{node_count} * sizeof(std::uint32_t);
  }
};
static_assert(sizeof(QuorumEvent) == 48);
static_assert(offsetof(QuorumEvent, quorate) == 24);
static_assert(offsetof(QuorumEvent, ring_sequence) == 32);
static_assert(offsetof(QuorumEvent, node_count) == 40);
static_assert(offsetof(QuorumEvent, first_node) == 44);

inline constexpr std::size_t kMaxEventSize =
    sizeof(QuorumEvent) + kMaxEntries * sizeof(std::uint32_t);

}  // namespace cs::wire::quorum

#endif
