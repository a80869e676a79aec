// SPDX-License-Identifier: BSD-3-Clause
// A fast checksum against torn or overwritten data. It does not protect against an attacker.
#ifndef CS_SAM_CHECKSUM_H
#define CS_SAM_CHECKSUM_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace cs::sam {

// Eight independent lanes of 64 bits, so that a processor works on all of them at once. Vectorizing
// makes it slower, since few processors multiply vectors of 64-bit numbers; the build tells
// compilers not to.
class Checksum {
 public:
  static constexpr std::size_t kBlockSize = 64;

  // Every piece but the last is a multiple of kBlockSize long.
  void add(std::span<const std::byte> bytes) noexcept;

  [[nodiscard]] std::uint64_t value() const noexcept {
    std::uint64_t sum = total_ * kMultiplier;
    for (const std::uint64_t lane : lanes_) sum = mix(sum, lane);
    return sum ^ (sum >> 29);
  }

 private:
  static constexpr std::size_t kLanes = kBlockSize / sizeof(std::uint64_t);
  static constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15;  // odd: no information is lost
  using Lanes = std::array<std::uint64_t, kLanes>;

  // A product carries differences upwards only, so those at the top are brought down first.
  static std::uint64_t mix(std::uint64_t lane, std::uint64_t word) noexcept {
    const std::uint64_t both = lane ^ word;
    return (both ^ (both >> 32)) * kMultiplier;
  }

  template <std::size_t... Lane>
  static Lanes add_block(const Lanes& lanes, const std::byte* block,
                         std::index_sequence<Lane...>) noexcept;
  void add_last(std::span<const std::byte> bytes) noexcept;

  Lanes lanes_ = {1, 2, 3, 4, 5, 6, 7, 8};
  std::uint64_t total_ = 0;
};

}  // namespace cs::sam

#endif
