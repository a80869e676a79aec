// SPDX-License-Identifier: BSD-3-Clause
// Sees to descriptors for libqb, and keeps descriptor 0 in a message.
#include "ipc/socket_guard.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <iterator>
#include <sys/socket.h>
#include <sys/uio.h>

namespace cs::ipc {
namespace {

// A message of one byte, with one descriptor.
struct Parcel {
  Parcel() noexcept {
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
  }

  char byte = 0;
  iovec part{.iov_base = &byte, .iov_len = 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
};

// Opens the descriptors that libqb will need and some more, since other threads may open some in
// between; then closes them.
bool enough_descriptors(std::ptrdiff_t least) noexcept {
  UniqueFd sockets[8];
  const UniqueFd* const end =
      std::find_if_not(std::begin(sockets), std::end(sockets), [](UniqueFd& fd) {
        fd = above_stdio(UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)));
        return static_cast<bool>(fd);
      });
  return end - sockets >= least;
}

}  // namespace

bool SocketGuard::prepare(int least) noexcept {
  flags_ = ::fcntl(0, F_GETFD);
  if (flags_ >= 0 || errno != EBADF) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
      return false;
    const UniqueFd sender(ends[0]);
    message_ = above_stdio(UniqueFd(ends[1]));
    if (!message_) return false;
    keep(sender.get());
  }
  if (enough_descriptors(least)) return true;
  message_.reset();
  return false;
}

// If the kernel refuses, there will be nothing to put back.
void SocketGuard::keep(int sender) const noexcept {
  Parcel parcel;
  cmsghdr* const content = CMSG_FIRSTHDR(&parcel.header);
  content->cmsg_level = SOL_SOCKET;
  content->cmsg_type = SCM_RIGHTS;
  content->cmsg_len = CMSG_LEN(sizeof(int));  // descriptor 0: the data are zero
  [[maybe_unused]] const ssize_t sent = ::sendmsg(sender, &parcel.header, MSG_NOSIGNAL);
}

// Another thread may have taken the number by now. Then a higher one arrives, and is closed.
void SocketGuard::put_back() noexcept {
  const int error = errno;
  Parcel parcel;
  const int flags = (flags_ & FD_CLOEXEC) != 0 ? MSG_CMSG_CLOEXEC : 0;
  if (message_ && ::fcntl(0, F_GETFD) < 0 &&
      ::recvmsg(message_.get(), &parcel.header, flags) >= 0) {
    const cmsghdr* const content = CMSG_FIRSTHDR(&parcel.header);
    int fd = -1;
    if (content != nullptr && content->cmsg_type == SCM_RIGHTS) {
      std::memcpy(&fd, CMSG_DATA(content), sizeof(fd));
    }
    if (fd > 0) ::close(fd);
  }
  errno = error;
}

}  // namespace cs::ipc
