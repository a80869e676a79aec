// SPDX-License-Identifier: BSD-3-Clause
// Which file a descriptor stands for.
#ifndef CS_COMMON_FILE_IDENTITY_H
#define CS_COMMON_FILE_IDENTITY_H

#include <cerrno>
#include <sys/stat.h>

namespace cs {

// An application that closes every descriptor it does not know soon opens something else under the
// same number; nothing of ours may be done to that.
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

  // By the numbers that fstat would tell.
  [[nodiscard]] static FileIdentity of(dev_t device, ino_t inode) noexcept {
    FileIdentity identity;
    identity.device_ = device;
    identity.inode_ = inode;
    identity.known_ = true;
    return identity;
  }

  // False, with errno, when the file could not be looked at.
  [[nodiscard]] bool is_known() const noexcept { return known_; }

  [[nodiscard]] bool is_behind(int fd) const noexcept {
    const FileIdentity other(fd);
    return known_ && other.known_ && device_ == other.device_ && inode_ == other.inode_;
  }

  // True unless another file is certain to be there, or none.
  [[nodiscard]] bool may_be_behind(int fd) const noexcept {
    const FileIdentity other(fd);
    if (!other.known_) return errno != EBADF;
    return !known_ || (device_ == other.device_ && inode_ == other.inode_);
  }

 private:
  dev_t device_ = 0;
  ino_t inode_ = 0;
  bool known_ = false;
};

}  // namespace cs

#endif
