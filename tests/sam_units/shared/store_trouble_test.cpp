// SPDX-License-Identifier: BSD-3-Clause
// A store whose reads are short or find half of a store, whose memory is written to by others, or
// that another process holds up; and what it writes where it must not write at all.
#include "sam_units/shared/store_bytes.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "common/sanitizer.h"
#include "support/refuse_call.h"

namespace cs::sam {
namespace {

constinit std::atomic<std::size_t> g_most = SIZE_MAX;  // a read brings no more than that
constinit std::atomic<int> g_spoilt = 0;               // so many reads of data bring something else
constinit std::atomic<bool> g_keeps_open = false;      // memory is not made read-only
constinit std::atomic<void*> g_sealed = nullptr;       // the last that was to be
constinit std::atomic<int> g_writes = 0;
constinit std::atomic<int> g_cuts = 0;  // of files
constinit std::atomic<bool> g_no_memory = false;

}  // namespace
}  // namespace cs::sam

// In place of libc's.
extern "C" ssize_t pread(int fd, void* into, size_t size, off_t offset) {
  using namespace cs::sam;
  const long count = ::syscall(SYS_pread64, fd, into, std::min(size, g_most.load()), offset);
  if (count > 0 && offset >= 64 && g_spoilt > 0) {
    --g_spoilt;
    static_cast<char*>(into)[count - 1] ^= 1;
  }
  return count;
}

extern "C" int ftruncate(int fd, off_t size) noexcept {
  ++cs::sam::g_cuts;
  return static_cast<int>(::syscall(SYS_ftruncate, fd, size));
}

// The thread sanitizer calls it before its run-time has begun, which this would need.
#ifndef CS_THREAD_SANITIZER
// Machines differ in how the kernel takes the offset.
extern "C" void* mmap(void* at, size_t size, int access, int flags, int fd, off_t offset) noexcept {
  if (cs::sam::g_no_memory) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
#ifdef SYS_mmap2
  return reinterpret_cast<void*>(::syscall(SYS_mmap2, at, size, access, flags, fd, offset / 4096));
#else
  return ::mmap64(at, size, access, flags, fd, offset);
#endif
}
#endif

extern "C" int mprotect(void* memory, size_t size, int access) noexcept {
  using namespace cs::sam;
  if (access == PROT_READ) g_sealed = memory;
  if (access == PROT_READ && g_keeps_open) return 0;
  return static_cast<int>(::syscall(SYS_mprotect, memory, size, access));
}

namespace cs::sam {
namespace {

class SamStoreTrouble : public SamStore {
 protected:
  ~SamStoreTrouble() override {
    g_most = SIZE_MAX;
    g_spoilt = 0;
    g_keeps_open = false;
  }
};

TEST_F(SamStoreTrouble, ShortReadsGoOn) {
  for (const std::size_t size : {100U, 70'000U}) {
    g_most = SIZE_MAX;
    ASSERT_EQ(put(store_, pattern(size, 1)), CS_OK);
    g_most = 31;
    EXPECT_EQ(get(store_), pattern(size, 1)) << size;
  }
}

// Another process may just have been storing.
TEST_F(SamStoreTrouble, DamagedDataAreReadAgain) {
  for (const std::size_t size :
       {std::size_t{100}, std::size_t{70'000}, (std::size_t{16} << 20) + 1}) {
    ASSERT_EQ(put(store_, pattern(size, 1)), CS_OK);
    g_spoilt = 1;
    EXPECT_EQ(get(store_), pattern(size, 1)) << size;
    EXPECT_EQ(g_spoilt, 0);
  }
}

TEST_F(SamStoreTrouble, DataThatStayDamagedAreNotRestored) {
  ASSERT_EQ(put(store_, pattern(100, 1)), CS_OK);
  Bytes buffer(100, 'x');
  g_spoilt = 1000;
  EXPECT_EQ(store_.restore(buffer.data(), buffer.size()), CS_ERR_LIBRARY);
  EXPECT_EQ(buffer, Bytes(100, 'x'));
  EXPECT_GT(g_spoilt, 900);  // it gives up
}

// Where nothing keeps a wild pointer away.
TEST_F(SamStoreTrouble, EarlyDataThatAreDamagedAreNotRestored) {
  Store early;
  early.open();
  g_keeps_open = true;
  ASSERT_EQ(put(early, pattern(100, 1)), CS_OK);
  static_cast<char*>(g_sealed.load())[Checksum::kBlockSize + 50] ^= 1;
  Bytes buffer(100, 'x');
  EXPECT_EQ(early.restore(buffer.data(), buffer.size()), CS_ERR_LIBRARY);
  EXPECT_EQ(buffer, Bytes(100, 'x'));
}

// A program whose data grow and shrink a little is not to pay for it.
TEST_F(SamStoreTrouble, FilesAreCutOnlyWhereThatIsWorthIt) {
  g_cuts = 0;
  for (const std::size_t size : {1000U, 900U, 800U, 1000U, 100U, 60'000U, 100U, 100U}) {
    ASSERT_EQ(put(store_, pattern(size, 1)), CS_OK);
  }
  for (const std::size_t size : {400'000U, 390'000U, 200'000U, 300'000U, 150'000U, 400'000U}) {
    ASSERT_EQ(put(store_, pattern(size, 1)), CS_OK);
  }
  EXPECT_EQ(g_cuts, 0);
  for (int count = 0; count < 2; ++count) ASSERT_EQ(put(store_, pattern(100, 1)), CS_OK);
  EXPECT_EQ(g_cuts, 2);
}

ssize_t count_write(int fd, const void* data, std::size_t size, off_t offset) {
  ++g_writes;
  return ::pwrite(fd, data, size, offset);
}

// It would write into what the next instance is writing.
TEST_F(SamStoreTrouble, WithoutAPermitNothingIsWritten) {
  Store store(count_write);
  open_and_share(store);
  g_writes = 0;
  const Permit none{[](const void*) { return false; }, nullptr};
  EXPECT_EQ(store.store("new", 3, none), CS_ERR_LIBRARY);
  EXPECT_EQ(g_writes, 0);
}

ssize_t write_until_the_header(int fd, const void* data, std::size_t size, off_t offset) {
  if (offset > 0) return ::pwrite(fd, data, size, offset);
  errno = EIO;
  return -1;
}

TEST_F(SamStoreTrouble, FailedStoreGivesItsMemoryBackAndTheOldDataCount) {
  Store store(write_until_the_header);
  open_and_share(store);
  const Bytes large(4 << 20, 1);
  EXPECT_EQ(put(store, large), CS_ERR_LIBRARY);
  EXPECT_LT(shared_memory(), 1U << 20);
  EXPECT_EQ(*store.size(), 0U);
}

TEST_F(SamStoreTrouble, TakingBackKeepsErrno) {
  for (const bool is_alone : {false, true}) {
    Store store;
    open_and_share(store);
    ASSERT_EQ(put(store, pattern(100, 1)), CS_OK);
    errno = EDOM;
    store.take_back(is_alone);
    EXPECT_EQ(errno, EDOM);
    EXPECT_EQ(get(store), pattern(100, 1));
  }
}

// They stay where they are then, and are found there.
#ifndef CS_THREAD_SANITIZER
TEST_F(SamStoreTrouble, TakingBackWithoutMemoryKeepsErrnoAndTheData) {
  Store store;
  open_and_share(store);
  ASSERT_EQ(put(store, pattern(100, 1)), CS_OK);
  errno = EDOM;
  g_no_memory = true;
  store.take_back(false);
  g_no_memory = false;
  EXPECT_EQ(errno, EDOM);
  EXPECT_EQ(get(store), pattern(100, 1));
}
#endif

TEST_F(SamStoreTrouble, WithoutFilesEveryStoreSaysWhy) {
  constexpr int kNoFilters = 77;
  const int status = in_child([] {
    if (!test::refuse_call(SYS_memfd_create, EPERM) || !test::refuse_call(SYS_openat, EACCES)) {
      ::_exit(kNoFilters);
    }
    Store store;
    store.open();
    ASSERT_EQ(store.share(), CS_OK);
    for (int count = 0; count < 2; ++count) {
      errno = 0;
      EXPECT_EQ(store.store("abc", 3), CS_ERR_LIBRARY);
      EXPECT_EQ(errno, EACCES);
    }
    EXPECT_EQ(*store.size(), 0U);
  });
  if (WEXITSTATUS(status) == kNoFilters) GTEST_SKIP() << "no filters of system calls here";
  EXPECT_EQ(status, 0);
}

constinit pid_t g_waiting = 0;

ssize_t stop_before_writing(int fd, const void* data, std::size_t size, off_t offset) {
  if (::getpid() != g_waiting) ::raise(SIGSTOP);
  return ::pwrite(fd, data, size, offset);
}

// After two seconds, which are the price of this case.
TEST_F(SamStoreTrouble, WhoeverIsHeldUpSaysSoAndWritesNothing) {
  Store store(stop_before_writing);
  open_and_share(store);
  g_waiting = ::getpid();
  const pid_t holder = ::fork();
  if (holder == 0) {
    (void)store.store("abc", 3);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(holder, &status, WUNTRACED), holder);
  ASSERT_TRUE(WIFSTOPPED(status));
  errno = 0;
  EXPECT_EQ(store.store("def", 3), CS_ERR_LIBRARY);
  EXPECT_EQ(errno, EBUSY);
  ::kill(holder, SIGKILL);
  ::waitpid(holder, nullptr, 0);
}

}  // namespace
}  // namespace cs::sam
