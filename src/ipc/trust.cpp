// SPDX-License-Identifier: BSD-3-Clause
// The credentials of a listener, seen from our user namespace.
#include "ipc/trust.h"

#include <cstdlib>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/unique_fd.h"

namespace cs::ipc {
namespace {

constexpr long kProcMagic = 0x9fa0;

// Reads them from a file of the kernel's: the first namespace's root owns it, and its content is
// the user as which all those without a number here appear. False if it cannot be read or is
// something else; then only root and our own user are trusted.
bool read_users(Users& users) noexcept {
  const UniqueFd file(::open("/proc/sys/kernel/overflowuid", O_RDONLY | O_CLOEXEC));
  struct statfs kind;
  struct stat status;
  if (!file || ::fstatfs(file.get(), &kind) != 0 || kind.f_type != kProcMagic) return false;
  char text[16] = {};
  if (::fstat(file.get(), &status) != 0 || ::read(file.get(), text, sizeof(text) - 1) <= 0)
    return false;
  users.system_root = status.st_uid;
  users.unknown = static_cast<uid_t>(std::strtoul(text, nullptr, 10));
  return true;
}

}  // namespace

bool listener_is_trusted(int fd) noexcept {
  ucred listener{};
  socklen_t length = sizeof(listener);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &listener, &length) != 0) return false;
  if (length != sizeof(listener)) return false;
  const uid_t own = ::geteuid();
  Users users{.own = own, .system_root = 0, .unknown = own};
  if (is_trusted(listener.uid, users)) return true;
  return read_users(users) && is_trusted(listener.uid, users);
}

}  // namespace cs::ipc
