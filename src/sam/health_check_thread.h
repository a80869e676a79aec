// SPDX-License-Identifier: BSD-3-Clause
// Event-driven checking: a thread that asks the application's callback once in each interval and
// sends the health checks for it.
#ifndef CS_SAM_HEALTH_CHECK_THREAD_H
#define CS_SAM_HEALTH_CHECK_THREAD_H

#include <cstdint>
#include <pthread.h>

#include <corosync/sam.h>

#include "common/clock.h"
#include "common/mutex.h"

namespace cs::sam {

// Constant-initialised and never destroyed. The thread is made with the first callback and then
// waits between stop() and start().
class HealthCheckThread {
 public:
  using SendHealthCheck = void (*)();

  explicit constexpr HealthCheckThread(SendHealthCheck send) noexcept : send_(send) {}

  // Null switches back to health checks by the application; as the very first it is
  // CS_ERR_INVALID_PARAM. CS_ERR_LIBRARY, with errno, when no thread can be made.
  [[nodiscard]] cs_error_t set_callback(sam_hc_callback_t callback, Nanoseconds interval) noexcept;

  void start() noexcept;

  // When it returns no callback runs and none begins. Two exceptions: it may be called by the
  // callback itself; and for one that takes longer it waits half an interval only, since the
  // callback may be waiting for something that the caller of stop() holds.
  void stop() noexcept;

 private:
  static void* run(void* self) noexcept;
  [[noreturn]] void loop() noexcept;
  void check_until_stopped() noexcept;
  bool wait_for_tick(Nanoseconds when, std::uint64_t round) noexcept;
  void ask_callback() noexcept;
  void wait_until(Nanoseconds when) noexcept;
  cs_error_t make_thread() noexcept;
  [[nodiscard]] bool is_wanted() const noexcept {
    return started_ && callback_ != nullptr && !has_failed_;
  }

  const SendHealthCheck send_;

  ConditionMutex mutex_;  // guards what follows; not held while the callback runs
  pthread_cond_t changed_ = PTHREAD_COND_INITIALIZER;  // made anew for the monotonic clock
  pthread_t thread_ = {};
  bool has_thread_ = false;
  Nanoseconds interval_ = 0;
  sam_hc_callback_t callback_ = nullptr;
  bool has_failed_ = false;  // this callback has
  bool started_ = false;
  std::uint64_t round_ = 0;  // counts starts and stops
  bool in_callback_ = false;
};

}  // namespace cs::sam

#endif
