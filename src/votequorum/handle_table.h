// SPDX-License-Identifier: BSD-3-Clause
// From the numbers that callers hold to the objects behind them.
#ifndef CS_VOTEQUORUM_HANDLE_TABLE_H
#define CS_VOTEQUORUM_HANDLE_TABLE_H

#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>
#include <utility>

#include "common/mutex.h"
#include "common/result.h"
#include "common/shared.h"

namespace cs::votequorum {

// Safe for any number of threads. A handle is a serial number above the index of its slot: slots
// are used again, handles never, so a stale one is refused. 0 is never a handle. Made to be global:
// needs no constructor at start and has no destructor at exit, where threads may still be running.
template <typename T>
class HandleTable {
 public:
  constexpr HandleTable() noexcept = default;

  // CS_ERR_NO_MEMORY when the table can't grow.
  [[nodiscard]] Result<std::uint64_t> insert(SharedRef<T> object) noexcept {
    const MutexLock lock(mutex_);
    if (first_free_ == kNoSlot && !grow()) return CS_ERR_NO_MEMORY;
    const std::uint32_t index = first_free_;
    Slot& slot = slots_[index];
    first_free_ = slot.next_free;
    slot.handle = ++serial_ << kIndexBits | index;
    slot.object = std::move(object);
    return slot.handle;
  }

  // An owner, so that the object outlives the call that found it; empty for an unknown handle.
  [[nodiscard]] SharedRef<T> find(std::uint64_t handle) noexcept {
    const MutexLock lock(mutex_);
    Slot* const slot = slot_of(handle);
    return slot != nullptr ? slot->object : SharedRef<T>();
  }

  // Makes the handle unknown; the object lives until its last owner lets go.
  [[nodiscard]] SharedRef<T> remove(std::uint64_t handle) noexcept {
    const MutexLock lock(mutex_);
    Slot* const slot = slot_of(handle);
    if (slot == nullptr) return {};
    slot->handle = 0;
    slot->next_free = first_free_;
    first_free_ = index_of(handle);
    return std::exchange(slot->object, {});
  }

 private:
  static constexpr unsigned kIndexBits = 20;
  static constexpr std::uint32_t kMaxSlots = 1U << kIndexBits;
  static constexpr std::uint32_t kNoSlot = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::uint32_t kFirstSize = 8;

  struct Slot {
    std::uint64_t handle = 0;
    SharedRef<T> object;
    std::uint32_t next_free = kNoSlot;
  };

  static std::uint32_t index_of(std::uint64_t handle) noexcept {
    return static_cast<std::uint32_t>(handle) & (kMaxSlots - 1);
  }

  Slot* slot_of(std::uint64_t handle) noexcept {
    const std::uint32_t index = index_of(handle);
    if (handle == 0 || index >= size_ || slots_[index].handle != handle) return nullptr;
    return &slots_[index];
  }

  bool grow() noexcept {
    const std::uint32_t new_size = size_ == 0 ? kFirstSize : size_ * 2;
    if (new_size > kMaxSlots) return false;
    auto* const grown = static_cast<Slot*>(std::malloc(new_size * sizeof(Slot)));
    if (grown == nullptr) return false;
    for (std::uint32_t i = 0; i < new_size; ++i) {
      ::new (&grown[i]) Slot(i < size_ ? std::move(slots_[i]) : Slot());
      if (i >= size_) grown[i].next_free = i + 1 < new_size ? i + 1 : kNoSlot;
    }
    for (std::uint32_t i = 0; i < size_; ++i) slots_[i].~Slot();
    std::free(slots_);
    first_free_ = size_;
    slots_ = grown;
    size_ = new_size;
    return true;
  }

  Mutex mutex_;  // guards what follows
  Slot* slots_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t first_free_ = kNoSlot;
  std::uint64_t serial_ = 0;
};

}  // namespace cs::votequorum

#endif
