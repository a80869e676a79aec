// SPDX-License-Identifier: BSD-3-Clause
// Blocks of private memory: owned once, copied by a fork, and nobody writes to a sealed one.
#include "sam/shared/private_block.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "common/unique_fd.h"
#include "sam_units/in_child.h"

namespace cs::sam {
namespace {

PrivateBlock block_of(const char* text) {
  PrivateBlock block = PrivateBlock::make(std::strlen(text));
  if (block) std::memcpy(block.data(), text, block.size());
  return block;
}

bool holds(const PrivateBlock& block, const char* text) {
  return block.size() == std::strlen(text) && std::memcmp(block.data(), text, block.size()) == 0;
}

// Whether the kernel can write there, which no signal tells.
bool is_writable(std::byte* at) {
  const UniqueFd zeros(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
  return ::read(zeros.get(), at, 1) == 1;
}

TEST(SamPrivateBlock, IsMadeInItsSize) {
  for (const std::size_t size : {0U, 1U, 4096U, 1'000'000U}) {
    const PrivateBlock block = PrivateBlock::make(size);
    ASSERT_TRUE(block);
    EXPECT_EQ(block.size(), size);
    if (size > 0) {
      EXPECT_TRUE(is_writable(block.data() + size - 1));
    }
  }
  EXPECT_FALSE(PrivateBlock());
  EXPECT_EQ(PrivateBlock().size(), 0U);
}

TEST(SamPrivateBlock, IsEmptyWithoutMemory) {
  errno = 0;
  EXPECT_FALSE(PrivateBlock::make(std::numeric_limits<std::size_t>::max() / 16 * 15));
  EXPECT_EQ(errno, ENOMEM);
}

TEST(SamPrivateBlock, HasOneOwner) {
  PrivateBlock first = block_of("first");
  PrivateBlock second(std::move(first));
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): that it is empty is the promise
  EXPECT_TRUE(holds(second, "first"));
  second = block_of("second");
  EXPECT_TRUE(holds(second, "second"));
  second = PrivateBlock();
  EXPECT_FALSE(second);
}

bool is_mapped(std::byte* at) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  unsigned char is_there;
  return ::mincore(at - reinterpret_cast<std::uintptr_t>(at) % page, 1, &is_there) == 0;
}

// Its last bytes are on a page of their own, behind those that its size alone would take.
TEST(SamPrivateBlock, GivesAllItsMemoryBack) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  PrivateBlock block = PrivateBlock::make(2 * page);
  std::byte* const last = block.data() + 2 * page - 1;
  EXPECT_TRUE(is_mapped(last));
  block = PrivateBlock();
  EXPECT_FALSE(is_mapped(last));
  PrivateBlock other = PrivateBlock::make(2 * page);
  std::byte* const others_last = other.data() + 2 * page - 1;
  other = PrivateBlock::make(10);
  EXPECT_FALSE(is_mapped(others_last));
}

TEST(SamPrivateBlock, SealedOneIsNotWrittenTo) {
  PrivateBlock block = block_of("sealed");
  EXPECT_TRUE(is_writable(block.data()));
  std::memcpy(block.data(), "s", 1);
  block.seal();
  EXPECT_FALSE(is_writable(block.data()));
  EXPECT_TRUE(holds(block, "sealed"));
  EXPECT_TRUE(block.is_intact());
}

// Here, too, the last bytes are on a page of their own.
TEST(SamPrivateBlock, SealedOneIsNotWrittenToUpToItsEnd) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  PrivateBlock block = PrivateBlock::make(2 * page);
  EXPECT_TRUE(is_writable(block.data() + 2 * page - 1));
  block.seal();
  EXPECT_FALSE(is_writable(block.data() + 2 * page - 1));
}

TEST(SamPrivateBlock, ChangedOneIsNotIntact) {
  PrivateBlock block = block_of("some bytes");
  block.seal();
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  void* const begin = block.data() - reinterpret_cast<std::uintptr_t>(block.data()) % page;
  ASSERT_EQ(::mprotect(begin, page, PROT_READ | PROT_WRITE), 0);
  block.data()[3] ^= std::byte{1};
  EXPECT_FALSE(block.is_intact());
  block.data()[3] ^= std::byte{1};
  EXPECT_TRUE(block.is_intact());
}

TEST(SamPrivateBlock, ForkCopiesIt) {
  PrivateBlock block = block_of("parent");
  EXPECT_EQ(in_child([&] {
              EXPECT_TRUE(holds(block, "parent"));
              std::memcpy(block.data(), "child!", 6);
            }),
            0);
  EXPECT_TRUE(holds(block, "parent"));
}

}  // namespace
}  // namespace cs::sam
