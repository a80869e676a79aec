// SPDX-License-Identifier: BSD-3-Clause
// The data that outlive an instance. Until sam_register they are in memory of the process itself,
// so that whatever it forks has its own. Then they are kept in two anonymous in-memory files that
// supervisor and all instances share, and that no process maps, so that no wild pointer reaches
// them.
//
// Each file is a slot. A store writes the data into the slot that is not in use and then commits by
// writing that slot's header; death at any instant leaves the store before or the store after. The
// slot with the higher sequence number is the one in use.
#ifndef CS_SAM_STORE_H
#define CS_SAM_STORE_H

#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/types.h>

#include <corosync/corotypes.h>

#include "common/result.h"
#include "sam/shared/private_block.h"
#include "sam/shared/process_lock.h"
#include "sam/shared/signal_safe_lock.h"
#include "sam/shared/slot.h"

namespace cs::sam {

// store() is async-signal-safe, and so are size() and restore(): signals wait while the lock is
// held. All may be called by any number of threads. Everything that fails leaves the old data.
class Store {
 public:
  constexpr explicit Store(WriteFunction write = nullptr) noexcept : write_function_(write) {}

  // Begins with nothing stored, and outside of this process's memory with nothing at all.
  void open() noexcept;

  // From now on what is forked shares the data: makes the files. What is stored already stays where
  // it is, and is forked with the rest, until something is stored in a file. CS_ERR_LIBRARY, with
  // errno, when descriptors or memory have run out; then nothing has changed. Where such files
  // cannot be had at all it is CS_OK, but nothing more can be stored.
  [[nodiscard]] cs_error_t share() noexcept;

  // Undoes share(), as far as there is memory. Alone: nothing was forked meanwhile.
  void take_back(bool is_alone) noexcept;

  // Gives the memory back, as far as this process is concerned.
  void close() noexcept;

  // The errors of the three: CS_ERR_LIBRARY when the application has closed the files, or the data
  // are damaged or cannot be read now; CS_ERR_INVALID_PARAM for memory that cannot be read or
  // written.

  // 0 when nothing is stored.
  [[nodiscard]] Result<std::size_t> size() noexcept;

  // Also CS_ERR_INVALID_PARAM when more is stored than fits. The buffer is written only if there is
  // something to restore, and with CS_OK.
  [[nodiscard]] cs_error_t restore(void* data, std::size_t room) noexcept;

  // Null or no size erases. Once shared the permit is asked for before anything is written, and
  // again just before it counts. Also CS_ERR_NO_MEMORY; and CS_ERR_LIBRARY, with errno, when there
  // are no files, or another process holds up the store.
  [[nodiscard]] cs_error_t store(const void* data, std::size_t size,
                                 const Permit& permit = {}) noexcept;

  // Between two instances, in the supervisor. Gives back the memory of what does not count any
  // more, such as a store that its process has not lived to finish; and shuts out processes that
  // the last instance has left behind, whatever they are doing.
  void discard_old() noexcept;

 private:
  static constexpr int kSlots = 2;

  enum class Place : std::uint8_t { kNowhere, kPrivate, kShared };

  bool make_files() noexcept;
  void drop_files() noexcept;
  void forget_files() noexcept;
  bool copy_back(pid_t self) noexcept;
  bool look(pid_t self) noexcept;
  Slot& newest() noexcept {
    return slots_[0].sequence() >= slots_[1].sequence() ? slots_[0] : slots_[1];
  }
  Slot& spare() noexcept { return &newest() == &slots_[0] ? slots_[1] : slots_[0]; }
  // What was stored before share() counts until a file holds something.
  bool is_early() noexcept { return newest().sequence() == 0; }
  cs_error_t restore_once(std::byte* into, std::size_t room, pid_t self, bool& torn) noexcept;
  cs_error_t store_early(std::span<const std::byte> data) noexcept;
  cs_error_t store_shared(std::span<const std::byte> data, pid_t self,
                          const Permit& permit) noexcept;
  cs_error_t commit(std::span<const std::byte> data, const Permit& permit) noexcept;

  WriteFunction write_function_;
  SignalSafeLock lock_;  // guards what follows
  Place place_ = Place::kNowhere;
  PrivateBlock early_;  // what was stored before share(), as long as it counts
  int refusal_ = 0;     // why there are no files
  SharedProcessLock process_lock_;
  pid_t known_to_ = 0;  // the process that found the slots as described; another looks again
  Slot slots_[kSlots];
};

}  // namespace cs::sam

#endif
