// SPDX-License-Identifier: BSD-3-Clause
// Messages of the quorum service, as far as the supervisor needs them: layouts only.
#ifndef CS_WIRE_QUORUM_H
#define CS_WIRE_QUORUM_H

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "wire/header.h"

namespace cs::wire::quorum {

inline constexpr std::size_t kMaxNodes = 384;

struct TrackStartRequest {
  static constexpr std::int32_t kId = 1;
  using Reply = StatusReply<1>;

  RequestHeader header = {};
  std::uint32_t track_flags = 0;
  std::uint32_t reserved = 0;
};
static_assert(std::has_unique_object_representations_v<TrackStartRequest>);
static_assert(sizeof(TrackStartRequest) == 24);
static_assert(offsetof(TrackStartRequest, track_flags) == 16);

struct GetTypeReply {
  static constexpr std::int32_t kId = 4;
  static constexpr std::size_t kMinSize = 32;

  ResponseHeader header;
  std::uint32_t type;  // 0: no quorum provider, always quorate
  std::uint32_t reserved;
};
static_assert(sizeof(GetTypeReply) == GetTypeReply::kMinSize);
static_assert(offsetof(GetTypeReply, type) == 24);

struct GetTypeRequest {
  static constexpr std::int32_t kId = 3;
  using Reply = GetTypeReply;

  RequestHeader header = {};
};
static_assert(sizeof(GetTypeRequest) == 16);

// The quorum event of a connection that asked for no model. Its node ids start inside the last
// 8 bytes of the fixed part, so that four bytes of slack follow them: 48 + 4 * entries in all.
struct QuorumEvent {
  static constexpr std::int32_t kId = 3;

  ResponseHeader header;
  std::int32_t quorate;
  std::uint32_t reserved;
  std::uint64_t ring_sequence;
  std::uint32_t entries;
  std::uint32_t nodes[kMaxNodes + 1];
};
static_assert(offsetof(QuorumEvent, quorate) == 24);
static_assert(offsetof(QuorumEvent, ring_sequence) == 32);
static_assert(offsetof(QuorumEvent, entries) == 40);
static_assert(offsetof(QuorumEvent, nodes) == 44);
static_assert(sizeof(QuorumEvent) == 48 + 4 * kMaxNodes);

// What a message must at least hold to be read as a QuorumEvent, and what it is with its entries.
inline constexpr std::size_t kMinQuorumEventSize = 48;

}  // namespace cs::wire::quorum

#endif
