// SPDX-License-Identifier: BSD-3-Clause
// Reading and writing one file of stored data.
#include "sam/shared/slot.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <utility>

#include "sam/shared/checksum.h"
#include "sam/shared/memory_file.h"
#include "sam/shared/private_block.h"

namespace cs::sam {
namespace {

constexpr std::uint64_t kMagic = 0x31544F4C534D4153;  // "SAMSLOT1"
constexpr off_t kDataOffset = 64;
constexpr std::size_t kScratchSize = 64 * 1024;
constexpr std::size_t kKeptCapacity = 64 * 1024;  // not worth giving back
constexpr std::size_t kLargestCopy = 16 << 20;    // no more memory is used for a copy
constexpr std::size_t kLargestTransfer = 1U << 30;

// For reading a file a piece at a time, under the lock of the store, of which a process has one. A
// store is not all zeros: as its member, this would add 64 KiB to the library's file.
alignas(64) constinit std::byte g_scratch[kScratchSize];

// A write beyond the limit on file sizes raises a signal. It is still blocked here, and would kill
// the application.
void discard_file_size_signal() noexcept {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGXFSZ);
  const timespec no_wait{};
  while (::sigtimedwait(&signals, nullptr, &no_wait) < 0 && errno == EINTR) {
  }
}

cs_error_t status_of_failed_write() noexcept {
  switch (errno) {
    case EFAULT:
      return CS_ERR_INVALID_PARAM;
    case EFBIG:
      discard_file_size_signal();
      return CS_ERR_NO_MEMORY;
    case ENOMEM:
    case ENOSPC:
    case EDQUOT:
      return CS_ERR_NO_MEMORY;
    default:
      return CS_ERR_LIBRARY;
  }
}

cs_error_t read_at(int fd, void* into, std::size_t size, off_t offset) noexcept {
  auto* at = static_cast<std::byte*>(into);
  while (size > 0) {
    const ssize_t count = ::pread(fd, at, std::min(size, kLargestTransfer), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return CS_ERR_LIBRARY;
    at += count;
    offset += count;
    size -= static_cast<std::size_t>(count);
  }
  return CS_OK;
}

cs_error_t write_at(int fd, const void* data, std::size_t size, off_t offset,
                    WriteFunction function) noexcept {
  const auto* from = static_cast<const std::byte*>(data);
  while (size > 0) {
    const ssize_t count = function(fd, from, std::min(size, kLargestTransfer), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count < 0 ? status_of_failed_write() : CS_ERR_NO_MEMORY;
    from += count;
    offset += count;
    size -= static_cast<std::size_t>(count);
  }
  return CS_OK;
}

}  // namespace

bool Slot::make() noexcept {
  Slot made;
  made.fd_ = make_memory_file();
  if (made.fd_) made.identity_ = FileIdentity(made.fd_.get());
  if (!made.identity_.is_known()) return false;
  *this = std::move(made);
  return true;
}

void Slot::drop() noexcept {
  if (!fd_) return;
  // If the number now stands for a file of the application, there is nothing to close.
  if (!identity_.is_behind(fd_.get())) (void)fd_.release();
  *this = Slot{};
}

bool Slot::load() noexcept {
  if (!identity_.is_behind(fd_.get())) return false;
  struct stat file;
  if (::fstat(fd_.get(), &file) != 0) return false;
  capacity_ = static_cast<std::uint64_t>(file.st_size);
  Header header{};
  if (capacity_ >= sizeof(header) && !read_header(header)) return false;
  const bool committed = is_intact(header);
  sequence_ = committed ? header.sequence : 0;
  length_ = committed ? header.length : 0;
  checksum_ = committed ? header.data_checksum : 0;
  return true;
}

bool Slot::is_current() const noexcept {
  Header header;
  return read_header(header) && is_intact(header) && header.sequence == sequence_;
}

bool Slot::read_header(Header& header) const noexcept {
  return read_at(fd_.get(), &header, sizeof(header), 0) == CS_OK;
}

bool Slot::is_intact(const Header& header) noexcept {
  return header.magic == kMagic && header.header_checksum == checksum_of(header);
}

std::uint64_t Slot::checksum_of(const Header& header) noexcept {
  Checksum sum;
  sum.add({reinterpret_cast<const std::byte*>(&header), offsetof(Header, header_checksum)});
  return sum.value();
}

cs_error_t Slot::write(std::uint64_t sequence, std::span<const std::byte> data,
                       WriteFunction function, const Permit& permit) noexcept {
  trim(data.size());
  sequence_ = sequence;
  length_ = data.size();
  capacity_ = std::max<std::uint64_t>(capacity_, data.size());
  const cs_error_t status = write_at(fd_.get(), data.data(), data.size(), kDataOffset, function);
  if (status != CS_OK) return status;
  // The checksum is that of the file's bytes: the caller's may have changed while they were copied.
  const auto sum = sum_data();
  if (!sum) return sum.status();
  checksum_ = *sum;
  if (!permit()) return CS_ERR_LIBRARY;
  Header header{kMagic, sequence_, length_, checksum_, 0};
  header.header_checksum = checksum_of(header);
  return write_at(fd_.get(), &header, sizeof(header), 0, function);
}

void Slot::trim(std::size_t size) noexcept {
  if (capacity_ <= kKeptCapacity || capacity_ / 4 <= size) return;
  if (::ftruncate(fd_.get(), kDataOffset + static_cast<off_t>(size)) == 0) {
    capacity_ = size;
  } else {
    (void)status_of_failed_write();
  }
}

Result<std::uint64_t> Slot::sum_data() const noexcept {
  Checksum sum;
  for (std::size_t done = 0; done < length();) {
    const std::size_t piece = std::min(length() - done, kScratchSize);
    const cs_error_t status =
        read_at(fd_.get(), g_scratch, piece, kDataOffset + static_cast<off_t>(done));
    if (status != CS_OK) return status;
    sum.add({g_scratch, piece});
    done += piece;
  }
  return sum.value();
}

std::optional<cs_error_t> Slot::read(std::byte* into) noexcept {
  const std::size_t size = length();
  PrivateBlock copy;
  if (size > kScratchSize && size <= kLargestCopy) copy = PrivateBlock::make(size);
  std::byte* const via = size <= kScratchSize ? g_scratch : copy ? copy.data() : nullptr;
  if (via != nullptr) {
    const auto status = read_all(via);
    if (status == CS_OK) std::memcpy(into, via, size);
    return status;
  }
  const auto sum = sum_data();
  if (!sum) return sum.status();
  if (*sum != checksum_) return {};
  return read_all(into);
}

std::optional<cs_error_t> Slot::read_all(std::byte* into) const noexcept {
  const cs_error_t status = read_at(fd_.get(), into, length(), kDataOffset);
  if (status != CS_OK) return status;
  Checksum sum;
  sum.add({into, length()});
  if (sum.value() != checksum_) return {};
  return CS_OK;
}

}  // namespace cs::sam
