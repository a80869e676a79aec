// SPDX-License-Identifier: BSD-3-Clause
// Files in memory: without a name, out of the way, and from /dev/shm where memfd_create is refused.
#include "sam/shared/memory_file.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "sam_units/in_child.h"
#include "support/refuse_call.h"

namespace cs::sam {
namespace {

constexpr int kNoFilters = 2;

void expect_nameless_and_usable(const UniqueFd& file) {
  ASSERT_TRUE(file);
  EXPECT_GT(file.get(), STDERR_FILENO);
  EXPECT_NE(::fcntl(file.get(), F_GETFD) & FD_CLOEXEC, 0);
  struct stat status = {};
  ASSERT_EQ(::fstat(file.get(), &status), 0);
  EXPECT_TRUE(S_ISREG(status.st_mode));
  EXPECT_EQ(status.st_nlink, 0U);
  EXPECT_EQ(status.st_size, 0);
  EXPECT_EQ(::pwrite(file.get(), "kept", 4, 100), 4);
  char read[4] = {};
  EXPECT_EQ(::pread(file.get(), read, sizeof(read), 100), 4);
  EXPECT_EQ(read[3], 't');
}

TEST(SamMemoryFile, HasNoNameAndEachIsItsOwn) {
  const UniqueFd first = make_memory_file();
  const UniqueFd second = make_memory_file();
  expect_nameless_and_usable(first);
  expect_nameless_and_usable(second);
}

// For who looks at the descriptors of a process: sam_environment(7).
TEST(SamMemoryFile, ListOfDescriptorsTellsWhatItIs) {
  const UniqueFd file = make_memory_file();
  const std::string entry = "/proc/self/fd/" + std::to_string(file.get());
  char target[64] = {};
  ASSERT_GT(::readlink(entry.c_str(), target, sizeof(target) - 1), 0);
  EXPECT_NE(std::string(target).find("sam-data"), std::string::npos) << target;
}

TEST(SamMemoryFile, IsClearOfStandardStreamsThatAreClosed) {
  EXPECT_EQ(in_child([] {
              for (int fd = 0; fd <= STDERR_FILENO; ++fd) ::close(fd);
              if (make_memory_file().get() <= STDERR_FILENO) ::_exit(1);
              for (int fd = 0; fd <= STDERR_FILENO; ++fd) {
                if (::fcntl(fd, F_GETFD) >= 0) ::_exit(1);  // nothing is left there either
              }
            }),
            0);
}

// Filters of containers say EPERM, kernels without it ENOSYS.
TEST(SamMemoryFile, IsInSharedMemoryWhereTheCallIsRefused) {
  for (const unsigned error : {static_cast<unsigned>(EPERM), static_cast<unsigned>(ENOSYS)}) {
    const int status = in_child([=] {
      if (!test::refuse_call(SYS_memfd_create, error)) ::_exit(kNoFilters);
      expect_nameless_and_usable(make_memory_file());
    });
    if (WEXITSTATUS(status) == kNoFilters) GTEST_SKIP() << "no filters of system calls here";
    EXPECT_EQ(status, 0) << error;
  }
}

// Not every file system can do without a name, for a moment.
TEST(SamMemoryFile, HasNoNameWhereItNeedsOneToBeMade) {
  constexpr std::uint32_t kNameless = O_TMPFILE & ~O_DIRECTORY;
  const int status = in_child([] {
    if (!test::refuse_call(SYS_memfd_create, EPERM) ||
        !test::refuse_call(SYS_openat, EOPNOTSUPP, 2, kNameless)) {
      ::_exit(kNoFilters);
    }
    expect_nameless_and_usable(make_memory_file());
  });
  if (WEXITSTATUS(status) == kNoFilters) GTEST_SKIP() << "no filters of system calls here";
  EXPECT_EQ(status, 0);
}

// Older kernels do not know the newest flag.
TEST(SamMemoryFile, IsMadeWithoutAFlagThatTheKernelRefuses) {
  constexpr std::uint32_t kNoExecSeal = 0x0008;
  const int status = in_child([] {
    if (!test::refuse_call(SYS_memfd_create, EINVAL, 1, kNoExecSeal)) ::_exit(kNoFilters);
    const UniqueFd file = make_memory_file();
    expect_nameless_and_usable(file);
    const std::string link = "/proc/self/fd/" + std::to_string(file.get());
    char name[64] = {};
    EXPECT_GT(::readlink(link.c_str(), name, sizeof(name) - 1), 0);
    EXPECT_EQ(std::string(name).rfind("/memfd:sam", 0), 0U) << name;
  });
  if (WEXITSTATUS(status) == kNoFilters) GTEST_SKIP() << "no filters of system calls here";
  EXPECT_EQ(status, 0);
}

TEST(SamMemoryFile, IsEmptyAndSaysWhyWhereDescriptorsHaveRunOut) {
  EXPECT_EQ(in_child([] {
              const rlimit none = {0, 0};
              ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
              const UniqueFd file = make_memory_file();
              EXPECT_EQ(errno, EMFILE);
              EXPECT_FALSE(file);
            }),
            0);
}

}  // namespace
}  // namespace cs::sam
