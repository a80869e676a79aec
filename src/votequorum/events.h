// SPDX-License-Identifier: BSD-3-Clause
// What the daemon reports, read out of its messages.
#ifndef CS_VOTEQUORUM_EVENTS_H
#define CS_VOTEQUORUM_EVENTS_H

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include <corosync/votequorum.h>

#include "common/result.h"
#include "wire/votequorum.h"

namespace cs::votequorum {

// The lists lie in the message that the event was read from.

struct QuorumState {
  std::uint64_t context;
  std::uint32_t quorate;
  std::span<votequorum_node_t> nodes;
};

struct ExpectedVotes {
  std::uint64_t context;
  std::uint32_t expected_votes;
};

struct Nodelist {
  std::uint64_t context;
  votequorum_ring_id_t ring_id;
  std::span<std::uint32_t> nodes;
};

struct ExtraInfo {
  std::uint64_t context;
  std::uint32_t node_id;
  std::span<std::byte> data;
};

// A kind of event that this version does not know, from a newer daemon.
struct UnknownEvent {};

using Event = std::variant<UnknownEvent, QuorumState, ExpectedVotes, Nodelist, ExtraInfo>;

// Room for the longest event of the protocol.
inline constexpr std::size_t kMaxEventSize =
    sizeof(wire::votequorum::ExtraInfoEvent) + wire::votequorum::kMaxExtraInfo;

// Reads one message, which must be aligned to 8 bytes. CS_ERR_MESSAGE_ERROR when its length is not
// what its header says and its id and count demand, or the count is above the protocol's limit. Of
// an unknown event only the header is looked at: the rest may have been cut off.
[[nodiscard]] Result<Event> decode_event(std::span<std::byte> message) noexcept;

}  // namespace cs::votequorum

#endif
