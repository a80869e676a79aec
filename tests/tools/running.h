// SPDX-License-Identifier: BSD-3-Clause
// A sam-run at work, and what it and its command have written so far.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "support/child.h"
#include "support/proc.h"

namespace cs::test {

// A folder for what the processes of a test write, gone with this object.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string path = (std::filesystem::temp_directory_path() / "cs-run-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = path;
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class Running {
 public:
  // Its output goes to a file, as its command's does. `options` come before "--".
  Running(const std::vector<std::string>& options, const std::vector<std::string>& command,
          ProgramOptions how = {}) {
    std::vector<std::string> argv = {CS_SAM_RUN};
    argv.insert(argv.end(), options.begin(), options.end());
    argv.emplace_back("--");
    argv.insert(argv.end(), command.begin(), command.end());
    how.output_file = folder_ / "output";
    process_ = Child::exec(argv, std::move(how));
  }

  [[nodiscard]] Child& process() { return process_; }
  [[nodiscard]] Outcome wait() {
    Outcome outcome = process_.wait();
    outcome.output = output();
    return outcome;
  }
  [[nodiscard]] std::string output() const { return read_file(folder_ / "output"); }
  // How many lines begin with this.
  [[nodiscard]] int count(const std::string& beginning) const {
    std::istringstream lines(output());
    int result = 0;
    for (std::string line; std::getline(lines, line);)
      result += line.starts_with(beginning) ? 1 : 0;
    return result;
  }
  [[nodiscard]] testing::AssertionResult comes_to(int times, const std::string& beginning) const {
    if (eventually([&] { return count(beginning) >= times; })) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "not " << times << " times '" << beginning << "' in:\n"
                                       << output();
  }
  // What follows it in the last such line, as a number.
  [[nodiscard]] int number_after(const std::string& beginning) const {
    const std::string text = output();
    const std::size_t at = text.rfind(beginning);
    return at == std::string::npos ? 0 : std::atoi(text.c_str() + at + beginning.size());
  }
  [[nodiscard]] std::string file(const std::string& name) const { return folder_ / name; }

 private:
  ScratchFolder folder_;
  Child process_;
};

// Commands, as scripts for the shell.
inline std::vector<std::string> shell(const std::string& script) {
  return {"/bin/sh", "-c", script};
}
// Says its process id and goes on for a minute; ends by the warn signal.
inline const std::vector<std::string> kYielding = shell("echo started $$; exec sleep 60");
// Says that it was warned, and goes on.
inline const std::vector<std::string> kStubborn = shell(
    "trap 'echo warned' TERM; echo started $$; n=0; "
    "while [ $n -lt 1200 ]; do sleep 0.05; n=$((n + 1)); done");

}  // namespace cs::test
