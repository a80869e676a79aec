// SPDX-License-Identifier: BSD-3-Clause
// A memory control group of a test's own, of either version, where the machine lets us make one.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "support/child.h"

namespace cs::faults {

class MemoryCgroup {
 public:
  // None, and why, when there can be none here.
  static std::optional<MemoryCgroup> make(std::string& why) {
    const std::filesystem::path root = "/sys/fs/cgroup";
    const bool is_second = std::filesystem::exists(root / "cgroup.controllers");
    const std::filesystem::path parent = is_second ? root : root / "memory";
    const auto folder = parent / ("cs-faults-" + std::to_string(::getpid()));
    std::error_code error;
    if (!std::filesystem::create_directory(folder, error)) {
      why = folder.string() + ": " + error.message();
      return {};
    }
    MemoryCgroup made(folder, is_second);
    if (std::filesystem::exists(folder / made.limit_file())) return made;
    why = "no memory controller in " + parent.string();
    return {};
  }

  MemoryCgroup(MemoryCgroup&& other) noexcept
      : folder_(std::exchange(other.folder_, {})), is_second_(other.is_second_) {}
  MemoryCgroup& operator=(MemoryCgroup&&) = delete;
  // Goes once its last process has.
  ~MemoryCgroup() {
    if (folder_.empty()) return;
    (void)test::eventually([this] { return ::rmdir(folder_.c_str()) == 0 || errno == ENOENT; });
  }

  [[nodiscard]] bool limit(std::size_t bytes) const {
    // Swap would be a way out.
    (void)write(is_second_ ? "memory.swap.max" : "memory.swappiness", "0");
    return write(limit_file(), std::to_string(bytes));
  }
  // Instead of ending a process, calls fail that want more. Only the first version can do that.
  [[nodiscard]] bool spare_processes() const {
    return !is_second_ && write("memory.oom_control", "1");
  }
  // The calling process and its children.
  [[nodiscard]] bool enter() const { return write("cgroup.procs", std::to_string(::getpid())); }

 private:
  MemoryCgroup(std::filesystem::path folder, bool is_second)
      : folder_(std::move(folder)), is_second_(is_second) {}

  [[nodiscard]] const char* limit_file() const {
    return is_second_ ? "memory.max" : "memory.limit_in_bytes";
  }
  [[nodiscard]] bool write(const char* name, const std::string& text) const {
    std::ofstream file(folder_ / name);
    file << text << std::flush;
    return static_cast<bool>(file);
  }

  std::filesystem::path folder_;
  bool is_second_;
};

}  // namespace cs::faults
