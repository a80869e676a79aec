// SPDX-License-Identifier: BSD-3-Clause
// Event-driven checking: a thread that asks the application's callback once in each interval and
// sends the health checks for it.
#ifndef CS_SAM_HEALTH_CHECK_THREAD_H
#define CS_SAM_HEALTH_CHECK_THREAD_H

#include <atomic>
#include <cstdint>
#include <pthread.h>
#include <signal.h>
#include <sys/types.h>

#include <corosync/sam.h>

#include "common/clock.h"
#include "sam/shared/signal_safe_lock.h"

namespace cs::sam {

// Constant-initialized and never destroyed. The thread is made with the first callback, and waits
// between stop() and start(). A fork does not copy it: another process has a thread once prepare()
// has made one there. No lock is held while the callback runs. All signals are blocked while a lock
// is held, so that handlers may call these functions too, except that making a thread is not
// async-signal-safe.
class HealthCheckThread {
 public:
  // If it returns an error, no more checks are sent until the next start().
  using SendHealthCheck = cs_error_t (*)(void* context) noexcept;

  constexpr HealthCheckThread(SendHealthCheck send, void* context) noexcept
      : send_(send), context_(context) {}

  // The callback will run with the signal mask that the calling thread has now. Null goes back to
  // health checks by the application; if no callback was ever set, it is CS_ERR_INVALID_PARAM. With
  // an interval of 0 the callback is never called. CS_ERR_LIBRARY, with errno: no thread can be
  // made.
  [[nodiscard]] cs_error_t set_callback(sam_hc_callback_t callback, Nanoseconds interval) noexcept;

  // Makes the thread if a callback wants one and this process has none. CS_ERR_LIBRARY as above.
  [[nodiscard]] cs_error_t prepare() noexcept;

  void start() noexcept;

  // From now on no callback and no check begins.
  void halt() noexcept;

  // Call once halted: waits for a running callback, but at most 200 ms: it may be waiting for
  // something that the caller holds. Does not wait when the callback itself, or a handler in its
  // thread, calls this, nor once somebody has started again.
  void wait_for_callback() noexcept;

 private:
  struct Round {
    std::uint64_t number;
    Nanoseconds interval;
  };

  static void* run(void* self) noexcept;
  static void thread_ended(void* self) noexcept;
  [[noreturn]] void loop() noexcept;
  Round wait_until_wanted() noexcept;
  void check_until_stopped(const Round& round) noexcept;
  bool wait_for_tick(Nanoseconds when, std::uint64_t round) noexcept;
  bool send_check(std::uint64_t round) noexcept;
  void ask_callback(std::uint64_t round) noexcept;
  cs_error_t make_thread(pid_t self) noexcept;
  cs_error_t make_missing_thread(pid_t self) noexcept;
  void changed() noexcept;
  [[nodiscard]] bool is_wanted() const noexcept {
    return started_ && interval_ > 0 && callback_ != nullptr && !has_failed_ && !is_cut_off_;
  }

  const SendHealthCheck send_;
  void* const context_;
  std::atomic<std::uint32_t> changes_ = 0;  // counts changes of what follows; waited on

  SignalSafeLock lock_;  // guards what follows
  pid_t home_ = 0;       // the process in which the thread runs
  pthread_t thread_ = {};
  Nanoseconds interval_ = 0;
  bool was_set_ = false;  // there was a callback
  sam_hc_callback_t callback_ = nullptr;
  sam_hc_callback_t running_ = nullptr;  // the last one that was called
  sigset_t callback_mask_ = {};
  bool has_failed_ = false;  // this callback has
  bool started_ = false;
  bool is_cut_off_ = false;  // a check could not be sent
  std::uint64_t round_ = 0;  // counts starts and stops
  bool in_callback_ = false;
};

}  // namespace cs::sam

#endif
