// SPDX-License-Identifier: BSD-3-Clause
// Descriptor 0 comes back after libqb has closed it, as the same file and with its locks.
#include "ipc/socket_guard.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace cs::ipc {
namespace {

// In a child, as descriptor 0 is at stake; true when all of the body's claims held.
template <typename Body>
bool holds_in_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body() ? 0 : 1);
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status == 0;
}

bool open_as_0(const char* path, int flags) {
  ::close(0);
  return ::open(path, flags) == 0;
}

bool is_null_device(int fd) {
  struct stat found;
  struct stat null;
  return ::fstat(fd, &found) == 0 && ::stat("/dev/null", &null) == 0 &&
         found.st_rdev == null.st_rdev;
}

TEST(SocketGuard, PutsBackADescriptor0ThatWasClosed) {
  EXPECT_TRUE(holds_in_child([] {
    SocketGuard guard;
    if (!open_as_0("/dev/null", O_RDONLY) || !guard.prepare(2)) return false;
    ::close(0);
    errno = EMFILE;
    guard.put_back();
    return errno == EMFILE && is_null_device(0) && ::fcntl(0, F_GETFD) == 0;
  }));
}

TEST(SocketGuard, KeepsCloseOnExec) {
  EXPECT_TRUE(holds_in_child([] {
    SocketGuard guard;
    if (!open_as_0("/dev/null", O_RDONLY | O_CLOEXEC) || !guard.prepare(2)) return false;
    ::close(0);
    guard.put_back();
    return ::fcntl(0, F_GETFD) == FD_CLOEXEC;
  }));
}

TEST(SocketGuard, LeavesADescriptor0ThatIsStillThere) {
  EXPECT_TRUE(holds_in_child([] {
    SocketGuard guard;
    if (!open_as_0("/dev/null", O_RDONLY) || !guard.prepare(2)) return false;
    if (!open_as_0("/dev/zero", O_RDONLY)) return false;  // of another thread, say
    guard.put_back();
    return !is_null_device(0);
  }));
}

TEST(SocketGuard, MakesNoDescriptor0WhereThereWasNone) {
  EXPECT_TRUE(holds_in_child([] {
    SocketGuard guard;
    ::close(0);
    if (!guard.prepare(2)) return false;
    guard.put_back();
    return ::fcntl(0, F_GETFD) < 0;
  }));
}

// The child of a fork has no locks of its parent, so the lock's owner asks through a third process.
TEST(SocketGuard, DropsNoLockOnTheFile) {
  EXPECT_TRUE(holds_in_child([] {
    char path[] = "/tmp/socket_guard_XXXXXX";
    const int made = ::mkstemp(path);
    if (made < 0 || ::dup2(made, 0) != 0 || ::close(made) != 0) return false;
    struct flock lock {};
    lock.l_type = F_WRLCK;
    if (::fcntl(0, F_SETLK, &lock) != 0) return false;
    {
      SocketGuard guard;
      if (!guard.prepare(2)) return false;
    }
    const bool is_locked = holds_in_child([&path] {
      struct flock wanted {};
      wanted.l_type = F_WRLCK;
      const int other = ::open(path, O_RDWR);
      return other >= 0 && ::fcntl(other, F_SETLK, &wanted) != 0;
    });
    ::unlink(path);
    return is_locked;
  }));
}

TEST(SocketGuard, RefusesWhereTooFewDescriptorsAreLeft) {
  EXPECT_TRUE(holds_in_child([] {
    if (!open_as_0("/dev/null", O_RDONLY)) return false;
    const rlimit few{8, 8};
    if (::setrlimit(RLIMIT_NOFILE, &few) != 0) return false;
    while (::dup(0) >= 0) {
    }
    SocketGuard guard;
    if (guard.prepare(1) || errno != EMFILE) return false;
    ::close(0);
    guard.put_back();  // it has had no effect
    return ::fcntl(0, F_GETFD) < 0;
  }));
}

}  // namespace
}  // namespace cs::ipc
