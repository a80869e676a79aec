// SPDX-License-Identifier: BSD-3-Clause
// What a daemon that has gone mad, or is none, may send: bytes by chance, and right messages with
// something wrong about them. The same for the same seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>

#include "support/votequorum_messages.h"

namespace cs::test {

class Noise {
 public:
  explicit Noise(std::uint32_t seed) : random_(seed) {}

  // Evenly, below the limit.
  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }

  // True in so many of a hundred cases.
  bool happens(std::uint32_t percent) { return below(100) < percent; }

  Message bytes() {
    Message message(0, 1 + below(happens(10) ? kLongest : 400));
    for (std::byte& byte : message.bytes()) byte = static_cast<std::byte>(below(256));
    return message;
  }

  // Some bytes of it changed, or its length (its header tells the true one), or what it says it is,
  // or all of it.
  Message spoilt(Message message) {
    switch (below(5)) {
      case 0:
        return bytes();
      case 1:
        return message.resize(1 + below(static_cast<std::uint32_t>(2 * message.size())));
      case 2:
        return message.id(static_cast<std::int32_t>(below(12)) - 2);
      case 3:
        return message.error(static_cast<std::int32_t>(below(120)) - 5);
      default:
        for (std::uint32_t i = 0, count = 1 + below(8); i < count; ++i) {
          const auto at = below(static_cast<std::uint32_t>(message.size()));
          message.bytes()[at] = static_cast<std::byte>(below(256));
        }
        return message;
    }
  }

 private:
  static constexpr std::uint32_t kLongest = 20'000;  // longer than any message of the protocol

  std::mt19937 random_;
};

}  // namespace cs::test
