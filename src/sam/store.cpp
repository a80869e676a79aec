// SPDX-License-Identifier: BSD-3-Clause
// Two slots, committed by header.
#include "sam/store.h"

#include <algorithm>
#include <cerrno>
#include <linux/memfd.h>
#include <signal.h>
#include <span>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>
#include <utility>

#include "sam/checksum.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

namespace cs::sam {
namespace {

constexpr std::uint64_t kMagic = 0x31544F4C534D4153;  // "SAMSLOT1"
constexpr off_t kDataOffset = 64;
constexpr std::size_t kScratchSize = 64 * 1024;
constexpr std::size_t kKeptCapacity = 64 * 1024;  // not worth giving back
constexpr std::size_t kLargestWrite = 1U << 30;
constexpr std::size_t kLargeSize = 64 << 20;  // worth a look at what the machine has

// For reading back what was written, a piece at a time, under the store's lock.
alignas(64) constinit std::byte g_scratch[kScratchSize];

// Recent kernels want to hear that the file will not be executed; older ones refuse the flag.
UniqueFd make_memory_file() noexcept {
  UniqueFd fd(::memfd_create("sam", MFD_CLOEXEC | MFD_NOEXEC_SEAL));
  if (!fd && errno == EINVAL) fd.reset(::memfd_create("sam", MFD_CLOEXEC));
  return above_stdio(std::move(fd));
}

// The signal that comes with a write beyond the limit on file sizes: it is still blocked here, and
// would kill the application.
void discard_file_size_signal() noexcept {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGXFSZ);
  const timespec no_wait{};
  while (::sigtimedwait(&signals, nullptr, &no_wait) < 0 && errno == EINTR) {
  }
}

// What can never be stored is not tried: the attempt would drive the machine out of memory.
std::uint64_t machine_memory() noexcept {
  struct sysinfo info;
  if (::sysinfo(&info) != 0) return UINT64_MAX;
  return (static_cast<std::uint64_t>(info.totalram) + info.totalswap) * info.mem_unit;
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

cs_error_t read_all(int fd, void* data, std::size_t size, off_t offset) noexcept {
  auto* into = static_cast<std::byte*>(data);
  while (size > 0) {
    const ssize_t count = ::pread(fd, into, std::min(size, kLargestWrite), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EFAULT ? CS_ERR_INVALID_PARAM : CS_ERR_LIBRARY;
    if (count == 0) return CS_ERR_LIBRARY;
    into += count;
    offset += count;
    size -= static_cast<std::size_t>(count);
  }
  return CS_OK;
}

}  // namespace

cs_error_t Store::open() noexcept {
  const SignalSafeLockGuard guard(lock_);
  known_to_ = 0;
  for (Slot& slot : slots_) {
    slot.fd = make_memory_file();
    if (slot.fd) slot.identity = FileIdentity(slot.fd.get());
    if (slot.identity.is_known()) continue;
    for (Slot& made : slots_) made = Slot{};
    return CS_ERR_LIBRARY;
  }
  return CS_OK;
}

void Store::close() noexcept {
  const SignalSafeLockGuard guard(lock_);
  for (Slot& slot : slots_) {
    // Under a number that now stands for a file of the application there is nothing to close.
    if (!slot.identity.is_behind(slot.fd.get())) (void)slot.fd.release();
    slot = Slot{};
  }
}

Result<std::size_t> Store::size() noexcept {
  const SignalSafeLockGuard guard(lock_);
  if (!look(guard.owner())) return CS_ERR_LIBRARY;
  return static_cast<std::size_t>(newest().length);
}

cs_error_t Store::restore(void* data, std::size_t room) noexcept {
  const SignalSafeLockGuard guard(lock_);
  // Another process may replace a slot while it is being read here, if it stores twice meanwhile.
  constexpr int kAttempts = 3;
  bool torn = true;
  cs_error_t status = CS_ERR_LIBRARY;
  for (int attempt = 0; attempt < kAttempts && torn; ++attempt) {
    known_to_ = 0;
    status = restore_once(data, room, guard.owner(), torn);
  }
  return status;
}

cs_error_t Store::restore_once(void* data, std::size_t room, pid_t self, bool& torn) noexcept {
  torn = false;
  if (!look(self)) return CS_ERR_LIBRARY;
  const Slot& slot = newest();
  if (slot.length == 0) return CS_OK;
  if (slot.length > room) return CS_ERR_INVALID_PARAM;
  const std::size_t length = slot.length;
  if (const cs_error_t status = read_all(slot.fd.get(), data, length, kDataOffset);
      status != CS_OK) {
    return status;
  }
  Checksum sum;
  sum.add({static_cast<const std::byte*>(data), length});
  torn = sum.value() != slot.checksum;
  return torn ? CS_ERR_LIBRARY : CS_OK;
}

cs_error_t Store::store(const void* data, std::size_t size) noexcept {
  if (data == nullptr) size = 0;
  if (size > kLargeSize && size > machine_memory()) return CS_ERR_NO_MEMORY;
  const SignalSafeLockGuard guard(lock_);
  if (!look(guard.owner())) return CS_ERR_LIBRARY;
  Slot& old = newest();
  Slot& next = spare();
  const std::uint64_t sequence = old.sequence + 1;
  next.sequence = sequence;
  const cs_error_t status = write_slot(next, data, size);
  if (status != CS_OK) {
    trim(next, 0);
    known_to_ = 0;
  } else if (size == 0) {
    trim(old, 0);
    known_to_ = 0;
  }
  return status;
}

void Store::discard_old() noexcept {
  const SignalSafeLockGuard guard(lock_);
  known_to_ = 0;
  if (look(guard.owner())) trim(spare(), 0);
}

// Data first; they count once the header is there.
cs_error_t Store::write_slot(Slot& slot, const void* data, std::size_t size) noexcept {
  trim(slot, size);
  slot.length = size;
  slot.capacity = std::max<std::uint64_t>(slot.capacity, size);
  cs_error_t status = write_all(slot.fd.get(), data, size, kDataOffset);
  if (status == CS_OK) status = read_back(slot, size, slot.checksum);
  if (status != CS_OK) return status;
  Header header{kMagic, slot.sequence, size, slot.checksum, 0};
  header.header_checksum = checksum_of(header);
  return write_all(slot.fd.get(), &header, sizeof(header), 0);
}

cs_error_t Store::write_all(int fd, const void* data, std::size_t size, off_t offset) noexcept {
  const auto* from = static_cast<const std::byte*>(data);
  const WriteFunction function = write_function_ != nullptr ? write_function_ : &::pwrite;
  while (size > 0) {
    const ssize_t count = function(fd, from, std::min(size, kLargestWrite), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count < 0 ? status_of_failed_write() : CS_ERR_NO_MEMORY;
    from += count;
    offset += count;
    size -= static_cast<std::size_t>(count);
  }
  return CS_OK;
}

// The checksum is that of the file's bytes: the caller's may have changed while they were copied.
cs_error_t Store::read_back(const Slot& slot, std::size_t size, std::uint64_t& checksum) noexcept {
  Checksum sum;
  for (std::size_t done = 0; done < size;) {
    const std::size_t piece = std::min(size - done, kScratchSize);
    const cs_error_t status =
        read_all(slot.fd.get(), g_scratch, piece, kDataOffset + static_cast<off_t>(done));
    if (status != CS_OK) return status;
    sum.add({g_scratch, piece});
    done += piece;
  }
  checksum = sum.value();
  return CS_OK;
}

// Gives memory back when a slot is much larger than what goes into it. Repeated stores of one size
// do not come here, and neither do large and small ones in turn: those have a slot each.
void Store::trim(Slot& slot, std::size_t size) noexcept {
  if (slot.capacity <= kKeptCapacity || slot.capacity / 4 <= size) return;
  if (::ftruncate(slot.fd.get(), kDataOffset + static_cast<off_t>(size)) == 0) {
    slot.capacity = size;
  } else {
    (void)status_of_failed_write();
  }
}

// Finds out what the slots hold. After the first time one header tells whether another process has
// stored meanwhile: stores take the slots in turn, so the one not in use is replaced first.
bool Store::look(pid_t self) noexcept {
  if (known_to_ == self && is_as_known(spare())) return true;
  known_to_ = 0;
  for (Slot& slot : slots_) {
    if (!look_at(slot)) return false;
  }
  known_to_ = self;
  return true;
}

// A header of ours also proves that the descriptor still stands for our file.
bool Store::is_as_known(const Slot& slot) const noexcept {
  Header header;
  return read_header(slot, header) && is_intact(header) && header.sequence == slot.sequence;
}

// False when the slot is not ours any more, or cannot be read: it may be the one that counts.
bool Store::look_at(Slot& slot) noexcept {
  if (!slot.identity.is_behind(slot.fd.get())) return false;
  struct stat file;
  if (::fstat(slot.fd.get(), &file) != 0) return false;
  slot.capacity = static_cast<std::uint64_t>(file.st_size);
  Header header{};
  if (slot.capacity >= sizeof(header) && !read_header(slot, header)) return false;
  const bool committed = is_intact(header);
  slot.sequence = committed ? header.sequence : 0;
  slot.length = committed ? header.length : 0;
  slot.checksum = committed ? header.data_checksum : 0;
  return true;
}

bool Store::read_header(const Slot& slot, Header& header) noexcept {
  return read_all(slot.fd.get(), &header, sizeof(header), 0) == CS_OK;
}

bool Store::is_intact(const Header& header) noexcept {
  return header.magic == kMagic && header.header_checksum == checksum_of(header);
}

std::uint64_t Store::checksum_of(const Header& header) noexcept {
  Checksum sum;
  sum.add({reinterpret_cast<const std::byte*>(&header), offsetof(Header, header_checksum)});
  return sum.value();
}

Store::Slot& Store::newest() noexcept {
  return slots_[0].sequence >= slots_[1].sequence ? slots_[0] : slots_[1];
}

}  // namespace cs::sam
