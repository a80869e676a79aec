// SPDX-License-Identifier: BSD-3-Clause
// One file of stored data: what counts is what its header says, and that comes last.
#include "sam/shared/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "sam_units/shared/store_bytes.h"

namespace cs::sam {
namespace {

std::span<const std::byte> view(const Bytes& bytes) { return std::as_bytes(std::span(bytes)); }

int g_writes = 0;  // calls of the functions below
int g_error = 0;

ssize_t write_a_little(int fd, const void* data, std::size_t size, off_t offset) {
  ++g_writes;
  return ::pwrite(fd, data, std::min<std::size_t>(size, 7), offset);
}

ssize_t be_interrupted_at_first(int fd, const void* data, std::size_t size, off_t offset) {
  if (++g_writes % 2 == 1) {
    errno = EINTR;
    return -1;
  }
  return ::pwrite(fd, data, size, offset);
}

// The data arrive, the header does not.
ssize_t fail_at_the_header(int fd, const void* data, std::size_t size, off_t offset) {
  if (offset > 0) return ::pwrite(fd, data, size, offset);
  errno = g_error;
  return -1;
}

ssize_t fail(int, const void*, std::size_t, off_t) {
  errno = g_error;
  return -1;
}

class SamSlot : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(slot_.make());
    ASSERT_TRUE(slot_.load());
    g_writes = 0;
  }

  cs_error_t write(std::uint64_t sequence, const Bytes& bytes, WriteFunction function = ::pwrite,
                   const Permit& permit = {}) {
    return slot_.write(sequence, view(bytes), function, permit);
  }

  Bytes read() {
    Bytes bytes(slot_.length() + 1);  // never empty
    EXPECT_EQ(slot_.read(reinterpret_cast<std::byte*>(bytes.data())), CS_OK);
    bytes.pop_back();
    return bytes;
  }

  Slot slot_;
};

TEST_F(SamSlot, NewOneHoldsNothing) {
  EXPECT_EQ(slot_.sequence(), 0U);
  EXPECT_EQ(slot_.length(), 0U);
}

TEST_F(SamSlot, HoldsWhatWasWrittenLast) {
  std::uint64_t sequence = 0;
  for (const std::size_t size : {0U, 1U, 4096U, 65'537U, 17U << 20, 3U}) {
    const Bytes bytes = pattern(size, static_cast<unsigned>(size));
    ASSERT_EQ(write(++sequence, bytes), CS_OK);
    const std::uint64_t checksum = slot_.checksum();
    ASSERT_TRUE(slot_.load());
    EXPECT_EQ(slot_.sequence(), sequence);
    EXPECT_EQ(slot_.checksum(), checksum);
    EXPECT_TRUE(slot_.is_current());
    EXPECT_EQ(read(), bytes) << size;
  }
}

TEST_F(SamSlot, AnotherProcessFindsItByLoading) {
  EXPECT_EQ(in_child([&] { EXPECT_EQ(write(1, pattern(100, 1)), CS_OK); }), 0);
  EXPECT_FALSE(slot_.is_current());
  ASSERT_TRUE(slot_.load());
  EXPECT_EQ(slot_.sequence(), 1U);
  EXPECT_EQ(read(), pattern(100, 1));
}

TEST_F(SamSlot, ShortAndInterruptedWritesGoOn) {
  ASSERT_EQ(write(1, pattern(100, 1), write_a_little), CS_OK);
  EXPECT_GT(g_writes, 100 / 7);
  EXPECT_EQ(read(), pattern(100, 1));
  g_writes = 0;
  ASSERT_EQ(write(2, pattern(100, 2), be_interrupted_at_first), CS_OK);
  EXPECT_EQ(g_writes, 4);
  EXPECT_EQ(read(), pattern(100, 2));
}

TEST_F(SamSlot, WithoutItsHeaderAStoreDoesNotCount) {
  g_error = ENOSPC;
  EXPECT_EQ(write(1, pattern(100, 1), fail_at_the_header), CS_ERR_NO_MEMORY);
  ASSERT_TRUE(slot_.load());
  EXPECT_EQ(slot_.sequence(), 0U);
}

// The old header stands above new data, which its checksum tells.
TEST_F(SamSlot, DataThatAreNotTheHeadersAreDamaged) {
  for (const std::size_t size : {100U, 100'000U, 17U << 20}) {
    ASSERT_EQ(write(1, pattern(size, 1)), CS_OK);
    g_error = ENOSPC;
    EXPECT_EQ(write(2, pattern(size, 2), fail_at_the_header), CS_ERR_NO_MEMORY);
    ASSERT_TRUE(slot_.load());
    EXPECT_EQ(slot_.sequence(), 1U);
    Bytes untouched(size, 'x');
    EXPECT_EQ(slot_.read(reinterpret_cast<std::byte*>(untouched.data())), std::nullopt);
    EXPECT_EQ(untouched, Bytes(size, 'x'));
  }
}

TEST_F(SamSlot, IsNotCommittedOnceThePermitIsGone) {
  const Permit none{[](const void*) { return false; }, nullptr};
  EXPECT_EQ(write(1, pattern(100, 1), ::pwrite, none), CS_ERR_LIBRARY);
  ASSERT_TRUE(slot_.load());
  EXPECT_EQ(slot_.sequence(), 0U);
}

TEST_F(SamSlot, ErrorsOfWritesAreToldApart) {
  const std::pair<int, cs_error_t> expected[] = {
      {EFAULT, CS_ERR_INVALID_PARAM}, {EFBIG, CS_ERR_NO_MEMORY},  {ENOMEM, CS_ERR_NO_MEMORY},
      {ENOSPC, CS_ERR_NO_MEMORY},     {EDQUOT, CS_ERR_NO_MEMORY}, {EIO, CS_ERR_LIBRARY},
      {EBADF, CS_ERR_LIBRARY}};
  for (const auto& [error, status] : expected) {
    g_error = error;
    EXPECT_EQ(write(1, pattern(10, 1), fail), status) << error;
  }
}

TEST_F(SamSlot, MemoryIsGivenBackWhenMuchLessIsStored) {
  ASSERT_EQ(write(1, pattern(1 << 20, 1)), CS_OK);
  const std::size_t large = shared_memory();
  EXPECT_GE(large, std::size_t{1} << 20);
  ASSERT_EQ(write(2, pattern(100, 2)), CS_OK);
  EXPECT_LT(shared_memory(), large / 4);
  EXPECT_EQ(read(), pattern(100, 2));
}

// Behind the number of the file there may be one of the application's by now.
TEST_F(SamSlot, FileThatTookItsNumberIsLeftAlone) {
  const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(next, 0);
  ::close(next);
  Slot other;
  ASSERT_TRUE(other.make());  // has taken that number
  ASSERT_TRUE(other.load());
  const UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::dup3(null.get(), next, O_CLOEXEC), next);
  EXPECT_FALSE(other.load());
  other.drop();
  EXPECT_GE(::fcntl(next, F_GETFD), 0);
  ::close(next);
}

}  // namespace
}  // namespace cs::sam
