// SPDX-License-Identifier: BSD-3-Clause
// Who may answer in the daemon's name.
#ifndef CS_IPC_TRUST_H
#define CS_IPC_TRUST_H

#include <sys/types.h>

namespace cs::ipc {

// How users read in this user namespace.
struct Users {
  uid_t own;          // ours
  uid_t system_root;  // the first namespace's root
  uid_t unknown;      // every user without a number here
};

// True for root, for our own user, and for the first namespace's root as far as we can tell: where
// that root has no number here, it reads as every other user without one.
[[nodiscard]] constexpr bool is_trusted(uid_t listener, const Users& users) noexcept {
  return listener == 0 || listener == users.own ||
         (listener == users.unknown && users.system_root == users.unknown);
}

// For a connected socket. Any user can bind the daemon's names while it is down.
[[nodiscard]] bool listener_is_trusted(int fd) noexcept;

}  // namespace cs::ipc

#endif
