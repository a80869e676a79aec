// SPDX-License-Identifier: BSD-3-Clause
// The page that an active process shares with its supervisor: when the last health check was.
#ifndef CS_SAM_HEARTBEAT_H
#define CS_SAM_HEARTBEAT_H

#include <atomic>
#include <cstdint>
#include <new>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <type_traits>
#include <utility>

#include "common/clock.h"

namespace cs::sam {

// CLOCK_MONOTONIC as of the last timer tick, at a fraction of the cost; async-signal-safe.
inline Nanoseconds coarse_now() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return to_nanoseconds(now);
}

// How far coarse_now() may lag behind.
inline Nanoseconds coarse_resolution() noexcept {
  timespec resolution{};
  clock_getres(CLOCK_MONOTONIC_COARSE, &resolution);
  return to_nanoseconds(resolution);
}

// The time of a health check, in a word that the machine reads and writes in one piece. Eight bytes
// hold nanoseconds.
struct WideStamp {
  using Word = std::int64_t;
  static constexpr Nanoseconds kRounding = 0;

  [[nodiscard]] static Word of(Nanoseconds time) noexcept { return time; }
  // 0 for no health check.
  [[nodiscard]] static Nanoseconds time(Word word, Nanoseconds) noexcept { return word; }
};

// Four bytes, for machines without atomic access to eight (armel, mipsel): milliseconds, which wrap
// around after 49 days. The time is rounded down to the millisecond. A health check older than 24
// days counts as one yet to come; the supervisor looks much sooner than that.
struct NarrowStamp {
  using Word = std::uint32_t;
  static constexpr Nanoseconds kRounding = kNanosecondsPerMillisecond;

  [[nodiscard]] static Word of(Nanoseconds time) noexcept {
    const auto word = static_cast<Word>(time / kNanosecondsPerMillisecond);
    return word != 0 ? word : 1;
  }
  [[nodiscard]] static Nanoseconds time(Word word, Nanoseconds now) noexcept {
    if (word == 0) return 0;
    const Nanoseconds present = now / kNanosecondsPerMillisecond;
    const auto age = static_cast<std::int32_t>(static_cast<Word>(present) - word);
    return (present - age) * kNanosecondsPerMillisecond;
  }
};

using MachineStamp = std::conditional_t<__atomic_always_lock_free(sizeof(std::int64_t), nullptr),
                                        WideStamp, NarrowStamp>;

// The id of a process that another process may send signals to. A stray write into the page must
// not choose the victim: 22 bits hold every id that Linux gives, and 10 more confirm it.
class SealedPid {
 public:
  void set(pid_t pid) noexcept { word_.store(seal(static_cast<std::uint32_t>(pid))); }
  // 0: none, or a word that set() has not written. Never the first process of the machine.
  [[nodiscard]] pid_t get() const noexcept {
    const std::uint32_t word = word_.load();
    const std::uint32_t pid = word & kPidMask;
    return pid > 1 && seal(pid) == word ? static_cast<pid_t>(pid) : 0;
  }

 private:
  static constexpr unsigned kPidBits = 22;
  static constexpr std::uint32_t kPidMask = (1U << kPidBits) - 1;

  static constexpr std::uint32_t seal(std::uint32_t pid) noexcept {
    return (pid & kPidMask) | ~((pid * 2654435761U) >> kPidBits) << kPidBits;
  }

  std::atomic<std::uint32_t> word_ = 0;
};

// Wait-free and async-signal-safe on the active side.
template <typename Stamp>
class BasicHeartbeatPage {
 public:
  // The supervisor calls this before each instance.
  void begin_instance(std::uint32_t instance) noexcept {
    instance_.store(instance);
    last_beat_.store(0);
    nudged_.store(0);
    for (SealedPid& process : line_) process.set(0);
    announced_.set(0);
    finisher_.set(0);
  }

  // False in a process that an earlier instance has left behind: it says nothing about this one.
  [[nodiscard]] bool belongs_to(std::uint32_t instance) const noexcept {
    return instance_.load(std::memory_order_relaxed) == instance;
  }

  // A health check. A thread may be overtaken between clock and page; the time does not go back
  // then. A time far ahead is not ours (a stray write, or another clock), and is replaced.
  void beat(Nanoseconds now) noexcept {
    const Word word = Stamp::of(now);
    Word last = last_beat_.load(std::memory_order_relaxed);
    while (is_older(last, now) &&
           !last_beat_.compare_exchange_weak(last, word, std::memory_order_relaxed)) {
    }
  }
  // 0 before the first. Read this before the clock it is compared with: a health check later than
  // the clock reading would look like a stray write. now: any time close to it.
  [[nodiscard]] Nanoseconds last_beat(Nanoseconds now) const noexcept {
    return Stamp::time(last_beat_.load(std::memory_order_acquire), now);
  }

  // True when the caller is to nudge the supervisor: none is on its way yet.
  [[nodiscard]] bool claim_nudge() noexcept { return nudged_.exchange(1) == 0; }
  // The supervisor calls this before it acts on a nudge, and the claimer when it could not send
  // one. An exchange: the look at the last beat that follows might overtake a plain store.
  void clear_nudge() noexcept { (void)nudged_.exchange(0); }

  // The line of processes from the supervisor's child on. Each was the last that the one before it
  // forked, and may take its place. Each process notes itself.
  void begin_line(pid_t child) noexcept { line_[0].set(child); }
  void note_fork(pid_t parent, pid_t child) noexcept {
    for (int i = 0; i + 1 < kLine; ++i) {
      if (line_[i].get() != parent) continue;
      line_[i + 1].set(child);
      for (int later = i + 2; later < kLine; ++later) line_[later].set(0);
      return;
    }
  }
  // The process after that one in the line. 0: there is none, or that one is not in the line.
  [[nodiscard]] pid_t next_of(pid_t process) const noexcept {
    for (int i = 0; i + 1 < kLine; ++i) {
      if (line_[i].get() == process) return line_[i + 1].get();
    }
    return 0;
  }

  // Which process of the instance besides the supervisor's child called a function of SAM last.
  // 0: none.
  void announce(pid_t process) noexcept { announced_.set(process); }
  [[nodiscard]] pid_t announced() const noexcept { return announced_.get(); }

  // The process that has called sam_finalize: no other goes on in its place. 0: none.
  void finish(pid_t process) noexcept { finisher_.set(process); }
  [[nodiscard]] pid_t finisher() const noexcept { return finisher_.get(); }

 private:
  using Word = typename Stamp::Word;

  static constexpr int kLine = 6;  // becoming a daemon takes one fork or two
  static constexpr Nanoseconds kFarAhead = 1000 * kNanosecondsPerMillisecond;

  static bool is_older(Word last, Nanoseconds now) noexcept {
    const Nanoseconds time = Stamp::time(last, now);
    return time < now || time > now + kFarAhead;
  }

  // Flags have four bytes: not every machine changes a single one in one piece.
  std::atomic<Word> last_beat_ = 0;
  std::atomic<std::uint32_t> instance_ = 0;
  std::atomic<std::uint32_t> nudged_ = 0;
  SealedPid line_[kLine];
  SealedPid announced_;
  SealedPid finisher_;
  // Asked of the compiler: clang 14 says no to is_always_lock_free on 32-bit x86, and yes to this.
  static_assert(__atomic_always_lock_free(sizeof(Word), nullptr));
  static_assert(__atomic_always_lock_free(sizeof(std::uint32_t), nullptr));
};

using HeartbeatPage = BasicHeartbeatPage<MachineStamp>;

// How much older than it is a health check may look.
inline Nanoseconds heartbeat_resolution() noexcept {
  return coarse_resolution() + MachineStamp::kRounding;
}

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
