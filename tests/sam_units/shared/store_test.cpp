// SPDX-License-Identifier: BSD-3-Clause
// The store: what was stored last comes back, whole, or it is said why not.
#include "sam_units/shared/store_bytes.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <thread>

namespace cs::sam {
namespace {

TEST_F(SamStore, HoldsNothingAtFirst) {
  EXPECT_EQ(*store_.size(), 0U);
  char untouched = 'x';
  EXPECT_EQ(store_.restore(&untouched, 1), CS_OK);
  EXPECT_EQ(untouched, 'x');
}

TEST_F(SamStore, ReturnsWhatWasStoredLast) {
  std::vector<std::size_t> sizes = {1,    7,     8,     63,    64,     65, 4032,
                                    4096, 65535, 65536, 65537, 300000, 3};
  for (unsigned round = 0; round < 3; ++round) {
    for (const std::size_t size : sizes) {
      const Bytes bytes = pattern(size, round);
      ASSERT_EQ(put(store_, bytes), CS_OK);
      ASSERT_EQ(get(store_), bytes) << size;
    }
  }
}

TEST_F(SamStore, LargerBufferIsFilledOnlyAsFarAsNeeded) {
  ASSERT_EQ(store_.store("abc", 3), CS_OK);
  char buffer[5] = "----";
  EXPECT_EQ(store_.restore(buffer, sizeof(buffer)), CS_OK);
  EXPECT_STREQ(buffer, "abc-");
}

TEST_F(SamStore, SmallerBufferIsRefused) {
  ASSERT_EQ(store_.store("abc", 3), CS_OK);
  char buffer[3] = {'-', '-', '-'};
  EXPECT_EQ(store_.restore(buffer, 2), CS_ERR_INVALID_PARAM);
  EXPECT_EQ(buffer[0], '-');
}

TEST_F(SamStore, NullErasesWhateverTheSize) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{3}, std::size_t{SSIZE_MAX} - 1}) {
    ASSERT_EQ(store_.store("abc", 3), CS_OK);
    EXPECT_EQ(store_.store(nullptr, size), CS_OK);
    EXPECT_EQ(*store_.size(), 0U);
  }
  ASSERT_EQ(store_.store("de", 2), CS_OK);
  EXPECT_EQ(*store_.size(), 2U);
}

TEST_F(SamStore, MoreThanTheMachineHasIsNoMemory) {
  if (sizeof(std::size_t) < 8) GTEST_SKIP() << "a size cannot be above what the machine has";
  ASSERT_EQ(store_.store("abc", 3), CS_OK);
  EXPECT_EQ(store_.store("x", SSIZE_MAX - 1), CS_ERR_NO_MEMORY);
  EXPECT_EQ(store_.store("x", SSIZE_MAX / 8), CS_ERR_NO_MEMORY);
  EXPECT_EQ(get(store_), (Bytes{'a', 'b', 'c'}));
}

TEST_F(SamStore, UnreadableDataAreRefusedAndTheOldStay) {
  const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  auto* const memory = static_cast<char*>(
      ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_EQ(::mprotect(memory + page, page, PROT_NONE), 0);
  ASSERT_EQ(store_.store("abc", 3), CS_OK);
  EXPECT_EQ(store_.store(memory + page - 10, 20), CS_ERR_INVALID_PARAM);
  EXPECT_EQ(store_.store(memory + page, 20), CS_ERR_INVALID_PARAM);
  EXPECT_EQ(get(store_), (Bytes{'a', 'b', 'c'}));
  EXPECT_EQ(store_.restore(memory + page, page), CS_ERR_INVALID_PARAM);
  ASSERT_EQ(store_.store("de", 2), CS_OK);
  EXPECT_EQ(get(store_), (Bytes{'d', 'e'}));
  ::munmap(memory, 2 * page);
}

TEST_F(SamStore, LimitOnFileSizesIsNoMemoryAndNoSignal) {
  const Bytes old = pattern(1000, 1);
  ASSERT_EQ(put(store_, old), CS_OK);
  EXPECT_EQ(in_child([&] {
              for (const rlim_t limit : {rlim_t{0}, rlim_t{20}, rlim_t{64}, rlim_t{100000}}) {
                const rlimit set{limit, RLIM_INFINITY};
                ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &set), 0);
                EXPECT_EQ(put(store_, pattern(200000, 2)), CS_ERR_NO_MEMORY) << limit;
                EXPECT_EQ(get(store_), old) << limit;
              }
              const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
              ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
              EXPECT_EQ(put(store_, pattern(200000, 2)), CS_OK);
            }),
            0);
  EXPECT_EQ(get(store_), pattern(200000, 2));
}

TEST_F(SamStore, ClosedFilesAreNoticedAndNothingElseIsWrittenTo) {
  ASSERT_EQ(store_.store("abc", 3), CS_OK);
  ASSERT_EQ(store_.store("def", 3), CS_OK);
  char path[] = "/tmp/sam-store-XXXXXX";
  const int foreign = ::mkstemp(path);
  ASSERT_GE(foreign, 0);
  ::unlink(path);
  EXPECT_EQ(in_child([&] {
              for (int fd = 3; fd < 100; ++fd) {
                if (fd != foreign) ::dup2(foreign, fd);
              }
              EXPECT_EQ(store_.store("xyz", 3), CS_ERR_LIBRARY);
              EXPECT_EQ(store_.store(nullptr, 0), CS_ERR_LIBRARY);
              char buffer[3];
              EXPECT_EQ(store_.restore(buffer, 3), CS_ERR_LIBRARY);
              EXPECT_EQ(store_.size().status(), CS_ERR_LIBRARY);
              store_.close();
              for (int fd = 3; fd < 100; ++fd) EXPECT_GE(::fcntl(fd, F_GETFD), 0) << fd;
            }),
            0);
  EXPECT_EQ(::lseek(foreign, 0, SEEK_END), 0);
  ::close(foreign);
  EXPECT_EQ(get(store_), (Bytes{'d', 'e', 'f'}));
}

TEST_F(SamStore, ClosedStoreRefuses) {
  store_.close();
  char buffer[1];
  EXPECT_EQ(store_.store("a", 1), CS_ERR_LIBRARY);
  EXPECT_EQ(store_.restore(buffer, 1), CS_ERR_LIBRARY);
  store_.close();
}

TEST_F(SamStore, FilesAreClosedOnExecAndClearOfStandardStreams) {
  EXPECT_EQ(in_child([] {
              ::close(STDIN_FILENO);
              ::close(STDOUT_FILENO);
              Store store;
              open_and_share(store);
              EXPECT_EQ(store.store("abc", 3), CS_OK);
              EXPECT_EQ(::fcntl(STDIN_FILENO, F_GETFD), -1);
              EXPECT_EQ(::fcntl(STDOUT_FILENO, F_GETFD), -1);
            }),
            0);
}

TEST_F(SamStore, MemoryIsGivenBack) {
  const Bytes large(4 << 20, 1);
  ASSERT_EQ(put(store_, large), CS_OK);
  ASSERT_EQ(put(store_, large), CS_OK);
  EXPECT_GE(shared_memory(), 8U << 20);
  ASSERT_EQ(store_.store("a", 1), CS_OK);
  ASSERT_EQ(store_.store("b", 1), CS_OK);
  EXPECT_LT(shared_memory(), 1U << 20);
  ASSERT_EQ(put(store_, large), CS_OK);
  ASSERT_EQ(store_.store(nullptr, 0), CS_OK);
  EXPECT_LT(shared_memory(), 1U << 20);
}

TEST_F(SamStore, DiscardingTheOldLeavesWhatIsStored) {
  for (unsigned round = 0; round < 4; ++round) {
    const Bytes large = pattern(300000, round);
    ASSERT_EQ(put(store_, large), CS_OK);
    store_.discard_old();
    EXPECT_EQ(get(store_), large);
    EXPECT_LT(shared_memory(), 400000U);
  }
}

TEST_F(SamStore, ManyThreadsNeverMixTheirData) {
  constexpr int kThreads = 4;
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      const Bytes mine(200 + thread, static_cast<unsigned char>(thread + 1));
      for (int i = 0; i < 300; ++i) {
        EXPECT_EQ(put(store_, mine), CS_OK);
        Bytes seen(200 + kThreads);
        EXPECT_EQ(store_.restore(seen.data(), seen.size()), CS_OK);
        const std::size_t length = 199 + seen[0];
        EXPECT_EQ(std::count(seen.begin(), seen.begin() + static_cast<long>(length), seen[0]),
                  static_cast<long>(length));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// A slot is found by its name; the nth of this process.
int slot_file(unsigned number) {
  for (int fd = 3; fd < 256; ++fd) {
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    char name[64] = {};
    if (::readlink(link.c_str(), name, sizeof(name) - 1) < 0) continue;
    if (std::string(name).rfind("/memfd:sam", 0) == 0 && number-- == 0) return fd;
  }
  ADD_FAILURE() << "no such file";
  return -1;
}

void spoil(off_t offset) {
  for (const unsigned number : {0U, 1U}) {
    EXPECT_EQ(::pwrite(slot_file(number), "#", 1, offset), 1);
  }
}

class SamStoreSpoilt : public SamStore, public testing::WithParamInterface<std::size_t> {};

TEST_P(SamStoreSpoilt, LeavesTheBufferUntouched) {
  const std::size_t size = GetParam();
  ASSERT_EQ(put(store_, pattern(size, 1)), CS_OK);
  ASSERT_EQ(put(store_, pattern(size, 2)), CS_OK);
  spoil(64 + static_cast<off_t>(size) - 1);
  Bytes buffer(size + 1, 0xa5);
  const Bytes untouched = buffer;
  EXPECT_EQ(store_.restore(buffer.data(), buffer.size()), CS_ERR_LIBRARY);
  EXPECT_EQ(buffer, untouched);
  ASSERT_EQ(put(store_, pattern(size, 3)), CS_OK);
  EXPECT_EQ(get(store_), pattern(size, 3));
}

// In the library's own memory; in a copy; in neither.
INSTANTIATE_TEST_SUITE_P(Sizes, SamStoreSpoilt,
                         testing::Values(1, 64 * 1024, 64 * 1024 + 1, 300'000, (16 << 20) + 1));

TEST_F(SamStore, BufferThatEndsTooEarlyIsRefusedUntouched) {
  const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  auto* const memory = static_cast<unsigned char*>(
      ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (const int access : {PROT_NONE, PROT_READ}) {
    ASSERT_EQ(::mprotect(memory + page, page, access), 0);
    for (const std::size_t size : {std::size_t{2}, page, 2 * page}) {
      ASSERT_EQ(put(store_, pattern(size, 1)), CS_OK);
      unsigned char* const buffer = memory + 1 + page - size / 2 - size % 2;
      std::fill(memory, memory + page, 0xa5);
      EXPECT_EQ(store_.restore(size == 2 * page ? memory : buffer, size), CS_ERR_INVALID_PARAM);
      EXPECT_EQ(std::count(memory, memory + page, 0xa5), static_cast<long>(page)) << size;
    }
  }
  ::munmap(memory, 2 * page);
}

}  // namespace
}  // namespace cs::sam
