// SPDX-License-Identifier: BSD-3-Clause
// The store: what was stored last comes back, however the process that stored ended.
#include "sam/store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <numeric>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "sam/checksum.h"

namespace cs::sam {
namespace {

using Bytes = std::vector<unsigned char>;

Bytes pattern(std::size_t size, unsigned seed) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<unsigned char>((i * 31 + seed * 131 + i / 251) & 0xFF);
  }
  return bytes;
}

cs_error_t put(Store& store, const Bytes& bytes) { return store.store(bytes.data(), bytes.size()); }

// What is stored; fails the test when that cannot be read.
Bytes get(Store& store) {
  const auto size = store.size();
  EXPECT_TRUE(size);
  if (!size) return {};
  Bytes bytes(*size + 1);  // never empty, so that data() is not null
  EXPECT_EQ(store.restore(bytes.data(), *size), CS_OK);
  bytes.resize(*size);
  return bytes;
}

// Runs in a child; true when it ended by itself with code 0.
template <typename Body>
int in_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    body();
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

class SamStore : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(store_.open(), CS_OK); }
  Store store_;
};

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

TEST_F(SamStore, StoredByAChildThatIsKilledIsSeenByTheParent) {
  const Bytes bytes = pattern(5000, 3);
  EXPECT_EQ(in_child([&] {
              if (put(store_, bytes) == CS_OK) ::raise(SIGKILL);
            }),
            SIGKILL);
  EXPECT_EQ(get(store_), bytes);
}

// Each process has its own notion of which slot is in use; it must not act on an old one.
TEST_F(SamStore, ProcessesThatStoreInTurnSeeEachOther) {
  for (unsigned round = 1; round < 12; ++round) {
    ASSERT_EQ(put(store_, pattern(round, round)), CS_OK);
    ASSERT_EQ(in_child([&] {
                EXPECT_EQ(get(store_), pattern(round, round));
                for (unsigned i = 0; i < round % 4; ++i) {
                  EXPECT_EQ(put(store_, pattern(100 + i, i)), CS_OK);
                }
              }),
              0);
    const unsigned stores = round % 4;
    EXPECT_EQ(get(store_), stores == 0 ? pattern(round, round) : pattern(99 + stores, stores - 1));
  }
}

// A store that dies at its nth write, having done part of it.
unsigned g_writes_left;
std::size_t g_bytes_of_last;

ssize_t dying_write(int fd, const void* data, std::size_t size, off_t offset) {
  // In small pieces, so that there are many instants to die at.
  size = std::min<std::size_t>(size, 13);
  if (g_writes_left-- == 0) {
    if (::pwrite(fd, data, std::min(size, g_bytes_of_last), offset) < 0) ::_exit(3);
    ::raise(SIGKILL);
  }
  return ::pwrite(fd, data, size, offset);
}

class SamStoreCutOff : public testing::TestWithParam<std::size_t> {};

TEST_P(SamStoreCutOff, LeavesTheOldDataOrTheNew) {
  Store store(dying_write);
  const std::size_t size = GetParam();
  g_writes_left = UINT_MAX;
  ASSERT_EQ(store.open(), CS_OK);
  Bytes stored = pattern(size, 0);
  ASSERT_EQ(put(store, stored), CS_OK);
  bool completed = false;
  unsigned seed = 0;
  for (unsigned writes = 0; !completed; ++writes) {
    for (std::size_t part = 0; part <= 13; ++part) {
      const Bytes next = pattern(size + writes % 3, ++seed);
      const int status = in_child([&] {
        g_writes_left = writes;
        g_bytes_of_last = part;
        if (put(store, next) != CS_OK) ::_exit(2);
      });
      ASSERT_TRUE(status == 0 || status == SIGKILL) << status;
      completed = status == 0;
      const Bytes found = get(store);
      if (completed) {
        ASSERT_EQ(found, next);
      } else {
        ASSERT_TRUE(found == stored || found == next) << writes << " writes and " << part;
      }
      stored = found;
    }
    ASSERT_LT(writes, 1000U);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, SamStoreCutOff, testing::Values(1, 40, 64, 300));

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
              EXPECT_EQ(store_.size().error(), CS_ERR_LIBRARY);
              store_.close();
              EXPECT_GE(::fcntl(50, F_GETFD), 0);
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
              EXPECT_EQ(store.open(), CS_OK);
              EXPECT_EQ(store.store("abc", 3), CS_OK);
              EXPECT_EQ(::fcntl(STDIN_FILENO, F_GETFD), -1);
              EXPECT_EQ(::fcntl(STDOUT_FILENO, F_GETFD), -1);
            }),
            0);
}

// Memory of the two files, as the kernel counts it.
std::size_t shared_memory() {
  std::size_t bytes = 0;
  for (int fd = 3; fd < 256; ++fd) {
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    char name[64] = {};
    if (::readlink(link.c_str(), name, sizeof(name) - 1) < 0) continue;
    if (std::string(name).rfind("/memfd:sam", 0) != 0) continue;
    struct stat file;
    if (::fstat(fd, &file) == 0) bytes += static_cast<std::size_t>(file.st_blocks) * 512;
  }
  return bytes;
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

ssize_t write_that_dies_at_the_header(int fd, const void* data, std::size_t size, off_t offset) {
  if (offset == 0) ::raise(SIGKILL);
  return ::pwrite(fd, data, size, offset);
}

TEST_F(SamStore, MemoryOfAnUnfinishedStoreIsGivenBack) {
  Store dying(write_that_dies_at_the_header);
  ASSERT_EQ(dying.open(), CS_OK);
  EXPECT_EQ(in_child([&] { (void)put(dying, Bytes(4 << 20, 1)); }), SIGKILL);
  EXPECT_GE(shared_memory(), 4U << 20);
  dying.discard_old();
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

Store* g_handlers_store;
volatile std::sig_atomic_t g_handled;

TEST_F(SamStore, SignalHandlersMayStore) {
  g_handlers_store = &store_;
  g_handled = 0;
  struct sigaction action {};
  struct sigaction previous;
  action.sa_handler = [](int) {
    if (g_handlers_store->store("handler", 7) != CS_OK) ::abort();
    g_handled = g_handled + 1;
  };
  ::sigaction(SIGALRM, &action, &previous);
  const itimerval often{{0, 100}, {0, 100}};
  const itimerval off{};
  ::setitimer(ITIMER_REAL, &often, nullptr);
  for (int i = 0; i < 1000000 && g_handled < 200; ++i) {
    ASSERT_EQ(store_.store("straight", 8), CS_OK);
  }
  ::setitimer(ITIMER_REAL, &off, nullptr);
  ::sigaction(SIGALRM, &previous, nullptr);
  EXPECT_GE(g_handled, 200);
  const Bytes left = get(store_);
  EXPECT_TRUE(left.size() == 7 || left.size() == 8);
}

// A process forked while one of its threads was storing finds the lock held by nobody.
TEST_F(SamStore, ForkDuringAStoreLeavesTheChildFree) {
  std::atomic<bool> stop = false;
  std::thread busy([&] {
    const Bytes bytes = pattern(100000, 1);
    while (!stop) EXPECT_EQ(put(store_, bytes), CS_OK);
  });
  for (int i = 0; i < 50; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(30);  // a lock that is never free is a failure, not a hang
      (void)store_.size();
      ::_exit(0);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  stop = true;
  busy.join();
}

TEST(SamChecksum, EveryBitAndTheLengthCount) {
  const Bytes bytes = pattern(200, 5);
  const auto sum = [](const Bytes& of) {
    Checksum checksum;
    checksum.add(std::as_bytes(std::span(of)));
    return checksum.value();
  };
  std::vector<std::uint64_t> sums = {sum(bytes), sum(Bytes())};
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes changed = bytes;
    changed[bit / 8] ^= static_cast<unsigned char>(1U << (bit % 8));
    sums.push_back(sum(changed));
  }
  for (std::size_t length = 1; length < 200; ++length) {
    sums.push_back(sum(Bytes(length, 0)));
  }
  std::sort(sums.begin(), sums.end());
  EXPECT_EQ(std::adjacent_find(sums.begin(), sums.end()), sums.end());
}

TEST(SamChecksum, PiecesGiveTheSameAsTheWhole) {
  const Bytes bytes = pattern(1000, 6);
  Checksum whole, pieces;
  whole.add(std::as_bytes(std::span(bytes)));
  pieces.add(std::as_bytes(std::span(bytes).first(64)));
  pieces.add(std::as_bytes(std::span(bytes).subspan(64, 640)));
  pieces.add(std::as_bytes(std::span(bytes).subspan(704)));
  EXPECT_EQ(whole.value(), pieces.value());
}

}  // namespace
}  // namespace cs::sam
