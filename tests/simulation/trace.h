// SPDX-License-Identifier: BSD-3-Clause
// What is written down of one run, so that a failure can be read: nothing, unless it is replayed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/clock.h"

namespace cs::sam::simulation {

class Trace {
 public:
  // What to do with the text of a broken invariant; it does not return.
  using Failed = void (*)(const Trace& trace, const std::string& what);

  Trace(std::uint64_t seed, bool is_on, Failed failed)
      : seed_(seed), is_on_(is_on), failed_(failed) {}

  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  [[nodiscard]] bool is_on() const { return is_on_; }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

  [[gnu::format(printf, 3, 4)]] void note(Nanoseconds now, const char* format, ...);
  [[noreturn]] void fail(Nanoseconds now, const char* invariant);

 private:
  const std::uint64_t seed_;
  const bool is_on_;
  const Failed failed_;
  std::vector<std::string> lines_;
};

}  // namespace cs::sam::simulation
