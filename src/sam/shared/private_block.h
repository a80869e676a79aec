// SPDX-License-Identifier: BSD-3-Clause
// Bytes in memory of this process alone, which a fork copies with the rest of it.
#ifndef CS_SAM_PRIVATE_BLOCK_H
#define CS_SAM_PRIVATE_BLOCK_H

#include <cstddef>
#include <cstdint>
#include <utility>

#include "sam/shared/checksum.h"

namespace cs::sam {

// Sole owner of a block. Not from the heap: a signal handler may make one. All that is known of the
// block lies in it, so that one pointer changes when another takes its place: a process that is
// forked meanwhile has the one or the other, whole.
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
  // Of a block that is there.
  [[nodiscard]] std::byte* data() const noexcept { return reinterpret_cast<std::byte*>(head_ + 1); }

  // No write goes there any more, and no wild pointer.
  void seal() noexcept;
  // Of a block that is sealed.
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
