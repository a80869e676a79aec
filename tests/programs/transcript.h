// SPDX-License-Identifier: BSD-3-Clause
// What was seen while a program ran on one set of libraries, to be compared with the other set:
// text without what differs between any two runs (dates, ring sequence numbers, pids).
#pragma once

#include <string>

#include "support/child.h"

namespace cs::test {

// The text with those parts replaced by their names.
[[nodiscard]] std::string normalized(const std::string& text);

class Transcript {
 public:
  void add(const std::string& heading, const Outcome& outcome);
  void add(const std::string& heading, const std::string& text);
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace cs::test
