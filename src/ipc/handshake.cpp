// SPDX-License-Identifier: BSD-3-Clause
// Making a libqb connection: in two steps, so that the listener's credentials can be looked at
// before libqb opens files whose names the listener chooses, and the wait for it has an end.
#include "ipc/handshake.h"

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "common/status.h"
#include "common/unique_fd.h"

namespace cs::ipc {
namespace {

// libqb closes descriptor 0, which is not its own, when it cannot get a socket. So it is only asked
// when sockets are to be had; should another thread take the last one in between, what descriptor 0
// stood for is put back.
class DescriptorZero {
 public:
  DescriptorZero() noexcept : flags_(::fcntl(0, F_GETFD)) {
    if (flags_ >= 0) copy_.reset(::fcntl(0, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  }
  DescriptorZero(const DescriptorZero&) = delete;
  DescriptorZero& operator=(const DescriptorZero&) = delete;
  ~DescriptorZero() {
    const int saved = errno;
    if (copy_ && ::fcntl(0, F_GETFD) < 0) put_back();
    errno = saved;
  }

  // False, with errno, when there is no descriptor left for a copy.
  [[nodiscard]] bool is_safe() const noexcept { return flags_ < 0 || copy_; }

 private:
  // The number may be another thread's by now: then a higher one comes, and is given back.
  void put_back() const noexcept {
    const int command = (flags_ & FD_CLOEXEC) != 0 ? F_DUPFD_CLOEXEC : F_DUPFD;
    UniqueFd back(::fcntl(copy_.get(), command, 0));
    if (back.get() == 0) (void)back.release();
  }

  const int flags_;
  UniqueFd copy_;
};

bool sockets_available() noexcept {
  return static_cast<bool>(UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)));
}

// The daemon's socket names can be bound by any user while the daemon is down.
bool listener_is_trusted(int fd) noexcept {
  ucred listener{};
  socklen_t length = sizeof(listener);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &listener, &length) != 0) return false;
  return length == sizeof(listener) && (listener.uid == 0 || listener.uid == ::geteuid());
}

// Whether the listener has answered before the deadline; signals do not end the wait.
bool wait_for_answer(int fd, Deadline deadline) noexcept {
  for (;;) {
    pollfd event{.fd = fd, .events = POLLIN, .revents = 0};
    const Nanoseconds now = monotonic_now();
    const int ready = ::poll(&event, 1, deadline.poll_timeout(now));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
    if (deadline.has_passed(monotonic_now())) return false;
  }
}

// A connection after the first of the two steps.
class HalfConnection {
 public:
  HalfConnection(const char* service, std::size_t message_size) noexcept
      : connection_(qb_ipcc_connect_async(service, message_size, &fd_)) {}
  HalfConnection(const HalfConnection&) = delete;
  HalfConnection& operator=(const HalfConnection&) = delete;

  // libqb leaves the descriptor open in this state, and this order leaks nothing.
  ~HalfConnection() {
    if (connection_ == nullptr) return;
    const int saved = errno;
    qb_ipcc_disconnect(connection_);
    ::close(fd_);
    errno = saved;
  }

  [[nodiscard]] explicit operator bool() const noexcept { return connection_ != nullptr; }
  [[nodiscard]] int fd() const noexcept { return fd_; }

  // Whatever the outcome, libqb owns the descriptor from here on; on failure it has freed it all.
  [[nodiscard]] Result<qb_ipcc_connection_t*> complete() noexcept {
    qb_ipcc_connection_t* const connection = std::exchange(connection_, nullptr);
    const int result = qb_ipcc_connect_continue(connection);
    if (result == 0) return connection;
    errno = -result;
    return status_from_qb(result);
  }

 private:
  int fd_ = -1;
  qb_ipcc_connection_t* connection_;
};

Result<qb_ipcc_connection_t*> fail(int error) noexcept {
  errno = error;
  return status_from_errno(error);
}

}  // namespace

Result<qb_ipcc_connection_t*> shake_hands(const char* service, std::size_t message_size,
                                          Deadline deadline) noexcept {
  const DescriptorZero zero;
  if (!zero.is_safe() || !sockets_available()) return fail(errno);
  HalfConnection half(service, message_size);
  if (!half) return fail(errno);
  if (!listener_is_trusted(half.fd())) return fail(EACCES);
  if (!wait_for_answer(half.fd(), deadline)) return fail(EAGAIN);
  return half.complete();
}

}  // namespace cs::ipc
