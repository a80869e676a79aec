// SPDX-License-Identifier: BSD-3-Clause
// The checksum: every bit counts, however the bytes come.
#include "sam/shared/checksum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "sam_units/shared/store_bytes.h"

namespace cs::sam {
namespace {

TEST(SamChecksum, EveryBitAndTheLengthCount) {
  const Bytes bytes = pattern(200, 5);
  const auto sum = [](const Bytes& of) {
    Checksum checksum;
    checksum.add(std::as_bytes(std::span(of)));
    return checksum.value();
  };
  std::vector<std::uint64_t> sums = {sum(bytes), sum(Bytes())};
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes changed = bytes;
    changed[bit / 8] ^= static_cast<unsigned char>(1U << (bit % 8));
    sums.push_back(sum(changed));
  }
  for (std::size_t length = 1; length < 200; ++length) {
    sums.push_back(sum(Bytes(length, 0)));
  }
  std::sort(sums.begin(), sums.end());
  EXPECT_EQ(std::adjacent_find(sums.begin(), sums.end()), sums.end());
}

TEST(SamChecksum, PiecesGiveTheSameAsTheWhole) {
  const Bytes bytes = pattern(1000, 6);
  Checksum whole, pieces;
  whole.add(std::as_bytes(std::span(bytes)));
  pieces.add(std::as_bytes(std::span(bytes).first(64)));
  pieces.add(std::as_bytes(std::span(bytes).subspan(64, 640)));
  pieces.add(std::as_bytes(std::span(bytes).subspan(704)));
  EXPECT_EQ(whole.value(), pieces.value());
}

}  // namespace
}  // namespace cs::sam
