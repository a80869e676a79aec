// SPDX-License-Identifier: BSD-3-Clause
// A private mapping; sealing makes it read-only.
#include "sam/shared/private_block.h"

#include <sys/mman.h>

namespace cs::sam {

PrivateBlock& PrivateBlock::operator=(PrivateBlock&& other) noexcept {
  unmap(std::exchange(head_, std::exchange(other.head_, nullptr)));
  return *this;
}

PrivateBlock PrivateBlock::make(std::size_t size) noexcept {
  PrivateBlock made;
  void* const memory = ::mmap(nullptr, sizeof(Head) + size, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) return made;
  made.head_ = static_cast<Head*>(memory);
  made.head_->size = size;
  return made;
}

void PrivateBlock::seal() noexcept {
  head_->checksum = checksum();
  (void)::mprotect(head_, sizeof(Head) + size(), PROT_READ);
}

std::uint64_t PrivateBlock::checksum() const noexcept {
  Checksum sum;
  sum.add({data(), size()});
  return sum.value();
}

void PrivateBlock::unmap(Head* head) noexcept {
  if (head != nullptr) ::munmap(head, sizeof(Head) + head->size);
}

}  // namespace cs::sam
