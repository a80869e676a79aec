// SPDX-License-Identifier: BSD-3-Clause
// One of the files that hold stored data: a header, followed by the data. The data count once the
// header says so.
#ifndef CS_SAM_SLOT_H
#define CS_SAM_SLOT_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <sys/types.h>

#include <corosync/corotypes.h>

#include "common/file_identity.h"
#include "common/result.h"
#include "common/unique_fd.h"

namespace cs::sam {

// How a slot is written; tests pass a function that stops halfway.
using WriteFunction = ssize_t (*)(int fd, const void* data, std::size_t size, off_t offset);

// Whether a store may go on.
struct Permit {
  bool (*ask)(const void* of) = nullptr;  // null: always
  const void* of = nullptr;

  [[nodiscard]] bool operator()() const noexcept { return ask == nullptr || ask(of); }
};

// Not thread safe. What a slot knows of its file is as old as the last load().
class Slot {
 public:
  // Makes an empty file, in place of one that load() has just found to be ours. False, with errno,
  // when it cannot be made.
  [[nodiscard]] bool make() noexcept;
  // Closes the file in this process.
  void drop() noexcept;

  // Finds out what the file holds. False when it is no longer ours, or cannot be read. It may still
  // be the one that counts.
  [[nodiscard]] bool load() noexcept;
  // Whether load() would find the same. A header of ours also proves that the descriptor still
  // stands for our file.
  [[nodiscard]] bool is_current() const noexcept;

  // Stores are counted from 1. 0: the file holds none.
  [[nodiscard]] std::uint64_t sequence() const noexcept { return sequence_; }
  [[nodiscard]] std::size_t length() const noexcept { return static_cast<std::size_t>(length_); }
  [[nodiscard]] std::uint64_t checksum() const noexcept { return checksum_; }

  // Writes the data, then the header, unless the permit is gone by then (CS_ERR_LIBRARY).
  [[nodiscard]] cs_error_t write(std::uint64_t sequence, std::span<const std::byte> data,
                                 WriteFunction function, const Permit& permit) noexcept;

  // Reads the data into memory that is known to be writable. Empty when the data are damaged:
  // another process may just be storing. Nothing is written unless the result is CS_OK, or there is
  // no memory to check the data first.
  [[nodiscard]] std::optional<cs_error_t> read(std::byte* into) noexcept;

  // Gives memory back when the file is much larger than size. Repeated stores of one size trim
  // nothing; neither do large and small ones in turn, which have a slot each.
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
  [[nodiscard]] std::optional<cs_error_t> read_all(std::byte* into) const noexcept;
  [[nodiscard]] Result<std::uint64_t> sum_data() const noexcept;

  UniqueFd fd_;
  FileIdentity identity_;
  std::uint64_t sequence_ = 0;
  std::uint64_t length_ = 0;
  std::uint64_t checksum_ = 0;
  std::uint64_t capacity_ = 0;  // at least the bytes of the file
};

}  // namespace cs::sam

#endif
