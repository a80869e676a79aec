// SPDX-License-Identifier: BSD-3-Clause
// Messages of the cmap service: layouts only, as the daemon's compiler lays them out.
#ifndef CS_WIRE_CMAP_H
#define CS_WIRE_CMAP_H

#include <cstddef>
#include <cstdint>

#include "wire/header.h"

namespace cs::wire::cmap {

inline constexpr std::size_t kKeySize = 256;  // of a key field; the name ends with a NUL
inline constexpr std::size_t kMaxValue = 32;  // of the values we set; the daemon takes 16384

enum class ValueType : std::uint8_t { kUint64 = 8, kString = 11 };

// A name; filled to its end with zeros.
struct Key {
  std::uint16_t length = 0;
  std::uint8_t reserved[6] = {};
  char name[kKeySize] = {};
};
static_assert(sizeof(Key) == 264);

// Sent only as far as the value goes.
struct SetRequest {
  static constexpr std::int32_t kId = 0;
  using Reply = StatusReply<0>;

  RequestHeader header = {};
  Key key = {};
  Uint64 value_length = 0;
  ValueType type = {};
  std::uint8_t reserved[7] = {};
  std::byte value[kMaxValue] = {};
};
static_assert(RequestOfSize<SetRequest, 328>);
static_assert(offsetof(SetRequest, key) == 16);
static_assert(offsetof(SetRequest, value_length) == 280);
static_assert(offsetof(SetRequest, type) == 288);
static_assert(offsetof(SetRequest, value) == 296);

struct DeleteRequest {
  static constexpr std::int32_t kId = 1;
  using Reply = StatusReply<1>;

  RequestHeader header = {};
  Key key = {};
};
static_assert(RequestOfSize<DeleteRequest, 280>);
static_assert(offsetof(DeleteRequest, key) == 16);

struct IterInitReply {
  static constexpr std::int32_t kId = 4;
  static constexpr std::size_t kMinSize = 32;

  ResponseHeader header;
  Uint64 iterator;
};
static_assert(sizeof(IterInitReply) == 32);
static_assert(offsetof(IterInitReply, iterator) == 24);

// Iterates over the keys that begin with a prefix.
struct IterInitRequest {
  static constexpr std::int32_t kId = 4;
  using Reply = IterInitReply;

  RequestHeader header = {};
  Key prefix = {};
};
static_assert(RequestOfSize<IterInitRequest, 280>);
static_assert(offsetof(IterInitRequest, prefix) == 16);

struct IterNextReply {
  static constexpr std::int32_t kId = 5;
  static constexpr std::size_t kMinSize = 304;

  ResponseHeader header;
  Key key;
  Uint64 value_length;
  ValueType type;
  std::uint8_t reserved[7];
};
static_assert(sizeof(IterNextReply) == 304);
static_assert(offsetof(IterNextReply, key) == 24);
static_assert(offsetof(IterNextReply, value_length) == 288);
static_assert(offsetof(IterNextReply, type) == 296);

// CS_ERR_NO_SECTIONS after the last.
struct IterNextRequest {
  static constexpr std::int32_t kId = 5;
  using Reply = IterNextReply;

  RequestHeader header = {};
  Uint64 iterator = 0;
};
static_assert(RequestOfSize<IterNextRequest, 24>);
static_assert(offsetof(IterNextRequest, iterator) == 16);

struct IterFinalizeRequest {
  static constexpr std::int32_t kId = 6;
  using Reply = StatusReply<6>;

  RequestHeader header = {};
  Uint64 iterator = 0;
};
static_assert(RequestOfSize<IterFinalizeRequest, 24>);
static_assert(offsetof(IterFinalizeRequest, iterator) == 16);

}  // namespace cs::wire::cmap

#endif
