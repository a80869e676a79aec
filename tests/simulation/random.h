// SPDX-License-Identifier: BSD-3-Clause
// Where the simulation's choices come from: a seed, or the bytes of a fuzzer until there are none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace cs::sam::simulation {

class Random {
 public:
  explicit Random(std::uint64_t seed, std::span<const std::byte> bytes = {})
      : state_(seed * 0x9e3779b97f4a7c15U + 0x853c49e6748fea9bU), bytes_(bytes) {}

  std::uint64_t next() {
    if (!bytes_.empty()) return next_byte();
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31);
  }

  // One of 0 to count - 1.
  std::int64_t below(std::int64_t count) {
    return static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(count));
  }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return high > low ? low + below(high - low + 1) : low;
  }
  // True once in so many times; never for 0.
  bool once_in(std::int64_t count) { return count != 0 && below(count) == 0; }

  template <typename T, std::size_t N>
  T one_of(const T (&values)[N]) {
    return values[static_cast<std::size_t>(below(N))];
  }

 private:
  // Two bytes, so that rare things can be chosen as well.
  std::uint64_t next_byte() {
    std::uint64_t value = 0;
    for (int i = 0; i < 2 && !bytes_.empty(); ++i) {
      value = value << 8 | static_cast<std::uint64_t>(bytes_.front());
      bytes_ = bytes_.subspan(1);
    }
    return value;
  }

  std::uint64_t state_;
  std::span<const std::byte> bytes_;
};

}  // namespace cs::sam::simulation
