// SPDX-License-Identifier: BSD-3-Clause
// Reading /proc/PID/status.
#include "sam/operator/excuse.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "common/unique_fd.h"

namespace cs::sam {

// A newline in the process's name is escaped there, so none of its making begins a line.
Excuse parse_excuse(const char* status) noexcept {
  if (std::strstr(status, "\nState:\tt") != nullptr) return Excuse::kHeldByDebugger;
  return std::strstr(status, "\nCoreDumping:\t1") != nullptr ? Excuse::kDumpingCore : Excuse::kNone;
}

Excuse find_excuse(pid_t pid) noexcept {
  const int error = errno;
  char text[4096];  // CoreDumping stands behind the list of groups, which may be long
  (void)std::snprintf(text, sizeof(text), "/proc/%d/status", pid);
  const UniqueFd file(::open(text, O_RDONLY | O_CLOEXEC));
  const ssize_t size = file ? ::read(file.get(), text, sizeof(text) - 1) : 0;
  text[size > 0 ? size : 0] = '\0';
  errno = error;
  return parse_excuse(text);
}

}  // namespace cs::sam
