// SPDX-License-Identifier: BSD-3-Clause
// The checksum's loop, apart from what uses it: it alone is compiled for speed.
#include "sam/shared/checksum.h"

#include <cstring>

namespace cs::sam {
namespace {

std::uint64_t word_at(const std::byte* block, std::size_t index) noexcept {
  std::uint64_t word;
  std::memcpy(&word, block + index * sizeof(word), sizeof(word));
  return word;
}

}  // namespace

template <std::size_t... Lane>
Checksum::Lanes Checksum::add_block(const Lanes& lanes, const std::byte* block,
                                    std::index_sequence<Lane...>) noexcept {
  return {mix(lanes[Lane], word_at(block, Lane))...};
}

void Checksum::add(std::span<const std::byte> bytes) noexcept {
  total_ += bytes.size();
  Lanes lanes = lanes_;
  for (; bytes.size() >= kBlockSize; bytes = bytes.subspan(kBlockSize)) {
    lanes = add_block(lanes, bytes.data(), std::make_index_sequence<kLanes>());
  }
  lanes_ = lanes;
  if (!bytes.empty()) add_last(bytes);
}

void Checksum::add_last(std::span<const std::byte> bytes) noexcept {
  std::byte block[kBlockSize] = {};
  std::memcpy(block, bytes.data(), bytes.size());
  lanes_ = add_block(lanes_, block, std::make_index_sequence<kLanes>());
}

}  // namespace cs::sam
