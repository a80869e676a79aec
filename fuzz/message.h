// SPDX-License-Identifier: BSD-3-Clause
// What the fuzz targets share: the bytes of one input, and a check that also holds in a release.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include "wire/header.h"

namespace cs::fuzz {

// Stops the fuzzer, which keeps the input. Used instead of assert: the target says what it found.
inline void require(bool holds) {
  if (!holds) __builtin_trap();
}

// A copy of its own for each message, not a byte longer: address sanitizer sees the first byte that
// is read past it. Aligned as buffers of messages are.
class Message {
 public:
  explicit Message(std::span<const std::byte> bytes)
      : bytes_(new std::byte[bytes.size()]), size_(bytes.size()) {
    if (size_ > 0) std::memcpy(bytes_.get(), bytes.data(), size_);
  }

  [[nodiscard]] std::span<std::byte> bytes() { return {bytes_.get(), size_}; }
  [[nodiscard]] bool holds(std::span<const std::byte> other) const {
    return other.size() == size_ &&
           (size_ == 0 || std::memcmp(bytes_.get(), other.data(), size_) == 0);
  }

  // Makes the length field true, which random bytes do too seldom to get any further.
  void correct_size() {
    if (size_ < sizeof(wire::ResponseHeader)) return;
    const auto size = static_cast<std::int32_t>(size_);
    std::memcpy(bytes_.get() + offsetof(wire::ResponseHeader, size), &size, sizeof(size));
  }

  // Of a message that has one.
  [[nodiscard]] wire::ResponseHeader header() const {
    wire::ResponseHeader header;
    std::memcpy(&header, bytes_.get(), sizeof(header));
    return header;
  }

 private:
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t size_;
};

inline std::span<const std::byte> input(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span(data, size));
}

// Whether a list that was read out of a message lies in it, and is its end.
template <typename Entry>
[[nodiscard]] bool ends_message(std::span<Entry> list, std::span<const std::byte> message) {
  const auto bytes = std::as_bytes(list);
  return bytes.data() >= message.data() &&
         bytes.data() + bytes.size() == message.data() + message.size();
}

}  // namespace cs::fuzz
