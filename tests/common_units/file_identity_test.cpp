// SPDX-License-Identifier: BSD-3-Clause
// Telling our file from another under the same number.
#include "common/file_identity.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/unique_fd.h"

namespace cs {
namespace {

constexpr int kNoDescriptor = -1;

class FileIdentities : public testing::Test {
 protected:
  UniqueFd null_{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  UniqueFd zero_{::open("/dev/zero", O_RDONLY | O_CLOEXEC)};
};

TEST_F(FileIdentities, IsBehindEachDescriptorOfItsFile) {
  const FileIdentity identity(null_.get());
  const UniqueFd copy(::dup(null_.get()));
  EXPECT_TRUE(identity.is_known());
  EXPECT_TRUE(identity.is_behind(null_.get()));
  EXPECT_TRUE(identity.is_behind(copy.get()));
  EXPECT_TRUE(identity.may_be_behind(copy.get()));
}

TEST_F(FileIdentities, IsNotBehindAnotherFileOrNone) {
  const FileIdentity identity(null_.get());
  for (const int other : {zero_.get(), kNoDescriptor}) {
    EXPECT_FALSE(identity.is_behind(other));
    EXPECT_FALSE(identity.may_be_behind(other));
  }
}

TEST_F(FileIdentities, AnotherFileUnderTheNumberIsNoticed) {
  const FileIdentity identity(null_.get());
  ASSERT_EQ(::dup2(zero_.get(), null_.get()), null_.get());
  EXPECT_FALSE(identity.is_behind(null_.get()));
}

TEST_F(FileIdentities, UnknownIsBehindNothingForCertain) {
  errno = 0;
  const FileIdentity unknown(kNoDescriptor);
  EXPECT_EQ(errno, EBADF);
  EXPECT_FALSE(unknown.is_known());
  EXPECT_FALSE(unknown.is_behind(null_.get()));
  EXPECT_FALSE(unknown.is_behind(kNoDescriptor));
  EXPECT_TRUE(unknown.may_be_behind(null_.get()));
  EXPECT_FALSE(unknown.may_be_behind(kNoDescriptor));
}

TEST_F(FileIdentities, CanBeMadeOfItsNumbers) {
  struct stat status;
  ASSERT_EQ(::fstat(null_.get(), &status), 0);
  EXPECT_TRUE(FileIdentity::of(status.st_dev, status.st_ino).is_behind(null_.get()));
  EXPECT_FALSE(FileIdentity::of(status.st_dev, status.st_ino + 1).is_behind(null_.get()));
  EXPECT_FALSE(FileIdentity::of(status.st_dev + 1, status.st_ino).is_behind(null_.get()));
  EXPECT_FALSE(FileIdentity::of(status.st_dev + 1, status.st_ino).may_be_behind(null_.get()));
}

}  // namespace
}  // namespace cs
