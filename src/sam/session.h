// SPDX-License-Identifier: BSD-3-Clause
// SAM as one process has it: the states that the contract speaks of, and what is allowed in each.
#ifndef CS_SAM_SESSION_H
#define CS_SAM_SESSION_H

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <pthread.h>

#include <corosync/sam.h>

#include "sam/active/active.h"
#include "sam/active/health_check_thread.h"
#include "sam/operator/settings.h"
#include "sam/shared/policy.h"
#include "sam/shared/signal_guard.h"
#include "sam/shared/store.h"
#include "sam/supervisor/linux_world.h"
#include "sam/supervisor/quorum_client.h"

namespace cs::sam {

// The functions are those of the public header. The order of their checks can be observed, is
// upstream's, and stands here alone. One thread claims a change of state, and only that thread
// talks to the supervisor until the change is over. So no lock is needed, and a signal handler that
// calls back in finds none held. A thread may leave a waiting call by cancellation or siglongjmp:
// the change is then resumed or undone.
class Session {
 public:
  constexpr Session() noexcept : thread_(&Session::send_health_check_of, this) {}

  [[nodiscard]] cs_error_t initialize(int interval_ms, unsigned policy_bits) noexcept;
  [[nodiscard]] cs_error_t finalize() noexcept;
  [[nodiscard]] cs_error_t register_process(unsigned* instance_id) noexcept;
  [[nodiscard]] cs_error_t start() noexcept;
  [[nodiscard]] cs_error_t stop() noexcept;
  [[nodiscard]] cs_error_t mark_failed() noexcept;
  [[nodiscard]] cs_error_t set_warn_signal(int number) noexcept;
  [[nodiscard]] cs_error_t set_callback(sam_hc_callback_t callback) noexcept;

  [[nodiscard]] cs_error_t send_health_check() noexcept {
    return is_started(state()) ? active_.health_check() : CS_ERR_BAD_HANDLE;
  }

  [[nodiscard]] cs_error_t data_size(std::size_t* size) noexcept;
  [[nodiscard]] cs_error_t restore_data(void* data, std::size_t room) noexcept;
  [[nodiscard]] cs_error_t store_data(const void* data, std::size_t size) noexcept;

 private:
  // The order matters. States that end in -ing belong to the thread that is changing the state.
  // Four bytes, which every machine can compare and exchange.
  enum class State : std::uint32_t {
    kNew,
    kInitializing,
    kInitialized,
    kRegistering,  // allows what kInitialized allows; so does kSupervising
    kSupervising,
    kRegistered,
    kStarting,  // as kRegistered
    kStarted,
    kStopping,  // as kStarted
    kFinalized,
  };

  static bool is_open(State state) noexcept {
    return state >= State::kInitialized && state <= State::kStopping;
  }
  static bool is_active(State state) noexcept {
    return state >= State::kRegistered && state <= State::kStopping;
  }
  static bool is_started(State state) noexcept {
    return state == State::kStarted || state == State::kStopping;
  }

  static bool is_changing(State state) noexcept {
    return state == State::kStarting || state == State::kStopping;
  }

  [[nodiscard]] State state() const noexcept { return state_.load(std::memory_order_acquire); }
  bool change(State from, State to) noexcept { return state_.compare_exchange_strong(from, to); }
  // Removes the signature of a change that is over: later it would name the wrong thread. That of
  // the next one, by another thread, stays.
  class ClaimEnd {
   public:
    explicit ClaimEnd(Session& session) noexcept : session_(session) {}
    ~ClaimEnd() {
      pthread_t self = pthread_self();
      (void)session_.changer_.compare_exchange_strong(self, {});
    }
    ClaimEnd(const ClaimEnd&) = delete;
    ClaimEnd& operator=(const ClaimEnd&) = delete;

   private:
    Session& session_;
  };

  // The world of the supervisor ends with the frame of supervise(). If a thread leaves that frame,
  // which it may before there is an instance, changer_left() or the next registration ends it.
  class WorldEnd {
   public:
    explicit WorldEnd(Session& session) noexcept : session_(session) {}
    ~WorldEnd() { session_.world_.reset(); }
    WorldEnd(const WorldEnd&) = delete;
    WorldEnd& operator=(const WorldEnd&) = delete;

   private:
    Session& session_;
  };

  static cs_error_t send_health_check_of(void* session) noexcept;
  bool claim(State from, State to) noexcept;
  static void changer_left(void* session) noexcept;
  cs_error_t open(const Settings& settings) noexcept;
  cs_error_t supervise(unsigned* instance_id) noexcept;
  cs_error_t own_quorum_connection() noexcept;
  void die_with_supervisor() const noexcept;
  void close() noexcept;
  bool finish(State before) noexcept;
  cs_error_t store_data_in(State current, const void* data, std::size_t size) noexcept;
  cs_error_t stop_supervision() noexcept;

  std::atomic<State> state_ = State::kNew;
  std::atomic<int> warn_signal_ = SIGTERM;
  std::atomic<pthread_t> changer_ = {};     // owns the state while it is one in -ing; written last
  std::atomic<pid_t> changer_process_ = 0;  // the process of that thread
  Settings settings_;
  OperatorSettings asked_;
  pid_t supervisor_ = 0;  // of this instance
  Store store_;
  QuorumClient quorum_;  // of the supervisor, and of a process that will become one
  std::optional<LinuxWorld> world_;
  Active active_;
  HealthCheckThread thread_;
};

}  // namespace cs::sam

#endif
