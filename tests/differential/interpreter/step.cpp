// SPDX-License-Identifier: BSD-3-Clause
// Programs as text.
#include "differential/interpreter/step.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace cs::differential {
namespace {

bool is_instance(const std::string& word) {
  return word.size() > 1 && word.back() == ':' &&
         std::all_of(word.begin(), word.end() - 1, [](unsigned char c) { return std::isdigit(c); });
}

// t1: and t1& are threads, c1: is a child.
bool is_somebody(const std::string& word) {
  return word.size() == 3 && (word[0] == 't' || word[0] == 'c') && std::isdigit(word[1]) != 0 &&
         (word[2] == ':' || word[2] == '&');
}

}  // namespace

long Step::number(std::size_t index) const { return std::strtol(word(index).c_str(), nullptr, 0); }

Step Step::after(std::size_t index) const {
  Step step = *this;
  step.who.clear();
  step.waits = true;
  step.words.erase(step.words.begin(),
                   step.words.begin() + static_cast<std::ptrdiff_t>(std::min(index, words.size())));
  return step;
}

Step parse_step(unsigned line, const std::string& text) {
  Step step;
  step.line = line;
  std::istringstream in(text);
  for (std::string word; in >> word;) {
    if (step.words.empty() && is_instance(word)) {
      step.instance = static_cast<unsigned>(std::strtoul(word.c_str(), nullptr, 10));
    } else if (step.words.empty() && step.who.empty() && is_somebody(word)) {
      step.who = word.substr(0, 2);
      step.waits = word.back() == ':';
    } else {
      step.words.push_back(word);
    }
  }
  return step;
}

std::vector<Step> read_program(const std::string& path) {
  std::vector<Step> program;
  std::ifstream file(path);
  unsigned line = 0;
  for (std::string text; std::getline(file, text);) {
    ++line;
    if (text.empty() || text[0] == '#') continue;
    program.push_back(parse_step(line, text));
  }
  return program;
}

}  // namespace cs::differential
