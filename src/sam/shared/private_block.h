// SPDX-License-Identifier: BSD-3-Clause
// Bytes in memory of this process alone, which a fork copies like the rest.
#ifndef CS_SAM_PRIVATE_BLOCK_H
#define CS_SAM_PRIVATE_BLOCK_H

#include <cstddef>
#include <cstdint>
#include <utility>

#include "sam/shared/checksum.h"

namespace cs::sam {

// Sole owner of a block. The memory is not from the heap, since a signal handler may make a block.
// Everything about a block lies in it, so that replacing it changes one pointer: a process forked
// at that moment has one block or the other, whole.
class PrivateBlock {
 public:
  constexpr PrivateBlock() noexcept = default;
  PrivateBlock(PrivateBlock&& other) noexcept : head_(std::exchange(other.head_, nullptr)) {}
  PrivateBlock& operator=(PrivateBlock&& other) noexcept;
  ~PrivateBlock() { unmap(head_); }

  // Empty, with errno, when there is no memory.
  [[nodiscard]] static PrivateBlock make(std::size_t size) noexcept;

  [[nodiscard]] explicit operator bool() const noexcept { return head_ != nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return head_ != nullptr ? head_->size : 0; }
  // Only for a block that is not empty.
  [[nodiscard]] std::byte* data() const noexcept { return reinterpret_cast<std::byte*>(head_ + 1); }

  // Makes the block read-only, for wild pointers too.
  void seal() noexcept;
  // Only for a sealed block.
  [[nodiscard]] bool is_intact() const noexcept { return head_->checksum == checksum(); }

 private:
  struct alignas(Checksum::kBlockSize) Head {
    std::size_t size;
    std::uint64_t checksum;
  };

  static void unmap(Head* head) noexcept;
  [[nodiscard]] std::uint64_t checksum() const noexcept;

  Head* head_ = nullptr;
};

}  // namespace cs::sam

#endif
