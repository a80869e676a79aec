// SPDX-License-Identifier: BSD-3-Clause
// The messages, and the datagram socket that takes them.
#include "sam/operator/notices.h"

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <sys/socket.h>
#include <utility>

namespace cs::sam {

std::size_t format_notice(const ServiceStatus& status, bool is_sign_of_life,
                          char (&text)[kNoticeRoom]) noexcept {
  char reason[kReasonRoom];
  write_reason(status.last_death, reason);
  const unsigned restarts = status.instance > 0 ? status.instance - 1 : 0;
  // As long as it can be, it still fits.
  return static_cast<std::size_t>(
      std::snprintf(text, sizeof(text), "%s%s%sSTATUS=instance %u, %u restart%s%s%s",
                    status.is_ready ? "READY=1\n" : "", status.is_stopping ? "STOPPING=1\n" : "",
                    is_sign_of_life ? "WATCHDOG=1\n" : "", status.instance, restarts,
                    restarts == 1 ? "" : "s", *reason != '\0' ? ", last: " : "", reason));
}

// Connected again after a failure: the service manager may have started again under that name.
bool NoticeSocket::send(std::string_view message) noexcept {
  if (!socket_ && !connect()) return false;
  const ssize_t sent =
      ::send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno != EAGAIN) socket_.reset();
  return sent == static_cast<ssize_t>(message.size());
}

bool NoticeSocket::connect() noexcept {
  UniqueFd socket = above_stdio(UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, settings_.notify_socket, settings_.notify_socket_length);
  const auto length =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + settings_.notify_socket_length);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
    return false;
  }
  socket_ = std::move(socket);
  return true;
}

}  // namespace cs::sam
