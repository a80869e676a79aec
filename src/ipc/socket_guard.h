// SPDX-License-Identifier: BSD-3-Clause
// Protects descriptor 0 from libqb, which closes it when it cannot get a socket.
#ifndef CS_IPC_SOCKET_GUARD_H
#define CS_IPC_SOCKET_GUARD_H

#include "common/unique_fd.h"

namespace cs::ipc {

// Put it around the call in which libqb makes its socket. That call should not fail, since there
// are known to be descriptors just before. If it does, what descriptor 0 stood for is put back.
//
// The file is kept in a message that nobody receives, not as a second descriptor: closing that
// would drop the application's locks on the file (fcntl(2)).
class SocketGuard {
 public:
  SocketGuard() noexcept = default;
  SocketGuard(const SocketGuard&) = delete;
  SocketGuard& operator=(const SocketGuard&) = delete;

  // False, with errno and without effect, when fewer than least descriptors would be left.
  [[nodiscard]] bool prepare(int least) noexcept;

  // Call after the call has failed. Keeps errno.
  void put_back() noexcept;

 private:
  void keep(int sender) const noexcept;

  int flags_ = -1;    // of descriptor 0; -1 if there is none
  UniqueFd message_;  // the socket that holds the message
};

}  // namespace cs::ipc

#endif
