// SPDX-License-Identifier: BSD-3-Clause
// The data that outlive an instance: kept in two anonymous in-memory files that supervisor and all
// instances share, and that no process maps, so that no wild pointer reaches them.
//
// Each file is a slot: a header, and the data behind it. A store writes the data into the slot that
// is not in use and then commits by writing that slot's header; death at any instant leaves the
// store before or the store after. The slot with the higher sequence number is the one in use.
#ifndef CS_SAM_STORE_H
#define CS_SAM_STORE_H

#include <cstddef>
#include <cstdint>
#include <sys/types.h>

#include <corosync/corotypes.h>

#include "common/result.h"
#include "common/unique_fd.h"
#include "sam/descriptor.h"
#include "sam/signal_safe_lock.h"

namespace cs::sam {

// store() is async-signal-safe, and so are the others: signals wait while the lock is held. All may
// be called by any number of threads. Everything that fails leaves the old data.
class Store {
 public:
  // How a slot is written; tests put a function here that stops halfway.
  using WriteFunction = ssize_t (*)(int fd, const void* data, std::size_t size, off_t offset);

  constexpr explicit Store(WriteFunction write = nullptr) noexcept : write_function_(write) {}

  // Makes the files. CS_ERR_LIBRARY, with errno, when there are no descriptors or no memory.
  [[nodiscard]] cs_error_t open() noexcept;

  // Gives the memory back, as far as this process is concerned.
  void close() noexcept;

  // The errors of the three: CS_ERR_LIBRARY when the application has closed the files, or the data
  // are damaged or cannot be read now; CS_ERR_INVALID_PARAM for memory that cannot be read or
  // written.

  // 0 when nothing is stored.
  [[nodiscard]] Result<std::size_t> size() noexcept;

  // Also CS_ERR_INVALID_PARAM when more is stored than fits. Stored nothing: buffer untouched.
  [[nodiscard]] cs_error_t restore(void* data, std::size_t room) noexcept;

  // Null or no size erases. Also CS_ERR_NO_MEMORY.
  [[nodiscard]] cs_error_t store(const void* data, std::size_t size) noexcept;

  // Gives back the memory of what does not count any more, such as a store that its process has not
  // lived to finish: the next one may need it.
  void discard_old() noexcept;

 private:
  static constexpr int kSlots = 2;

  struct Header {
    std::uint64_t magic;
    std::uint64_t sequence;  // stores are counted from 1
    std::uint64_t length;
    std::uint64_t data_checksum;
    std::uint64_t header_checksum;
  };

  struct Slot {
    UniqueFd fd;
    FileIdentity identity;
    std::uint64_t sequence = 0;  // of its header, 0 if it has none
    std::uint64_t length = 0;
    std::uint64_t checksum = 0;
    std::uint64_t capacity = 0;  // at least the bytes of its file
  };

  static std::uint64_t checksum_of(const Header& header) noexcept;
  static bool read_header(const Slot& slot, Header& header) noexcept;
  static bool is_intact(const Header& header) noexcept;

  bool look(pid_t self) noexcept;
  bool look_at(Slot& slot) noexcept;
  bool is_as_known(const Slot& slot) const noexcept;
  Slot& newest() noexcept;
  Slot& spare() noexcept { return &newest() == &slots_[0] ? slots_[1] : slots_[0]; }
  cs_error_t restore_once(void* data, std::size_t room, pid_t self, bool& torn) noexcept;
  cs_error_t write_slot(Slot& slot, const void* data, std::size_t size) noexcept;
  cs_error_t write_all(int fd, const void* data, std::size_t size, off_t offset) noexcept;
  cs_error_t read_back(const Slot& slot, std::size_t size, std::uint64_t& checksum) noexcept;
  void trim(Slot& slot, std::size_t size) noexcept;

  WriteFunction write_function_;
  SignalSafeLock lock_;  // guards what follows
  pid_t known_to_ = 0;   // the process that found the slots as described; another looks again
  Slot slots_[kSlots];
};

}  // namespace cs::sam

#endif
