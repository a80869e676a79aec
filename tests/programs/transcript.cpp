// SPDX-License-Identifier: BSD-3-Clause
// Normalized text of what programs print.
#include "programs/transcript.h"

#include <regex>
#include <sstream>

namespace cs::test {

std::string normalized(const std::string& text) {
  static const std::pair<std::regex, const char*> kRules[] = {
      {std::regex("(Date: +)[^\n]*"), "$1DATE"},
      {std::regex("(Ring ID: +[0-9a-f]+)\\.[0-9a-f]+"), "$1.SEQUENCE"},
      {std::regex("(Ring ID:\t+\\([0-9a-f]+)\\.[0-9a-f]+"), "$1.SEQUENCE"},
      {std::regex("\r"), ""},
  };
  std::string result = text;
  for (const auto& [pattern, name] : kRules) result = std::regex_replace(result, pattern, name);
  return result;
}

void Transcript::add(const std::string& heading, const Outcome& outcome) {
  std::ostringstream text;
  text << outcome;
  add(heading, text.str());
}

void Transcript::add(const std::string& heading, const std::string& text) {
  text_ += "### " + heading + "\n" + normalized(text) + "\n";
}

}  // namespace cs::test
