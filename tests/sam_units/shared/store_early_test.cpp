// SPDX-License-Identifier: BSD-3-Clause
// What is stored before sam_register: in memory of the process alone.
#include "sam_units/shared/store_bytes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>

namespace cs::sam {
namespace {

// Before sam_register.
class SamStoreEarly : public testing::Test {
 protected:
  void SetUp() override { store_.open(); }
  Store store_;
};

unsigned count_descriptors() {
  unsigned count = 0;
  for (int fd = 0; fd < 256; ++fd) count += ::fcntl(fd, F_GETFD) >= 0 ? 1U : 0U;
  return count;
}

TEST_F(SamStoreEarly, NeedsNoDescriptorUntilShared) {
  const unsigned before = count_descriptors();
  ASSERT_EQ(store_.store("abc", 3), CS_OK);
  EXPECT_EQ(get(store_), (Bytes{'a', 'b', 'c'}));
  EXPECT_EQ(count_descriptors(), before);
  ASSERT_EQ(store_.share(), CS_OK);
  EXPECT_EQ(count_descriptors(), before + 2);
  store_.take_back(true);
  EXPECT_EQ(count_descriptors(), before);
  EXPECT_EQ(get(store_), (Bytes{'a', 'b', 'c'}));
}

TEST_F(SamStoreEarly, EachProcessHasItsOwn) {
  ASSERT_EQ(store_.store("common", 6), CS_OK);
  EXPECT_EQ(in_child([&] {
              EXPECT_EQ(get(store_), (Bytes{'c', 'o', 'm', 'm', 'o', 'n'}));
              EXPECT_EQ(store_.store("child", 5), CS_OK);
              EXPECT_EQ(store_.share(), CS_OK);
              EXPECT_EQ(store_.store("child 2", 7), CS_OK);
            }),
            0);
  EXPECT_EQ(get(store_), (Bytes{'c', 'o', 'm', 'm', 'o', 'n'}));
}

TEST_F(SamStoreEarly, IsSeenByAllThatShareAndIsReplacedForAll) {
  const Bytes early = pattern(100'000, 1);
  ASSERT_EQ(put(store_, early), CS_OK);
  ASSERT_EQ(store_.share(), CS_OK);
  EXPECT_EQ(in_child([&] { EXPECT_EQ(get(store_), early); }), 0);
  EXPECT_EQ(in_child([&] { EXPECT_EQ(put(store_, pattern(7, 2)), CS_OK); }), 0);
  EXPECT_EQ(get(store_), pattern(7, 2));
  store_.discard_old();
  EXPECT_EQ(in_child([&] { EXPECT_EQ(get(store_), pattern(7, 2)); }), 0);
}

TEST_F(SamStoreEarly, OutlivesAFirstStoreThatFails) {
  ASSERT_EQ(store_.store("early", 5), CS_OK);
  ASSERT_EQ(store_.share(), CS_OK);
  EXPECT_EQ(in_child([&] {
              const rlimit none{0, 0};
              ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
              EXPECT_NE(store_.store("later", 5), CS_OK);
              EXPECT_EQ(get(store_), (Bytes{'e', 'a', 'r', 'l', 'y'}));
            }),
            0);
}

// Programs pass more room than there is behind the buffer; what is not needed is not looked at.
TEST_F(SamStoreEarly, IsRestoredWhateverRoomIsClaimed) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  auto* const pages = static_cast<std::byte*>(
      ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_EQ(::munmap(pages + page, page), 0);
  ASSERT_EQ(store_.store("early", 5), CS_OK);
  EXPECT_EQ(store_.restore(pages + page - 5, 1'000'000), CS_OK);
  ASSERT_EQ(store_.share(), CS_OK);
  EXPECT_EQ(store_.restore(pages + page - 5, 1'000'000), CS_OK);
  EXPECT_EQ(pages[page - 1], std::byte{'y'});
  ::munmap(pages, page);
}

TEST_F(SamStoreEarly, IsErasedForAll) {
  ASSERT_EQ(store_.store("early", 5), CS_OK);
  ASSERT_EQ(store_.share(), CS_OK);
  EXPECT_EQ(in_child([&] { EXPECT_EQ(store_.store(nullptr, 0), CS_OK); }), 0);
  EXPECT_EQ(*store_.size(), 0U);
  store_.discard_old();
  EXPECT_EQ(*store_.size(), 0U);
}

TEST_F(SamStoreEarly, IsTakenBackAsItWasLeft) {
  ASSERT_EQ(store_.store("early", 5), CS_OK);
  ASSERT_EQ(store_.share(), CS_OK);
  EXPECT_EQ(in_child([&] { EXPECT_EQ(put(store_, pattern(70'000, 3)), CS_OK); }), 0);
  store_.take_back(false);
  EXPECT_EQ(shared_memory(), 0U);
  EXPECT_EQ(get(store_), pattern(70'000, 3));
  EXPECT_EQ(in_child([&] { EXPECT_EQ(store_.store("child", 5), CS_OK); }), 0);
  EXPECT_EQ(get(store_), pattern(70'000, 3));
  ASSERT_EQ(store_.share(), CS_OK);
  EXPECT_EQ(in_child([&] {
              EXPECT_EQ(get(store_), pattern(70'000, 3));
              EXPECT_EQ(store_.store("shared", 6), CS_OK);
            }),
            0);
  EXPECT_EQ(get(store_), (Bytes{'s', 'h', 'a', 'r', 'e', 'd'}));
}

TEST_F(SamStoreEarly, IsReplacedByTheSameRules) {
  const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  auto* const memory = static_cast<char*>(
      ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_EQ(::mprotect(memory + page, page, PROT_NONE), 0);
  ASSERT_EQ(store_.store("abc", 3), CS_OK);
  EXPECT_EQ(store_.store(memory + page - 10, 20), CS_ERR_INVALID_PARAM);
  EXPECT_EQ(store_.restore(memory + page - 1, 3), CS_ERR_INVALID_PARAM);
  EXPECT_EQ(memory[page - 1], 0);
  char small[2] = {'-', '-'};
  EXPECT_EQ(store_.restore(small, sizeof(small)), CS_ERR_INVALID_PARAM);
  EXPECT_EQ(small[0], '-');
  EXPECT_EQ(get(store_), (Bytes{'a', 'b', 'c'}));
  EXPECT_EQ(store_.store("", 0), CS_OK);
  EXPECT_EQ(*store_.size(), 0U);
  ::munmap(memory, 2 * page);
}

TEST_F(SamStoreEarly, WithoutDescriptorsItIsNotSharedAndStays) {
  ASSERT_EQ(store_.store("abc", 3), CS_OK);
  EXPECT_EQ(in_child([&] {
              const rlimit none{0, 4096};
              ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
              errno = 0;
              EXPECT_EQ(store_.share(), CS_ERR_LIBRARY);
              EXPECT_EQ(errno, EMFILE);
              EXPECT_EQ(get(store_), (Bytes{'a', 'b', 'c'}));
              EXPECT_EQ(store_.store("de", 2), CS_OK);
              const rlimit many{4096, 4096};
              ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &many), 0);
              EXPECT_EQ(store_.share(), CS_OK);
              EXPECT_EQ(get(store_), (Bytes{'d', 'e'}));
            }),
            0);
}

}  // namespace
}  // namespace cs::sam
