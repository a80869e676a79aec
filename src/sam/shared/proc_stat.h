// SPDX-License-Identifier: BSD-3-Clause
// What /proc says of a process that has ended and that nobody has reaped.
#ifndef CS_SAM_PROC_STAT_H
#define CS_SAM_PROC_STAT_H

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include "common/unique_fd.h"

namespace cs::sam {

// The line of a process, from its state on. The state follows the name, which may hold anything,
// parentheses too.
class ProcStat {
 public:
  explicit ProcStat(pid_t pid) noexcept {
    char path[32];
    (void)std::snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    const UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
    const ssize_t size = file ? ::read(file.get(), text_, sizeof(text_) - 1) : 0;
    text_[size > 0 ? size : 0] = '\0';
    const char* const end = std::strrchr(text_, ')');
    if (end != nullptr && end[1] == ' ') fields_ = end + 2;
  }

  [[nodiscard]] bool is_zombie() const noexcept { return *fields_ == 'Z'; }
  // The last field of a zombie's line. 0 where we are not allowed to know.
  [[nodiscard]] int wait_status() const noexcept {
    const char* const last = std::strrchr(fields_, ' ');
    return last != nullptr ? static_cast<int>(std::strtol(last + 1, nullptr, 10)) : 0;
  }

 private:
  char text_[1024];
  const char* fields_ = "";
};

}  // namespace cs::sam

#endif
