// SPDX-License-Identifier: BSD-3-Clause
// The data that outlive an instance. Until sam_register they are in memory of the process itself,
// so that each process it forks has its own. From then on they are in two anonymous in-memory
// files. The supervisor and all instances share these, and no process maps them: no wild pointer
// reaches them.
//
// Each file is a slot. A store writes the data into the slot that is not in use and then commits by
// writing that slot's header. Death at any instant leaves the old store or the new one. The slot
// with the higher sequence number is the one in use.
#ifndef CS_SAM_STORE_H
#define CS_SAM_STORE_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <sys/types.h>

#include <corosync/corotypes.h>

#include "common/result.h"
#include "sam/shared/private_block.h"
#include "sam/shared/process_lock.h"
#include "sam/shared/signal_safe_lock.h"
#include "sam/shared/slot.h"

namespace cs::sam {

// A fork copies the object: each process has its own view of the files, which they share.
//
// store(), size() and restore() are async-signal-safe: signals wait while the lock is held. Any
// number of threads may call any function. A call that fails leaves the old data.
class Store {
 public:
  constexpr explicit Store(WriteFunction write = nullptr) noexcept : write_function_(write) {}

  // Begins with nothing stored. Makes nothing outside of this process's memory.
  void open() noexcept;

  // Makes the files: from now on forked processes share the data. What is already stored stays
  // where it is, and a fork copies it, until something is stored in a file. CS_ERR_LIBRARY, with
  // errno, when descriptors or memory have run out; nothing has changed then. CS_OK where the
  // system allows no such files, but nothing more can be stored there.
  [[nodiscard]] cs_error_t share() noexcept;

  // Undoes share(), as far as there is memory. is_alone: nothing has been forked since.
  void take_back(bool is_alone) noexcept;

  // Gives this process's share of the memory back.
  void close() noexcept;

  // All three of these return CS_ERR_LIBRARY when the application has closed the files, or the data
  // are damaged or cannot be read now, and CS_ERR_INVALID_PARAM for memory that cannot be read or
  // written.

  // 0 when nothing is stored.
  [[nodiscard]] Result<std::size_t> size() noexcept;

  // Also CS_ERR_INVALID_PARAM when more is stored than fits. The buffer is written only when the
  // result is CS_OK and something is stored.
  [[nodiscard]] cs_error_t restore(void* data, std::size_t room) noexcept;

  // Null, or a size of 0, erases. Once the data are shared, the permit is asked before anything is
  // written, and again just before it counts. Also CS_ERR_NO_MEMORY; and CS_ERR_LIBRARY, with
  // errno, when there are no files, or another process holds up the store.
  [[nodiscard]] cs_error_t store(const void* data, std::size_t size,
                                 const Permit& permit = {}) noexcept;

  // The supervisor calls this between two instances. It gives back memory of what no longer counts,
  // such as a store that its process did not live to finish. And it shuts out processes that the
  // last instance has left behind, whatever they are doing.
  void discard_old() noexcept;

 private:
  static constexpr int kSlots = 2;

  enum class Place : std::uint8_t { kNowhere, kPrivate, kShared };

  bool make_files() noexcept;
  void forget_files() noexcept;
  bool copy_back(pid_t self) noexcept;
  void drop_files() noexcept;
  bool refresh(pid_t self) noexcept;
  Slot& newest() noexcept {
    return slots_[0].sequence() >= slots_[1].sequence() ? slots_[0] : slots_[1];
  }
  Slot& spare() noexcept { return &newest() == &slots_[0] ? slots_[1] : slots_[0]; }
  // What was stored before share() counts until a file holds something.
  bool is_early() noexcept { return newest().sequence() == 0; }
  std::optional<cs_error_t> restore_once(std::byte* into, std::size_t room, pid_t self) noexcept;
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
  pid_t cached_by_ = 0;  // the process that has loaded the slots; another loads them again
  Slot slots_[kSlots];
};

}  // namespace cs::sam

#endif
