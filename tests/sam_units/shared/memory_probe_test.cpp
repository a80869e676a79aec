// SPDX-License-Identifier: BSD-3-Clause
// What is readable and writable; and that looking changes nothing, with every kernel's way of it.
#include "sam/shared/memory_probe.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <string>
#include <thread>

#include "support/refuse_call.h"

namespace cs::sam {
namespace {

const std::size_t kPage = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));

// Three pages, the middle one with another access.
class Pages {
 public:
  explicit Pages(int access) {
    void* const made =
        ::mmap(nullptr, 3 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(made, MAP_FAILED);
    memory_ = static_cast<char*>(made);
    for (std::size_t i = 0; i < 3 * kPage; ++i) memory_[i] = static_cast<char>(i % 251);
    EXPECT_EQ(::mprotect(memory_ + kPage, kPage, access), 0);
  }
  ~Pages() { ::munmap(memory_, 3 * kPage); }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  [[nodiscard]] char* at(std::size_t offset) const { return memory_ + offset; }
  [[nodiscard]] bool is_unchanged() const {
    EXPECT_EQ(::mprotect(memory_, 3 * kPage, PROT_READ), 0);
    for (std::size_t i = 0; i < 3 * kPage; ++i) {
      if (memory_[i] != static_cast<char>(i % 251)) return false;
    }
    return true;
  }

 private:
  char* memory_;
};

constexpr int kNoFilter = 77;

// madvise as a kernel before 5.14 has it, without the two kinds of advice; or as an emulator has
// it, which does nothing and says that all is well.
void answer_advice(unsigned error) {
  if (!test::refuse_call(SYS_madvise, error)) ::_exit(kNoFilter);
}

enum class Kernel { kPresent, kOld, kEmulated };

class SamMemoryProbe : public testing::TestWithParam<Kernel> {
 protected:
  // In a process of its own: a filter stays.
  template <typename Body>
  void with_kernel(Body body) {
    const pid_t child = ::fork();
    if (child == 0) {
      if (GetParam() != Kernel::kPresent) answer_advice(GetParam() == Kernel::kOld ? EINVAL : 0);
      body();
      ::_exit(HasFailure() ? 1 : 0);
    }
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    if (WEXITSTATUS(status) == kNoFilter) GTEST_SKIP() << "no filters of system calls here";
    EXPECT_EQ(status, 0);
  }
};

TEST_P(SamMemoryProbe, EveryPageCounts) {
  with_kernel([] {
    const Pages none(PROT_NONE);
    const Pages read_only(PROT_READ);
    for (const std::size_t offset : {std::size_t{0}, std::size_t{1}, kPage - 1}) {
      EXPECT_TRUE(is_writable(none.at(offset), kPage - offset));
      EXPECT_TRUE(is_readable(none.at(offset), kPage - offset));
      EXPECT_FALSE(is_writable(none.at(offset), kPage - offset + 1));
      EXPECT_FALSE(is_readable(none.at(offset), kPage - offset + 1));
      EXPECT_FALSE(is_writable(read_only.at(offset), 2 * kPage));
      EXPECT_TRUE(is_readable(read_only.at(offset), 2 * kPage));
    }
    EXPECT_FALSE(is_writable(none.at(2 * kPage - 1), 1));
    EXPECT_TRUE(is_writable(none.at(2 * kPage), kPage));
    EXPECT_TRUE(none.is_unchanged());
    EXPECT_TRUE(read_only.is_unchanged());
  });
}

TEST_P(SamMemoryProbe, MemoryThatIsNotThereIsNeither) {
  with_kernel([] {
    EXPECT_FALSE(is_readable(nullptr, 1));
    EXPECT_FALSE(is_writable(nullptr, 1));
    auto* const last = reinterpret_cast<char*>(UINTPTR_MAX - 10);
    EXPECT_FALSE(is_readable(last, 5));
    EXPECT_FALSE(is_writable(last, 100));
    char byte = 'x';
    EXPECT_TRUE(is_readable(&byte, 0));
    EXPECT_TRUE(is_writable(&byte, 1));
    EXPECT_EQ(byte, 'x');
  });
}

// Beyond the end of a file a mapping is there, and using it is SIGBUS.
TEST_P(SamMemoryProbe, MappingBeyondItsFileIsNeither) {
  with_kernel([] {
    const int file = ::memfd_create("test", MFD_CLOEXEC);
    ASSERT_EQ(::ftruncate(file, static_cast<off_t>(kPage)), 0);
    void* const made = ::mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ASSERT_NE(made, MAP_FAILED);
    EXPECT_TRUE(is_writable(made, kPage));
    EXPECT_FALSE(is_writable(made, kPage + 1));
    EXPECT_FALSE(is_readable(made, kPage + 1));
  });
}

// What another thread writes meanwhile is not undone.
TEST_P(SamMemoryProbe, NothingThatAnotherThreadWritesIsLost) {
  with_kernel([] {
    constexpr std::uint32_t kRounds = 200'000;
    alignas(8) volatile std::uint32_t counter = 0;
    std::atomic<bool> done = false;
    std::thread prober([&] {
      while (!done) EXPECT_TRUE(is_writable(const_cast<std::uint32_t*>(&counter), 4));
    });
    for (std::uint32_t i = 0; i < kRounds; ++i) {
      counter = i;
      ASSERT_EQ(counter, i);
    }
    done = true;
    prober.join();
  });
}

std::string name_of(const testing::TestParamInfo<Kernel>& kernel) {
  static constexpr const char* kNames[] = {"This", "Old", "Emulated"};
  return kNames[static_cast<unsigned>(kernel.param)];
}

INSTANTIATE_TEST_SUITE_P(Kernel, SamMemoryProbe,
                         testing::Values(Kernel::kPresent, Kernel::kOld, Kernel::kEmulated),
                         name_of);

}  // namespace
}  // namespace cs::sam
