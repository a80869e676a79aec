// SPDX-License-Identifier: BSD-3-Clause
// Messages of the votequorum service: layouts only, as the daemon's compiler lays them out.
#ifndef CS_WIRE_VOTEQUORUM_H
#define CS_WIRE_VOTEQUORUM_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "wire/header.h"

namespace cs::wire::votequorum {

inline constexpr std::size_t kNameSize = 255;              // with the NUL that ends it
inline constexpr std::size_t kMaxExtraInfo = 4096;         // bytes
inline constexpr std::size_t kMaxNodes = 384;              // of a cluster
inline constexpr std::size_t kMaxEntries = kMaxNodes + 2;  // the daemon keeps room for two more

// A device's name, NUL to its end: the daemon aborts over a name without a NUL.
using Name = std::array<char, kNameSize>;

using Status = StatusReply<0>;

struct GetInfoReply {
  static constexpr std::int32_t kId = 1;
  static constexpr std::size_t kMinSize = 320;

  ResponseHeader header;
  std::uint32_t node_id;
  std::uint32_t node_state;
  std::uint32_t node_votes;
  std::uint32_t node_expected_votes;
  std::uint32_t highest_expected;
  std::uint32_t total_votes;
  std::uint32_t quorum;
  std::uint32_t flags;
  std::uint32_t qdevice_votes;
  Name qdevice_name;
  char reserved[5];
};
static_assert(sizeof(GetInfoReply) == GetInfoReply::kMinSize);
static_assert(offsetof(GetInfoReply, node_id) == 24);
static_assert(offsetof(GetInfoReply, node_state) == 28);
static_assert(offsetof(GetInfoReply, node_votes) == 32);
static_assert(offsetof(GetInfoReply, node_expected_votes) == 36);
static_assert(offsetof(GetInfoReply, highest_expected) == 40);
static_assert(offsetof(GetInfoReply, total_votes) == 44);
static_assert(offsetof(GetInfoReply, quorum) == 48);
static_assert(offsetof(GetInfoReply, flags) == 52);
static_assert(offsetof(GetInfoReply, qdevice_votes) == 56);
static_assert(offsetof(GetInfoReply, qdevice_name) == 60);

// Node 0 is the daemon's own node.
struct GetInfoRequest {
  static constexpr std::int32_t kId = 0;
  using Reply = GetInfoReply;

  RequestHeader header = {};
  std::uint32_t node_id = 0;
  std::uint32_t reserved = 0;
};
static_assert(RequestOfSize<GetInfoRequest, 24>);
static_assert(offsetof(GetInfoRequest, node_id) == 16);

struct SetExpectedRequest {
  static constexpr std::int32_t kId = 1;
  using Reply = Status;

  RequestHeader header = {};
  std::uint32_t expected_votes = 0;
  std::uint32_t reserved = 0;
};
static_assert(RequestOfSize<SetExpectedRequest, 24>);
static_assert(offsetof(SetExpectedRequest, expected_votes) == 16);

struct SetVotesRequest {
  static constexpr std::int32_t kId = 2;
  using Reply = Status;

  RequestHeader header = {};
  std::uint32_t votes = 0;
  std::uint32_t node_id = 0;
};
static_assert(RequestOfSize<SetVotesRequest, 24>);
static_assert(offsetof(SetVotesRequest, votes) == 16);
static_assert(offsetof(SetVotesRequest, node_id) == 20);

// Asks the daemon for notifications; context comes back unchanged with each of them.
struct TrackStartRequest {
  static constexpr std::int32_t kId = 3;
  using Reply = Status;

  RequestHeader header = {};
  Uint64 context = 0;
  std::uint32_t track_flags = 0;
  std::uint32_t reserved = 0;
};
static_assert(RequestOfSize<TrackStartRequest, 32>);
static_assert(offsetof(TrackStartRequest, context) == 16);
static_assert(offsetof(TrackStartRequest, track_flags) == 24);

struct TrackStopRequest {
  static constexpr std::int32_t kId = 4;
  using Reply = Status;

  RequestHeader header = {};
};
static_assert(RequestOfSize<TrackStopRequest, 16>);

// Register and unregister differ in their number only.
template <std::int32_t Id>
struct QdeviceNameRequest {
  static constexpr std::int32_t kId = Id;
  using Reply = Status;

  RequestHeader header = {};
  Name name = {};
  char reserved = 0;
};
using QdeviceRegisterRequest = QdeviceNameRequest<5>;
using QdeviceUnregisterRequest = QdeviceNameRequest<6>;
static_assert(RequestOfSize<QdeviceRegisterRequest, 272>);
static_assert(offsetof(QdeviceRegisterRequest, name) == 16);

struct QdeviceUpdateRequest {
  static constexpr std::int32_t kId = 7;
  using Reply = Status;

  RequestHeader header = {};
  Name old_name = {};
  Name new_name = {};
  std::uint16_t reserved = 0;
};
static_assert(RequestOfSize<QdeviceUpdateRequest, 528>);
static_assert(offsetof(QdeviceUpdateRequest, old_name) == 16);
static_assert(offsetof(QdeviceUpdateRequest, new_name) == 271);

struct RingId {
  std::uint32_t node_id = 0;
  std::uint32_t reserved = 0;
  Uint64 sequence = 0;
};

struct QdevicePollRequest {
  static constexpr std::int32_t kId = 8;
  using Reply = Status;

  RequestHeader header = {};
  Name name = {};
  char reserved0 = 0;
  std::int32_t cast_vote = 0;
  std::uint32_t reserved1 = 0;
  RingId ring_id = {};
};
static_assert(RequestOfSize<QdevicePollRequest, 296>);
static_assert(offsetof(QdevicePollRequest, cast_vote) == 272);
static_assert(offsetof(QdevicePollRequest, ring_id) == 280);
static_assert(offsetof(RingId, sequence) == 8);

struct QdeviceMasterWinsRequest {
  static constexpr std::int32_t kId = 9;
  using Reply = Status;

  RequestHeader header = {};
  Name name = {};
  char reserved0 = 0;
  std::uint32_t allow = 0;  // 0 or 1: the daemon keeps eight of these bits
  std::uint32_t reserved1 = 0;
};
static_assert(RequestOfSize<QdeviceMasterWinsRequest, 280>);
static_assert(offsetof(QdeviceMasterWinsRequest, allow) == 272);

// Sent as long as its data: 24 + length bytes. The daemon does not compare the two.
struct SetExtraInfoRequest {
  static constexpr std::int32_t kId = 10;
  using Reply = Status;

  RequestHeader header = {};
  std::uint32_t length = 0;
  std::uint8_t data[kMaxExtraInfo + 4] = {};
};
static_assert(RequestOfSize<SetExtraInfoRequest, 24 + kMaxExtraInfo>);
static_assert(offsetof(SetExtraInfoRequest, length) == 16);
static_assert(offsetof(SetExtraInfoRequest, data) == 20);

// 32 + length bytes, the last four of them slack.
struct GetExtraInfoReply {
  static constexpr std::int32_t kId = 6;
  static constexpr std::size_t kMinSize = 32;

  ResponseHeader header;
  std::uint32_t length;
  std::uint8_t data[kMaxExtraInfo + 4];
};
static_assert(sizeof(GetExtraInfoReply) == GetExtraInfoReply::kMinSize + kMaxExtraInfo);
static_assert(offsetof(GetExtraInfoReply, length) == 24);
static_assert(offsetof(GetExtraInfoReply, data) == 28);

struct GetExtraInfoRequest {
  static constexpr std::int32_t kId = 11;
  using Reply = GetExtraInfoReply;

  RequestHeader header = {};
  std::uint32_t node_id = 0;
  std::uint32_t reserved = 0;
};
static_assert(RequestOfSize<GetExtraInfoRequest, 24>);
static_assert(offsetof(GetExtraInfoRequest, node_id) == 16);

// Events: a fixed part, then as many entries as it says.

struct NodeEntry {
  std::uint32_t node_id;
  std::uint32_t state;
};
static_assert(sizeof(NodeEntry) == 8);

struct QuorumEvent {
  static constexpr std::int32_t kId = 3;
  using Entry = NodeEntry;

  ResponseHeader header;
  std::uint32_t quorate;
  std::uint32_t reserved0;
  Uint64 context;
  std::uint32_t entries;
  std::uint32_t reserved1;
};
static_assert(sizeof(QuorumEvent) == 48);
static_assert(offsetof(QuorumEvent, quorate) == 24);
static_assert(offsetof(QuorumEvent, context) == 32);
static_assert(offsetof(QuorumEvent, entries) == 40);

struct ExpectedVotesEvent {
  static constexpr std::int32_t kId = 4;

  ResponseHeader header;
  Uint64 context;
  std::uint32_t expected_votes;
  std::uint32_t reserved;
};
static_assert(sizeof(ExpectedVotesEvent) == 40);
static_assert(offsetof(ExpectedVotesEvent, context) == 24);
static_assert(offsetof(ExpectedVotesEvent, expected_votes) == 32);

// Its entries follow at once: node ids.
struct NodelistEvent {
  static constexpr std::int32_t kId = 5;
  using Entry = std::uint32_t;

  ResponseHeader header;
  Uint64 context;
  RingId ring_id;
  std::uint32_t entries;
  std::uint32_t reserved;
};
static_assert(sizeof(NodelistEvent) == 56);
static_assert(offsetof(NodelistEvent, context) == 24);
static_assert(offsetof(NodelistEvent, ring_id) == 32);
static_assert(offsetof(NodelistEvent, entries) == 48);

struct ExtraInfoEvent {
  static constexpr std::int32_t kId = 7;
  using Entry = std::uint8_t;

  ResponseHeader header;
  Uint64 context;
  std::uint32_t node_id;
  std::uint32_t reserved0;
  std::uint32_t entries;  // bytes
  std::uint32_t reserved1;
};
static_assert(sizeof(ExtraInfoEvent) == 48);
static_assert(offsetof(ExtraInfoEvent, context) == 24);
static_assert(offsetof(ExtraInfoEvent, node_id) == 32);
static_assert(offsetof(ExtraInfoEvent, entries) == 40);

}  // namespace cs::wire::votequorum

#endif
