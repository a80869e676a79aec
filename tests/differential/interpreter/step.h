// SPDX-License-Identifier: BSD-3-Clause
// One line of a program: who does what. The file README.md beside this folder tells the language.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace cs::differential {

struct Step {
  unsigned line = 0;
  unsigned instance = 0;  // only this instance of a SAM application does it; 0: whoever gets there
  std::string who;        // a thread or a forked process; empty: the one that reads the program
  bool waits = true;      // false: the step goes on in its thread while the next ones are done
  std::vector<std::string> words;  // what to do, and with what

  [[nodiscard]] const std::string& word(std::size_t index) const {
    static const std::string kNone;
    return index < words.size() ? words[index] : kNone;
  }
  [[nodiscard]] long number(std::size_t index) const;
  // The step that begins with that word: what a callback or a repetition does.
  [[nodiscard]] Step after(std::size_t index) const;
};

[[nodiscard]] Step parse_step(unsigned line, const std::string& text);
// Lines that are empty or begin with # are left out.
[[nodiscard]] std::vector<Step> read_program(const std::string& path);

// Does a step here and now. False if there is no such word.
bool perform(const Step& step);

}  // namespace cs::differential
