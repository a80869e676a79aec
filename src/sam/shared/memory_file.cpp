// SPDX-License-Identifier: BSD-3-Clause
// memfd, or an unlinked file in /dev/shm where that is refused.
#include "sam/shared/memory_file.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <utility>

#include "common/unique_fd.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

namespace cs::sam {
namespace {

// Recent kernels want to be told that the file will not be executed; older ones refuse the flag.
UniqueFd make_memfd() noexcept {
  UniqueFd fd(::memfd_create("sam-data", MFD_CLOEXEC | MFD_NOEXEC_SEAL));
  if (!fd && errno == EINVAL) fd.reset(::memfd_create("sam-data", MFD_CLOEXEC));
  return fd;
}

// By a filter of system calls, or a kernel that has none.
bool is_refusal(int error) noexcept { return error == ENOSYS || error == EPERM || error == EACCES; }

UniqueFd make_in_shared_memory() noexcept {
  UniqueFd fd(::open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600));
  if (fd || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
  char name[] = "/dev/shm/sam-data-XXXXXX";  // not every file system can do without
  fd.reset(::mkostemp(name, O_CLOEXEC));
  if (fd) (void)::unlink(name);
  return fd;
}

}  // namespace

UniqueFd make_memory_file() noexcept {
  UniqueFd fd = make_memfd();
  if (!fd && is_refusal(errno)) fd = make_in_shared_memory();
  return above_stdio(std::move(fd));
}

}  // namespace cs::sam
