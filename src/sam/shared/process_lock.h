// SPDX-License-Identifier: BSD-3-Clause
// A lock between an instance's processes: the application, and the processes that it forks.
#ifndef CS_SAM_PROCESS_LOCK_H
#define CS_SAM_PROCESS_LOCK_H

#include <atomic>
#include <cstdint>
#include <new>
#include <sys/mman.h>
#include <sys/types.h>
#include <utility>

namespace cs::sam {

// Only one thread of a process may ask for it at a time. It takes two atomic operations while
// nobody waits. The process that holds it may be killed at any instant.
class ProcessLock {
 public:
  // False when another process has held it for too long and still lives.
  [[nodiscard]] bool lock(pid_t self) noexcept {
    std::uint32_t seen = kFree;
    return word_.compare_exchange_strong(seen, static_cast<std::uint32_t>(self)) ||
           wait(static_cast<std::uint32_t>(self));
  }
  // Does nothing when the lock has been broken open since.
  void unlock(pid_t self) noexcept {
    auto seen = static_cast<std::uint32_t>(self);
    if (!word_.compare_exchange_strong(seen, kFree))
      unlock_and_wake(static_cast<std::uint32_t>(self));
  }

  // Takes the lock away from its holder, which has lost the right to it.
  void break_open() noexcept { word_.store(kFree); }

 private:
  static constexpr std::uint32_t kFree = 0;
  static constexpr std::uint32_t kWaited = 0x80000000;  // process ids stay below

  bool wait(std::uint32_t self) noexcept;
  void unlock_and_wake(std::uint32_t self) noexcept;

  std::atomic<std::uint32_t> word_ = kFree;
};

// Sole owner, in each process, of a ProcessLock that forks share.
class SharedProcessLock {
 public:
  constexpr SharedProcessLock() noexcept = default;
  SharedProcessLock(SharedProcessLock&& other) noexcept
      : lock_(std::exchange(other.lock_, nullptr)) {}
  SharedProcessLock& operator=(SharedProcessLock&& other) noexcept {
    unmap();
    lock_ = std::exchange(other.lock_, nullptr);
    return *this;
  }
  ~SharedProcessLock() { unmap(); }

  // Empty, with errno, when there is no memory.
  [[nodiscard]] static SharedProcessLock make() noexcept {
    SharedProcessLock made;
    void* const memory = ::mmap(nullptr, sizeof(ProcessLock), PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) made.lock_ = ::new (memory) ProcessLock;
    return made;
  }

  [[nodiscard]] explicit operator bool() const noexcept { return lock_ != nullptr; }
  [[nodiscard]] ProcessLock* operator->() const noexcept { return lock_; }
  [[nodiscard]] ProcessLock& operator*() const noexcept { return *lock_; }

 private:
  void unmap() noexcept {
    if (lock_ != nullptr) ::munmap(lock_, sizeof(ProcessLock));
  }

  ProcessLock* lock_ = nullptr;
};

// Holds a ProcessLock for a scope, if lock() succeeds.
class ProcessLockGuard {
 public:
  ProcessLockGuard(ProcessLock& lock, pid_t self) noexcept
      : lock_(lock), self_(self), held_(lock.lock(self)) {}
  ~ProcessLockGuard() {
    if (held_) lock_.unlock(self_);
  }
  ProcessLockGuard(const ProcessLockGuard&) = delete;
  ProcessLockGuard& operator=(const ProcessLockGuard&) = delete;

  [[nodiscard]] bool is_held() const noexcept { return held_; }

 private:
  ProcessLock& lock_;
  const pid_t self_;
  const bool held_;
};

}  // namespace cs::sam

#endif
