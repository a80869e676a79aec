// SPDX-License-Identifier: BSD-3-Clause
// What every message of the daemon's protocol starts with. libqb's headers leave their padding
// without a name; here every byte has one, so that every byte sent is set.
#ifndef CS_WIRE_HEADER_H
#define CS_WIRE_HEADER_H

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

#include <qb/qbipc_common.h>

namespace cs::wire {

// Aligned as in the protocol on every machine: 32-bit x86 would align it to 4 bytes.
using Uint64 [[gnu::aligned(8)]] = std::uint64_t;

struct RequestHeader {
  std::int32_t id = 0;
  std::int32_t reserved0 = 0;
  std::int32_t size = 0;  // of the whole message, this header included
  std::int32_t reserved1 = 0;
};
static_assert(std::has_unique_object_representations_v<RequestHeader>);
static_assert(sizeof(RequestHeader) == sizeof(qb_ipc_request_header));
static_assert(offsetof(RequestHeader, size) == offsetof(qb_ipc_request_header, size));

// Of replies and of events; received padding holds leftovers and means nothing.
struct ResponseHeader {
  std::int32_t id = 0;
  std::int32_t reserved0 = 0;
  std::int32_t size = 0;
  std::int32_t reserved1 = 0;
  std::int32_t error = 0;  // a cs_error_t; CS_OK in events
  std::int32_t reserved2 = 0;
};
static_assert(sizeof(ResponseHeader) == sizeof(qb_ipc_response_header));
static_assert(offsetof(ResponseHeader, size) == offsetof(qb_ipc_response_header, size));
static_assert(offsetof(ResponseHeader, error) == offsetof(qb_ipc_response_header, error));

// Fails to compile when a struct sent has padding without a name, or another size than the
// daemon's.
template <typename Request, std::size_t Size>
concept RequestOfSize =
    (sizeof(Request) == Size) && std::has_unique_object_representations_v<Request>;

// What a message begins with; empty when it is shorter than that.
template <typename Front>
[[nodiscard]] std::optional<Front> read_front(std::span<const std::byte> message) noexcept {
  Front front;
  if (message.size() < sizeof(front)) return {};
  std::memcpy(&front, message.data(), sizeof(front));
  return front;
}

// An answer that says only whether the request succeeded. Services number it differently.
template <std::int32_t Id>
struct StatusReply {
  static constexpr std::int32_t kId = Id;
  static constexpr std::size_t kMinSize = sizeof(ResponseHeader);

  ResponseHeader header;
};

}  // namespace cs::wire

#endif
