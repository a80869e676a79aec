// SPDX-License-Identifier: BSD-3-Clause
// One of the files that hold stored data: a header, and the data behind it. The data count once the
// header says so.
#ifndef CS_SAM_SLOT_H
#define CS_SAM_SLOT_H

#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/types.h>

#include <corosync/corotypes.h>

#include "common/file_identity.h"
#include "common/unique_fd.h"

namespace cs::sam {

// How a slot is written; tests put a function here that stops halfway.
using WriteFunction = ssize_t (*)(int fd, const void* data, std::size_t size, off_t offset);

// Whether a store may go on.
struct Permit {
  bool (*ask)(const void* of) = nullptr;  // null: it may
  const void* of = nullptr;

  [[nodiscard]] bool operator()() const noexcept { return ask == nullptr || ask(of); }
};

// Not for two threads at once. What it knows of its file is as old as the last look().
class Slot {
 public:
  // A new file, with nothing in it, in place of one that a look has just found to be ours. False,
  // with errno, when none can be had.
  [[nodiscard]] bool make() noexcept;
  // Gives the file back, as far as this process is concerned.
  void drop() noexcept;

  // Finds out what the file holds. False when it is not ours any more, or cannot be read: it may be
  // the one that counts.
  [[nodiscard]] bool look() noexcept;
  // Whether a look would find the same. A header of ours also proves that the descriptor still
  // stands for our file.
  [[nodiscard]] bool is_as_known() const noexcept;

  // Stores are counted from 1; 0: the file holds none.
  [[nodiscard]] std::uint64_t sequence() const noexcept { return sequence_; }
  [[nodiscard]] std::size_t length() const noexcept { return static_cast<std::size_t>(length_); }
  [[nodiscard]] std::uint64_t checksum() const noexcept { return checksum_; }

  // Data first, then the header, unless the permit is gone by then (CS_ERR_LIBRARY).
  [[nodiscard]] cs_error_t write(std::uint64_t sequence, std::span<const std::byte> data,
                                 WriteFunction function, const Permit& permit) noexcept;

  // Reads what it holds, which goes into memory that can be written. Nothing is written there when
  // it is damaged (torn is set; another process may just be storing) or cannot be read, unless
  // there is no memory to find that out beforehand.
  [[nodiscard]] cs_error_t read(std::byte* into, bool& torn) noexcept;

  // Gives memory back when the file is much larger than what goes into it. Repeated stores of one
  // size do not come here, and neither do large and small ones in turn: those have a slot each.
  void trim(std::size_t size) noexcept;

 private:
  struct Header {
    std::uint64_t magic;
    std::uint64_t sequence;
    std::uint64_t length;
    std::uint64_t data_checksum;
    std::uint64_t header_checksum;
  };

  static std::uint64_t checksum_of(const Header& header) noexcept;
  static bool is_intact(const Header& header) noexcept;
  bool read_header(Header& header) const noexcept;
  cs_error_t read_all(std::byte* into, bool& torn) const noexcept;
  cs_error_t read_in_pieces(std::uint64_t& checksum) const noexcept;

  UniqueFd fd_;
  FileIdentity identity_;
  std::uint64_t sequence_ = 0;
  std::uint64_t length_ = 0;
  std::uint64_t checksum_ = 0;
  std::uint64_t capacity_ = 0;  // at least the bytes of the file
};

}  // namespace cs::sam

#endif
