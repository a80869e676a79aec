// SPDX-License-Identifier: BSD-3-Clause
// The pipes between supervisor and active process.
#include "sam/shared/frames.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include "common/unique_fd.h"
#include "sam/shared/signal_guard.h"

namespace cs::sam {

Pipe open_pipe() noexcept {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {};
  Pipe pipe{above_stdio(UniqueFd(ends[0])), above_stdio(UniqueFd(ends[1]))};
  if (!pipe.read_end || !pipe.write_end) return {};
  return pipe;
}

bool set_nonblocking(int fd) noexcept {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

Sent send_bytes(int fd, std::span<const std::byte> frame) noexcept {
  const SignalGuard signals;
  const CancelGuard cancel;
  ssize_t written;
  do {
    written = ::write(fd, frame.data(), frame.size());
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(frame.size())) return Sent::kDone;
  const bool full = written < 0 && (errno == EAGAIN || errno == ENOMEM);
  return full ? Sent::kFull : Sent::kBroken;
}

Received receive_bytes(int fd, std::span<std::byte> frame) noexcept {
  const CancelGuard guard;
  ssize_t received;
  do {
    received = ::read(fd, frame.data(), frame.size());
  } while (received < 0 && errno == EINTR);
  if (received == static_cast<ssize_t>(frame.size())) return Received::kFrame;
  if (received > 0) return Received::kGarbage;
  if (received == 0) return Received::kClosed;
  return errno == EAGAIN ? Received::kNothing : Received::kBroken;
}

}  // namespace cs::sam
