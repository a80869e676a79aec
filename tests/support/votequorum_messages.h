// SPDX-License-Identifier: BSD-3-Clause
// Messages of the votequorum service put together byte by byte from the protocol's description, not
// from the structs under test: right ones, and a way to make them wrong.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace cs::test {

// The two words of a 64-bit number: the protocol has the byte order of the machine.
constexpr std::array<std::uint32_t, 2> halves(std::uint64_t number) {
  return std::bit_cast<std::array<std::uint32_t, 2>>(number);
}

// A message that can be written to at any offset.
class Message {
 public:
  // A header of a reply or event, filled in; `padding` is what the bytes not named hold, since a
  // daemon sends leftovers there.
  Message(std::int32_t id, std::size_t size, std::uint8_t padding = 0xa5)
      : bytes_(size, std::byte{padding}) {
    put32(0, static_cast<std::uint32_t>(id));
    put32(8, static_cast<std::uint32_t>(size));
    put32(16, 1);
  }

  Message& put32(std::size_t offset, std::uint32_t value) { return put(offset, &value, 4); }
  Message& put64(std::size_t offset, std::uint64_t value) { return put(offset, &value, 8); }
  Message& put_bytes(std::size_t offset, std::span<const std::byte> data) {
    return put(offset, data.data(), data.size());
  }
  Message& error(std::int32_t code) { return put32(16, static_cast<std::uint32_t>(code)); }
  // What the header claims, whatever the message holds.
  Message& claimed_size(std::int32_t size) { return put32(8, static_cast<std::uint32_t>(size)); }
  Message& id(std::int32_t id) { return put32(0, static_cast<std::uint32_t>(id)); }
  // Cut or lengthened, with the header telling the truth about it if it is still there.
  Message& resize(std::size_t size) {
    bytes_.resize(size, std::byte{0});
    return put32(8, static_cast<std::uint32_t>(size));
  }

  [[nodiscard]] std::span<std::byte> bytes() { return bytes_; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }

 private:
  // What lies beyond the end is left out: a message cut short has no such field.
  Message& put(std::size_t offset, const void* data, std::size_t size) {
    if (size > 0 && offset + size <= bytes_.size()) std::memcpy(bytes_.data() + offset, data, size);
    return *this;
  }

  std::vector<std::byte> bytes_;
};

using Nodes = std::vector<std::pair<std::uint32_t, std::uint32_t>>;  // node id, state

inline Message status_reply(std::int32_t error = 1) { return Message(0, 24).error(error); }

// Fields as getinfo of the tests expects them; votes tell which request was answered.
inline Message info_reply(std::uint32_t node_id, std::uint32_t votes = 1) {
  Message message(1, 320);
  message.put32(24, node_id).put32(28, 1).put32(32, votes).put32(36, 3).put32(40, 4);
  message.put32(44, 5).put32(48, 2).put32(52, 2 | 64).put32(56, 6);
  std::vector<std::byte> name(255);
  std::memcpy(name.data(), "Qdevice", 7);
  return message.put_bytes(60, name);
}

inline Message quorum_event(std::uint64_t context, std::uint32_t quorate, const Nodes& nodes) {
  Message message(3, 48 + 8 * nodes.size());
  message.put32(24, quorate).put64(32, context);
  message.put32(40, static_cast<std::uint32_t>(nodes.size()));
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    message.put32(48 + 8 * i, nodes[i].first).put32(52 + 8 * i, nodes[i].second);
  }
  return message;
}

inline Message expected_votes_event(std::uint64_t context, std::uint32_t votes) {
  return Message(4, 40).put64(24, context).put32(32, votes);
}

inline Message nodelist_event(std::uint64_t context, std::uint32_t ring_node,
                              std::uint64_t ring_sequence,
                              const std::vector<std::uint32_t>& nodes) {
  Message message(5, 56 + 4 * nodes.size());
  message.put64(24, context).put32(32, ring_node).put64(40, ring_sequence);
  message.put32(48, static_cast<std::uint32_t>(nodes.size()));
  for (std::size_t i = 0; i < nodes.size(); ++i) message.put32(56 + 4 * i, nodes[i]);
  return message;
}

inline std::vector<std::byte> as_bytes(const std::string& text) {
  std::vector<std::byte> bytes(text.size());
  if (!text.empty()) std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

inline Message extra_info_event(std::uint64_t context, std::uint32_t node_id,
                                const std::string& data) {
  Message message(7, 48 + data.size());
  message.put64(24, context).put32(32, node_id);
  message.put32(40, static_cast<std::uint32_t>(data.size()));
  return message.put_bytes(48, as_bytes(data));
}

// Four bytes of leftovers come behind the data, other ones than the tests fill memory with.
inline Message extra_info_reply(const std::string& data) {
  Message message(6, 32 + data.size(), 0x3c);
  message.put32(24, static_cast<std::uint32_t>(data.size()));
  return message.put_bytes(28, as_bytes(data));
}

}  // namespace cs::test
