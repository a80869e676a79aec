// SPDX-License-Identifier: BSD-3-Clause
// Private memory at first, then two slots, committed by header.
#include "sam/shared/store.h"

#include <cerrno>
#include <cstring>
#include <optional>
#include <sys/sysinfo.h>
#include <unistd.h>
#include <utility>

#include "sam/shared/memory_probe.h"

namespace cs::sam {
namespace {

constexpr std::size_t kLargeSize = 64 << 20;  // worth a look at what the machine has

// A store that can never succeed is not tried: it would drive the machine out of memory.
std::uint64_t machine_memory() noexcept {
  struct sysinfo info;
  if (::sysinfo(&info) != 0) return UINT64_MAX;
  return (static_cast<std::uint64_t>(info.totalram) + info.totalswap) * info.mem_unit;
}

// A shortage passes; a refusal does not.
bool is_want(int error) noexcept {
  return error == EMFILE || error == ENFILE || error == ENOMEM || error == EAGAIN;
}

}  // namespace

void Store::open() noexcept {
  const SignalSafeLockGuard guard(lock_);
  place_ = Place::kPrivate;
}

cs_error_t Store::share() noexcept {
  const SignalSafeLockGuard guard(lock_);
  if (place_ == Place::kShared) return CS_OK;
  refusal_ = 0;
  cached_by_ = 0;
  if (!make_files()) {
    refusal_ = errno;
    forget_files();
    errno = refusal_;
    if (is_want(refusal_)) return CS_ERR_LIBRARY;
  }
  place_ = Place::kShared;
  return CS_OK;
}

bool Store::make_files() noexcept {
  process_lock_ = SharedProcessLock::make();
  return process_lock_ && slots_[0].make() && slots_[1].make();
}

// They have just been made: their numbers stand for nothing else yet.
void Store::forget_files() noexcept {
  for (Slot& slot : slots_) slot = {};
  process_lock_ = {};
}

void Store::take_back(bool is_alone) noexcept {
  const SignalSafeLockGuard guard(lock_);
  if (place_ != Place::kShared) return;
  const int error = errno;
  if (process_lock_ && copy_back(guard.owner())) {
    drop_files();
  } else if (is_alone) {
    forget_files();
  }
  if (!process_lock_) place_ = Place::kPrivate;
  errno = error;
}

// False when there is no telling what is stored, or no memory for it.
bool Store::copy_back(pid_t self) noexcept {
  cached_by_ = 0;
  if (!refresh(self)) return false;
  if (is_early()) return true;
  PrivateBlock copy = PrivateBlock::make(newest().length());
  if (!copy || newest().read(copy.data()) != CS_OK) return false;
  copy.seal();
  early_ = std::move(copy);
  return true;
}

void Store::drop_files() noexcept {
  for (Slot& slot : slots_) slot.drop();
  process_lock_ = {};
}

void Store::close() noexcept {
  const SignalSafeLockGuard guard(lock_);
  drop_files();
  early_ = {};
  refusal_ = 0;
  place_ = Place::kNowhere;
}

Result<std::size_t> Store::size() noexcept {
  const SignalSafeLockGuard guard(lock_);
  if (!refresh(guard.owner())) return CS_ERR_LIBRARY;
  return is_early() ? early_.size() : newest().length();
}

// Finds out what the slots hold. After the first time, one header tells whether another process has
// stored since: stores take the slots in turn, so the one that is not in use is written first.
bool Store::refresh(pid_t self) noexcept {
  if (place_ == Place::kNowhere) return false;
  if (!process_lock_) return true;  // all that there is is in memory
  if (cached_by_ == self && spare().is_current()) return true;
  cached_by_ = 0;
  for (Slot& slot : slots_) {
    if (!slot.load()) return false;
  }
  cached_by_ = self;
  return true;
}

cs_error_t Store::restore(void* data, std::size_t room) noexcept {
  const SignalSafeLockGuard guard(lock_);
  std::optional<ProcessLockGuard> others;
  if (process_lock_) others.emplace(*process_lock_, guard.owner());
  // A process that holds the lock for too long may replace a slot while it is read here.
  constexpr int kAttempts = 3;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    cached_by_ = 0;
    const auto status = restore_once(static_cast<std::byte*>(data), room, guard.owner());
    if (status) return *status;
  }
  return CS_ERR_LIBRARY;
}

// Empty when the data are damaged, if only for now.
std::optional<cs_error_t> Store::restore_once(std::byte* into, std::size_t room,
                                              pid_t self) noexcept {
  if (!refresh(self)) return CS_ERR_LIBRARY;
  const std::size_t length = is_early() ? early_.size() : newest().length();
  if (length == 0) return CS_OK;
  if (length > room || !is_writable(into, length)) return CS_ERR_INVALID_PARAM;
  if (!is_early()) return newest().read(into);
  if (!early_.is_intact()) return CS_ERR_LIBRARY;
  std::memcpy(into, early_.data(), length);
  return CS_OK;
}

cs_error_t Store::store(const void* data, std::size_t size, const Permit& permit) noexcept {
  if (data == nullptr) size = 0;
  if (size > kLargeSize && size > machine_memory()) return CS_ERR_NO_MEMORY;
  const std::span bytes(static_cast<const std::byte*>(data), size);
  const SignalSafeLockGuard guard(lock_);
  if (place_ == Place::kPrivate) return store_early(bytes);
  return store_shared(bytes, guard.owner(), permit);
}

cs_error_t Store::store_early(std::span<const std::byte> data) noexcept {
  PrivateBlock copy;
  if (!data.empty()) {
    if (!is_readable(data.data(), data.size())) return CS_ERR_INVALID_PARAM;
    copy = PrivateBlock::make(data.size());
    if (!copy) return CS_ERR_NO_MEMORY;
    std::memcpy(copy.data(), data.data(), data.size());
    copy.seal();
  }
  early_ = std::move(copy);
  return CS_OK;
}

cs_error_t Store::store_shared(std::span<const std::byte> data, pid_t self,
                               const Permit& permit) noexcept {
  if (!process_lock_) {
    if (refusal_ != 0) errno = refusal_;
    return CS_ERR_LIBRARY;
  }
  const ProcessLockGuard others(*process_lock_, self);
  if (!others.is_held()) {
    errno = EBUSY;
    return CS_ERR_LIBRARY;
  }
  if (!permit() || !refresh(self)) return CS_ERR_LIBRARY;
  return commit(data, permit);
}

// Call after refresh().
cs_error_t Store::commit(std::span<const std::byte> data, const Permit& permit) noexcept {
  Slot& old = newest();
  Slot& next = spare();
  const WriteFunction function = write_function_ != nullptr ? write_function_ : &::pwrite;
  const cs_error_t status = next.write(old.sequence() + 1, data, function, permit);
  if (status != CS_OK) {
    next.trim(0);
    cached_by_ = 0;
    return status;
  }
  early_ = {};
  if (data.empty()) {
    old.trim(0);
    cached_by_ = 0;
  }
  return CS_OK;
}

// A process left behind may be writing the slot that is not in use, and only that one; so a new
// slot takes its place. If none can be made, there is still the permit.
void Store::discard_old() noexcept {
  const SignalSafeLockGuard guard(lock_);
  if (place_ != Place::kShared || !process_lock_) return;
  process_lock_->break_open();
  cached_by_ = 0;
  if (!refresh(guard.owner())) return;
  if (!is_early()) early_ = {};
  if (!spare().make()) spare().trim(0);
}

}  // namespace cs::sam
