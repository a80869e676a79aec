// SPDX-License-Identifier: BSD-3-Clause
// The page that an active process shares with its supervisor: when the last health check was.
#ifndef CS_SAM_HEARTBEAT_H
#define CS_SAM_HEARTBEAT_H

#include <atomic>
#include <cstdint>
#include <new>
#include <sys/mman.h>
#include <time.h>
#include <utility>

#include "common/clock.h"

namespace cs::sam {

// CLOCK_MONOTONIC as of the last timer tick; a fraction of the cost, and async-signal-safe.
inline Nanoseconds coarse_now() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<Nanoseconds>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

// How far coarse_now() may lag behind.
inline Nanoseconds coarse_resolution() noexcept {
  timespec resolution{};
  clock_getres(CLOCK_MONOTONIC_COARSE, &resolution);
  return static_cast<Nanoseconds>(resolution.tv_sec) * 1'000'000'000 + resolution.tv_nsec;
}

// Wait-free and async-signal-safe on the active side.
class HeartbeatPage {
 public:
  // By the supervisor, before each instance.
  void begin_instance(std::uint32_t instance) noexcept {
    instance_.store(instance);
    last_beat_.store(0);
    nudged_.store(false);
  }

  // False in a process that an earlier instance has left behind: it says nothing about this one.
  [[nodiscard]] bool belongs_to(std::uint32_t instance) const noexcept {
    return instance_.load(std::memory_order_relaxed) == instance;
  }

  // A health check. Threads may be overtaken between clock and page; time never goes back.
  void beat(Nanoseconds now) noexcept {
    Nanoseconds last = last_beat_.load(std::memory_order_relaxed);
    while (last < now && !last_beat_.compare_exchange_weak(last, now, std::memory_order_relaxed)) {
    }
  }
  // 0 before the first.
  [[nodiscard]] Nanoseconds last_beat() const noexcept {
    return last_beat_.load(std::memory_order_relaxed);
  }

  // True when the caller is to nudge the supervisor: none is on its way yet.
  [[nodiscard]] bool claim_nudge() noexcept { return !nudged_.exchange(true); }
  // By the supervisor before it acts on a nudge, by the claimer when it could not be sent.
  void clear_nudge() noexcept { nudged_.store(false); }

 private:
  std::atomic<Nanoseconds> last_beat_ = 0;
  std::atomic<std::uint32_t> instance_ = 0;
  std::atomic<bool> nudged_ = false;
  // Asked of the compiler: clang 14 says no to is_always_lock_free on 32-bit x86, and yes to this.
  static_assert(__atomic_always_lock_free(sizeof(last_beat_), nullptr));
  static_assert(__atomic_always_lock_free(sizeof(nudged_), nullptr));
};

// Sole owner, in each process, of a HeartbeatPage that forks share.
class SharedHeartbeat {
 public:
  constexpr SharedHeartbeat() noexcept = default;
  SharedHeartbeat(SharedHeartbeat&& other) noexcept : page_(std::exchange(other.page_, nullptr)) {}
  SharedHeartbeat& operator=(SharedHeartbeat&& other) noexcept {
    unmap();
    page_ = std::exchange(other.page_, nullptr);
    return *this;
  }
  ~SharedHeartbeat() { unmap(); }

  // Empty, with errno, when there is no memory.
  [[nodiscard]] static SharedHeartbeat make() noexcept {
    SharedHeartbeat made;
    void* const memory = ::mmap(nullptr, sizeof(HeartbeatPage), PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) made.page_ = ::new (memory) HeartbeatPage;
    return made;
  }

  [[nodiscard]] explicit operator bool() const noexcept { return page_ != nullptr; }
  [[nodiscard]] HeartbeatPage* operator->() const noexcept { return page_; }
  [[nodiscard]] HeartbeatPage& operator*() const noexcept { return *page_; }

 private:
  void unmap() noexcept {
    if (page_ != nullptr) ::munmap(page_, sizeof(HeartbeatPage));
  }

  HeartbeatPage* page_ = nullptr;
};

}  // namespace cs::sam

#endif
