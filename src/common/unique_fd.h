// SPDX-License-Identifier: BSD-3-Clause
// Ownership of a file descriptor.
#ifndef CS_COMMON_UNIQUE_FD_H
#define CS_COMMON_UNIQUE_FD_H

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace cs {

// Sole owner of one file descriptor.
class UniqueFd {
 public:
  UniqueFd() noexcept = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, kNone); }

  // Keeps errno, which callers may read after a failure. Does not retry on EINTR: Linux has freed
  // the number already, and another thread may hold it by now.
  void reset(int fd = kNone) noexcept {
    const int old = std::exchange(fd_, fd);
    if (old < 0) return;
    const int saved = errno;
    ::close(old);
    errno = saved;
  }

 private:
  static constexpr int kNone = -1;
  int fd_ = kNone;
};

// Moves a descriptor above standard input, output and error, which daemons replace without looking.
// Empty, with errno, when that fails.
[[nodiscard]] inline UniqueFd above_stdio(UniqueFd fd) noexcept {
  if (!fd || fd.get() > STDERR_FILENO) return fd;
  return UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

}  // namespace cs

#endif
