// SPDX-License-Identifier: BSD-3-Clause
// Asks the kernel: for the whole range at once where it can answer that, else page by page.
#include "sam/shared/memory_probe.h"

#include <cerrno>
#include <cstdint>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

namespace cs::sam {
namespace {

// Zero time, whether the kernel reads words of 32 or of 64 bits.
constexpr long kNoTime[] = {0, 0};

// Waits for the word to change, but for no time: the kernel has to read it.
bool can_read(std::uintptr_t word) noexcept {
  return syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 0, kNoTime, nullptr, 0) == 0 ||
         errno != EFAULT;
}

// Has the kernel add 0 to the word atomically, so that what another thread writes there stays. The
// call also wakes waiters on a word of ours, which has none.
bool can_write(std::uintptr_t word) noexcept {
  std::uint32_t ours = 0;
  constexpr auto kAddNothing = FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0);
  return syscall(SYS_futex, &ours, FUTEX_WAKE_OP_PRIVATE, 1, 1, word, kAddNothing) >= 0 ||
         errno != EFAULT;
}

bool probe(std::uintptr_t begin, std::size_t size, int advice,
           bool (*can_use)(std::uintptr_t word)) noexcept {
  if (size == 0) return true;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const std::uintptr_t end = begin + size;
  if (end < begin) return false;
  const std::uintptr_t first = begin & ~(page - 1);
  // It may fail only because the kernel is older. And a kernel that reports success where nothing
  // is mapped, as emulators do, does not know the advice at all.
  if (::madvise(reinterpret_cast<void*>(first), end - first, advice) == 0 &&
      ::madvise(nullptr, page, advice) != 0) {
    return true;
  }
  for (std::uintptr_t at = begin; at < end; at = (at & ~(page - 1)) + page) {
    if (!can_use(at & ~std::uintptr_t{3})) return false;
  }
  return true;
}

}  // namespace

bool is_readable(const void* data, std::size_t size) noexcept {
  return probe(reinterpret_cast<std::uintptr_t>(data), size, MADV_POPULATE_READ, can_read);
}

bool is_writable(void* data, std::size_t size) noexcept {
  return probe(reinterpret_cast<std::uintptr_t>(data), size, MADV_POPULATE_WRITE, can_write);
}

}  // namespace cs::sam
