// SPDX-License-Identifier: BSD-3-Clause
// Finds the objects behind the numbers that callers hold.
#ifndef CS_VOTEQUORUM_HANDLE_TABLE_H
#define CS_VOTEQUORUM_HANDLE_TABLE_H

#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

#include "common/heap.h"
#include "common/mutex.h"
#include "common/result.h"

namespace cs::votequorum {

// A slot's word: a serial number, whether the handle is closed, and the number of its users. The
// machine changes a word of this size in one piece.
template <typename WordType, unsigned UserBits>
struct HandleLayout {
  using Word = WordType;
  static constexpr Word kOne = 1;
  static constexpr Word kClosed = kOne << UserBits;
  static constexpr Word kUsers = kClosed - 1;
  static constexpr unsigned kSerialShift = UserBits + 1;
  static constexpr std::uint64_t kMaxSerial = static_cast<Word>(~Word{0}) >> kSerialShift;
};
using WideHandles = HandleLayout<std::uint64_t, 23>;
// For machines that cannot change eight bytes at once (armel, mipsel): a handle is used again after
// 131,071 others, and 16,383 calls at once may use one.
using NarrowHandles = HandleLayout<std::uint32_t, 14>;
using MachineHandles = std::conditional_t<__atomic_always_lock_free(sizeof(std::uint64_t), nullptr),
                                          WideHandles, NarrowHandles>;

// Safe for any number of threads. A handle is a serial number above the index of its slot. Slots
// are used again, handles are not, so a stale handle is refused. 0 is never a handle. Made to be
// global: it needs no constructor at start and has no destructor at exit, when threads may still be
// running.
//
// Not libqb's handle database (qb_hdb_handle_get): it looks at a handle first and counts the user
// next. Another thread may destroy the object between the two.
//
// An object lives until the table and all its users have let go of it. Finding it and letting go
// are one atomic step each, so that a thread can vanish between any two and leave no lock behind.
template <typename T, typename Layout = MachineHandles>
class HandleTable {
 public:
  constexpr HandleTable() noexcept = default;

  // CS_ERR_NO_MEMORY when the table cannot grow. The calling thread must not vanish.
  [[nodiscard]] Result<std::uint64_t> insert(HeapPtr<T> object, Mutex::Token self) noexcept {
    mutex_.lock(self);
    Slot* const slot = take_free_slot();
    std::uint64_t handle = 0;
    if (slot != nullptr) {
      serial_ = serial_ < Layout::kMaxSerial ? serial_ + 1 : 1;
      handle = serial_ << kIndexBits | slot->index;
      slot->object = object.release();
      slot->word.store(word_of(serial_) | Layout::kOne, std::memory_order_release);
    }
    mutex_.unlock(self);
    if (handle == 0) return CS_ERR_NO_MEMORY;
    return handle;
  }

  // Counts one more user. Null for an unknown handle.
  [[nodiscard]] T* find(std::uint64_t handle) noexcept { return change(handle, Layout::kOne); }

  // Makes the handle unknown. The table's use passes to the caller, who lets go of it when done.
  [[nodiscard]] T* remove(std::uint64_t handle) noexcept { return change(handle, Layout::kClosed); }

  // True for the last user, who retires it.
  [[nodiscard]] bool let_go(std::uint64_t handle) noexcept {
    const Word before =
        known_slot(index_of(handle))->word.fetch_sub(Layout::kOne, std::memory_order_acq_rel);
    return (before & Layout::kUsers) == Layout::kOne;
  }

  // Destroys the object. The calling thread must not vanish.
  void retire(std::uint64_t handle, Mutex::Token self) noexcept {
    Slot& slot = *known_slot(index_of(handle));
    HeapDelete()(std::exchange(slot.object, nullptr));
    mutex_.lock(self);
    slot.next_free = first_free_;
    first_free_ = slot.index;
    mutex_.unlock(self);
  }

  // For the child of a fork, which has one thread: drops the uses of the others. uses_of tells how
  // often that thread uses a handle.
  template <typename UsesOf>
  void keep_only(UsesOf&& uses_of) noexcept {
    for (std::uint32_t index = 0; index < size_.load(std::memory_order_relaxed); ++index) {
      Slot& slot = *known_slot(index);
      const Word word = slot.word.load(std::memory_order_relaxed);
      if ((word & Layout::kUsers) == 0) continue;
      const std::uint64_t serial = word >> Layout::kSerialShift;
      const std::uint64_t uses = uses_of(serial << kIndexBits | index);
      const Word kept = static_cast<Word>(uses) + ((word & Layout::kClosed) == 0 ? 1U : 0U);
      slot.word.store((word & ~Layout::kUsers) | kept, std::memory_order_relaxed);
    }
  }

 private:
  static constexpr unsigned kIndexBits = 20;
  static constexpr std::uint32_t kMaxSlots = 1U << kIndexBits;
  static constexpr std::uint32_t kNoSlot = std::numeric_limits<std::uint32_t>::max();
  // Slots come in blocks, each twice as large as the last. Blocks never move.
  static constexpr std::uint32_t kFirstSize = 8;
  static constexpr unsigned kBlocks = 17;

  using Word = typename Layout::Word;
  static Word word_of(std::uint64_t serial) noexcept {
    return static_cast<Word>(serial << Layout::kSerialShift);
  }

  struct Slot {
    std::atomic<Word> word = 0;
    T* object = nullptr;
    std::uint32_t index = 0;
    std::uint32_t next_free = kNoSlot;
  };

  static std::uint32_t index_of(std::uint64_t handle) noexcept {
    return static_cast<std::uint32_t>(handle) & (kMaxSlots - 1);
  }

  static unsigned block_of(std::uint32_t index) noexcept {
    return static_cast<unsigned>(std::bit_width(index / kFirstSize + 1)) - 1;
  }

  static std::uint32_t first_of(unsigned block) noexcept {
    return kFirstSize * ((1U << block) - 1);
  }

  // For an index that a handle was made of: its block is there.
  Slot* known_slot(std::uint32_t index) noexcept {
    const unsigned block = block_of(index);
    return blocks_[block].load(std::memory_order_acquire) + (index - first_of(block));
  }

  // For any number. Null if there is no such block yet.
  Slot* find_slot(std::uint32_t index) noexcept {
    const unsigned block = block_of(index);
    if (block >= kBlocks) return nullptr;
    Slot* const slots = blocks_[block].load(std::memory_order_acquire);
    return slots != nullptr ? slots + (index - first_of(block)) : nullptr;
  }

  T* change(std::uint64_t handle, Word added) noexcept {
    Slot* const slot = find_slot(index_of(handle));
    const std::uint64_t serial = handle >> kIndexBits;
    if (slot == nullptr || serial == 0 || serial > Layout::kMaxSerial) return nullptr;
    Word word = slot->word.load(std::memory_order_relaxed);
    do {
      const bool is_it = word >> Layout::kSerialShift == serial;
      if (!is_it || (word & Layout::kClosed) != 0) return nullptr;
      const bool is_full = (word & Layout::kUsers) == Layout::kUsers;
      if (is_full && added == Layout::kOne) return nullptr;
    } while (!slot->word.compare_exchange_weak(word, word + added, std::memory_order_acq_rel,
                                               std::memory_order_relaxed));
    return slot->object;
  }

  // Call with the lock held.
  Slot* take_free_slot() noexcept {
    if (first_free_ == kNoSlot && !grow()) return nullptr;
    Slot* const slot = known_slot(first_free_);
    first_free_ = slot->next_free;
    return slot;
  }

  bool grow() noexcept {
    const std::uint32_t size = size_.load(std::memory_order_relaxed);
    const std::uint32_t added = size + kFirstSize;
    const unsigned block = block_of(size);
    if (block >= kBlocks) return false;
    auto* const slots = static_cast<Slot*>(std::malloc(added * sizeof(Slot)));
    if (slots == nullptr) return false;
    for (std::uint32_t i = 0; i < added; ++i) {
      Slot* const slot = ::new (&slots[i]) Slot();
      slot->index = size + i;
      if (i + 1 < added) slot->next_free = size + i + 1;
    }
    blocks_[block].store(slots, std::memory_order_release);
    // The size first: a process forked in between must not make this block once more.
    size_.store(size + added, std::memory_order_release);
    first_free_ = size;
    return true;
  }

  std::atomic<Slot*> blocks_[kBlocks] = {};
  std::atomic<std::uint32_t> size_ = 0;

  Mutex mutex_;  // guards what follows
  std::uint32_t first_free_ = kNoSlot;
  std::uint64_t serial_ = 0;
};

}  // namespace cs::votequorum

#endif
