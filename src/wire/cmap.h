// SPDX-License-Identifier: BSD-3-Clause
// Messages of the cmap service, as far as the supervisor needs them: layouts only.
#ifndef CS_WIRE_CMAP_H
#define CS_WIRE_CMAP_H

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "wire/header.h"

namespace cs::wire::cmap {

inline constexpr std::size_t kMaxNameLength = 255;

enum class ValueType : std::uint8_t { kUint64 = 8, kString = 11 };

// A key, or the prefix of some. The daemon reads requests up to the NUL, replies by length.
struct Key {
  std::uint16_t length = 0;
  std::uint16_t reserved[3] = {};
  char name[kMaxNameLength + 1] = {};

  // A name that is too long is cut: callers keep to kMaxNameLength.
  void assign(std::string_view text) noexcept {
    length = static_cast<std::uint16_t>(text.size() < kMaxNameLength ? text.size()
                                                                     : kMaxNameLength);
    std::memcpy(name, text.data(), length);
    std::memset(name + length, 0, sizeof(name) - length);
  }
};
static_assert(std::has_unique_object_representations_v<Key>);
static_assert(sizeof(Key) == 264);
static_assert(offsetof(Key, name) == 8);

// Sent as long as its value: 296 + value_length bytes.
struct SetRequest {
  static constexpr std::int32_t kId = 0;
  static constexpr std::size_t kFixedSize = 296;
  static constexpr std::size_t kMaxValue = 64;  // ours are short; the daemon takes 16384
  using Reply = StatusReply<0>;

  RequestHeader header = {};
  Key key = {};
  std::uint64_t value_length = 0;
  ValueType type = ValueType::kString;
  std::uint8_t reserved[7] = {};
  std::uint8_t value[kMaxValue] = {};
};
static_assert(std::has_unique_object_representations_v<SetRequest>);
static_assert(sizeof(SetRequest) == SetRequest::kFixedSize + SetRequest::kMaxValue);
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
static_assert(std::has_unique_object_representations_v<DeleteRequest>);
static_assert(sizeof(DeleteRequest) == 280);

struct IterInitReply {
  static constexpr std::int32_t kId = 4;
  static constexpr std::size_t kMinSize = 32;

  ResponseHeader header;
  std::uint64_t iterator;
};
static_assert(sizeof(IterInitReply) == IterInitReply::kMinSize);
static_assert(offsetof(IterInitReply, iterator) == 24);

struct IterInitRequest {
  static constexpr std::int32_t kId = 4;
  using Reply = IterInitReply;

  RequestHeader header = {};
  Key prefix = {};
};
static_assert(std::has_unique_object_representations_v<IterInitRequest>);
static_assert(sizeof(IterInitRequest) == 280);

struct IterNextReply {
  static constexpr std::int32_t kId = 5;
  static constexpr std::size_t kMinSize = 304;

  ResponseHeader header;
  Key key;
  std::uint64_t value_length;
  std::uint8_t type;
  std::uint8_t reserved[7];
};
static_assert(sizeof(IterNextReply) == IterNextReply::kMinSize);
static_assert(offsetof(IterNextReply, key) == 24);
static_assert(offsetof(IterNextReply, value_length) == 288);
static_assert(offsetof(IterNextReply, type) == 296);

// Next and finalize differ in their numbers only.
template <std::int32_t Id, typename ReplyType>
struct IteratorRequest {
  static constexpr std::int32_t kId = Id;
  using Reply = ReplyType;

  RequestHeader header = {};
  std::uint64_t iterator = 0;
};
using IterNextRequest = IteratorRequest<5, IterNextReply>;
using IterFinalizeRequest = IteratorRequest<6, StatusReply<6>>;
static_assert(std::has_unique_object_representations_v<IterNextRequest>);
static_assert(sizeof(IterNextRequest) == 24);

}  // namespace cs::wire::cmap

#endif
