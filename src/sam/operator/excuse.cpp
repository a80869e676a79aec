// SPDX-License-Identifier: BSD-3-Clause
// Reading /proc/PID/status.
#include "sam/operator/excuse.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
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

// CoreDumping stands behind the list of groups, which may have many thousand entries. So it is
// read in pieces, and a line that is cut in two is put together.
Excuse read_excuse(int fd) noexcept {
  constexpr std::size_t kKept = sizeof("\nCoreDumping:\t") - 1;
  char text[1024];
  std::size_t length = 0;
  for (;;) {
    const ssize_t size = ::read(fd, text + length, sizeof(text) - 1 - length);
    if (size <= 0) return Excuse::kNone;
    length += static_cast<std::size_t>(size);
    text[length] = '\0';
    if (const Excuse excuse = parse_excuse(text); excuse != Excuse::kNone) return excuse;
    const std::size_t kept = std::min(length, kKept);
    std::memmove(text, text + length - kept, kept);
    length = kept;
  }
}

Excuse find_excuse(pid_t pid) noexcept {
  const int error = errno;
  char path[32];
  (void)std::snprintf(path, sizeof(path), "/proc/%d/status", pid);
  const UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
  const Excuse excuse = file ? read_excuse(file.get()) : Excuse::kNone;
  errno = error;
  return excuse;
}

}  // namespace cs::sam
