// SPDX-License-Identifier: BSD-3-Clause
// Keeps descriptor 0 from libqb, which closes it, though it is not its own, when it cannot get a
// socket.
#ifndef CS_IPC_SOCKET_GUARD_H
#define CS_IPC_SOCKET_GUARD_H

#include "common/unique_fd.h"

namespace cs::ipc {

// Around the call in which libqb makes its socket. It should not fail, since descriptors are known
// to be there just before; if it does, what descriptor 0 stood for is put back.
//
// It is kept in a message that nobody receives, not as another descriptor: closing that would drop
// the locks that the application has on the file (fcntl(2)).
class SocketGuard {
 public:
  SocketGuard() noexcept = default;
  SocketGuard(const SocketGuard&) = delete;
  SocketGuard& operator=(const SocketGuard&) = delete;

  // False, with errno and without effect, when fewer descriptors are left besides than these.
  [[nodiscard]] bool prepare(int least) noexcept;

  // After the call failed. Keeps errno.
  void put_back() noexcept;

 private:
  void keep(int sender) const noexcept;

  int flags_ = -1;    // of descriptor 0; -1 if there is none
  UniqueFd message_;  // where it waits
};

}  // namespace cs::ipc

#endif
