// SPDX-License-Identifier: BSD-3-Clause
// Reads /proc.
#include "support/proc.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace cs::test::proc {
namespace {

std::filesystem::path folder(pid_t pid) { return "/proc/" + std::to_string(pid); }

}  // namespace

std::string status(pid_t pid, const std::string& name) {
  std::ifstream file(folder(pid) / "status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":")) {
      const auto start = line.find_first_not_of(" \t", name.size() + 1);
      return start == std::string::npos ? "" : line.substr(start);
    }
  }
  return "";
}

std::int64_t status_number(pid_t pid, const std::string& name) {
  return std::atoll(status(pid, name).c_str());
}

std::int64_t processor_time(pid_t pid) {
  std::ifstream file(folder(pid) / "schedstat");
  std::int64_t nanoseconds = 0;
  file >> nanoseconds;
  return nanoseconds;
}

char state(pid_t pid) {
  const std::string text = status(pid, "State");
  return text.empty() ? '\0' : text[0];
}

bool exists(pid_t pid) { return state(pid) != '\0'; }

std::size_t count_descriptors(pid_t pid) {
  std::size_t found = 0;
  std::error_code ignored;
  for (auto it = std::filesystem::directory_iterator(folder(pid) / "fd", ignored);
       it != std::filesystem::directory_iterator(); it.increment(ignored)) {
    ++found;
  }
  return found;
}

std::vector<pid_t> children(pid_t pid) {
  std::ifstream file(folder(pid) / "task" / std::to_string(pid) / "children");
  std::vector<pid_t> found;
  for (pid_t child; file >> child;) found.push_back(child);
  return found;
}

std::size_t count_zombies_of(pid_t parent) {
  std::size_t found = 0;
  for (const pid_t child : children(parent)) found += state(child) == 'Z' ? 1U : 0U;
  return found;
}

}  // namespace cs::test::proc
