// SPDX-License-Identifier: BSD-3-Clause
// Ownership of a descriptor: closed once, by its last owner, without touching errno.
#include "common/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace cs {
namespace {

int open_null() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(UniqueFd, DefaultOwnsNothing) {
  const UniqueFd none;
  EXPECT_FALSE(none);
  EXPECT_LT(none.get(), 0);
}

TEST(UniqueFd, DescriptorZeroIsOwned) {
  UniqueFd zero(0);
  EXPECT_TRUE(zero);
  EXPECT_EQ(zero.release(), 0);
}

TEST(UniqueFd, OwnerGoneCloses) {
  const int fd = open_null();
  {
    const UniqueFd owner(fd);
    EXPECT_TRUE(is_open(fd));
  }
  EXPECT_FALSE(is_open(fd));
}

TEST(UniqueFd, MoveLeavesTheSourceEmpty) {
  UniqueFd first(open_null());
  const int fd = first.get();
  UniqueFd second(std::move(first));
  EXPECT_FALSE(first);
  EXPECT_EQ(second.get(), fd);
  EXPECT_TRUE(is_open(fd));
}

TEST(UniqueFd, AssignmentClosesTheOldOne) {
  UniqueFd target(open_null());
  const int old = target.get();
  UniqueFd source(open_null());
  const int fresh = source.get();
  target = std::move(source);
  EXPECT_FALSE(is_open(old));
  EXPECT_TRUE(is_open(fresh));
  EXPECT_EQ(target.get(), fresh);
}

TEST(UniqueFd, ReleaseGivesUpWithoutClosing) {
  UniqueFd owner(open_null());
  const int fd = owner.release();
  EXPECT_FALSE(owner);
  EXPECT_TRUE(is_open(fd));
  ::close(fd);
}

// Where a program has closed its standard streams.
TEST(UniqueFd, AboveTheStandardStreamsItIsCloseOnExecToo) {
  const UniqueFd input(::dup(STDIN_FILENO));
  ASSERT_TRUE(input);
  ::close(STDIN_FILENO);
  const UniqueFd moved = above_stdio(UniqueFd(open_null()));
  const bool has_left_it = ::fcntl(STDIN_FILENO, F_GETFD) < 0;
  ::dup2(input.get(), STDIN_FILENO);
  EXPECT_TRUE(has_left_it);
  EXPECT_GT(moved.get(), STDERR_FILENO);
  EXPECT_EQ(::fcntl(moved.get(), F_GETFD), FD_CLOEXEC);
}

TEST(UniqueFd, ResetKeepsErrno) {
  UniqueFd already_closed(open_null());
  ::close(already_closed.get());
  errno = ENOENT;
  already_closed.reset();
  EXPECT_EQ(errno, ENOENT);
}

}  // namespace
}  // namespace cs
