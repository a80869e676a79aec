// SPDX-License-Identifier: BSD-3-Clause
// Descriptors that live inside an application which knows nothing of them.
#ifndef CS_SAM_DESCRIPTOR_H
#define CS_SAM_DESCRIPTOR_H

#include <fcntl.h>
#include <sys/stat.h>

#include "common/unique_fd.h"

namespace cs::sam {

// Moves a descriptor out of the range of standard input, output and error, which daemons replace
// without looking. Empty, with errno, when that fails.
[[nodiscard]] inline UniqueFd above_stdio(UniqueFd fd) noexcept {
  if (!fd || fd.get() > STDERR_FILENO) return fd;
  return UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

// Which file a descriptor stands for. An application that closes every descriptor it does not know
// soon opens something else under the same number; nothing of ours may be written there.
class FileIdentity {
 public:
  constexpr FileIdentity() noexcept = default;
  explicit FileIdentity(int fd) noexcept {
    struct stat status;
    if (::fstat(fd, &status) != 0) return;
    device_ = status.st_dev;
    inode_ = status.st_ino;
    known_ = true;
  }

  // False, with errno, when the file could not be looked at.
  [[nodiscard]] bool is_known() const noexcept { return known_; }

  [[nodiscard]] bool is_behind(int fd) const noexcept {
    const FileIdentity other(fd);
    return known_ && other.known_ && device_ == other.device_ && inode_ == other.inode_;
  }

 private:
  dev_t device_ = 0;
  ino_t inode_ = 0;
  bool known_ = false;
};

}  // namespace cs::sam

#endif
