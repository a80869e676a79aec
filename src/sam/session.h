// SPDX-License-Identifier: BSD-3-Clause
// SAM as one process has it: the states that the contract speaks of, and what is allowed in each.
#ifndef CS_SAM_SESSION_H
#define CS_SAM_SESSION_H

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <pthread.h>

#include <corosync/sam.h>

#include "sam/active/active.h"
#include "sam/active/health_check_thread.h"
#include "sam/shared/policy.h"
#include "sam/shared/signal_guard.h"
#include "sam/shared/store.h"
#include "sam/supervisor/quorum_client.h"

namespace cs::sam {

// Functions are those of the public header; what it checks before the state is checked already. A
// change of state is claimed by one thread, which alone talks to the supervisor then; so no lock is
// needed, and a signal handler that calls back in finds none held. A thread may leave a call that
// waits by cancellation or siglongjmp: the change is taken up again, or back.
class Session {
 public:
  explicit constexpr Session(HealthCheckThread::SendHealthCheck send) noexcept : thread_(send) {}

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
  // In this order; those that end in -ing belong to the thread that is changing the state. Four
  // bytes, which every machine can compare and exchange.
  enum class State : std::uint32_t {
    kNew,
    kInitializing,
    kInitialized,
    kRegistering,  // as kInitialized, and so is the next
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
  // Takes the signature off a change that is over, whose traces would name the wrong thread later.
  class ClaimEnd {
   public:
    explicit ClaimEnd(Session& session) noexcept : session_(session) {}
    ~ClaimEnd() {
      session_.changer_process_.store(0);
      session_.changer_.store({});
    }
    ClaimEnd(const ClaimEnd&) = delete;
    ClaimEnd& operator=(const ClaimEnd&) = delete;

   private:
    Session& session_;
  };

  bool claim(State from, State to) noexcept;
  static void changer_left(void* session) noexcept;
  cs_error_t open(const Settings& settings) noexcept;
  cs_error_t supervise(unsigned* instance_id) noexcept;
  cs_error_t own_quorum_connection() noexcept;
  void close() noexcept;
  bool finish(State before) noexcept;

  std::atomic<State> state_ = State::kNew;
  std::atomic<int> warn_signal_ = SIGTERM;
  std::atomic<pthread_t> changer_ = {};     // whose the state is, while it is one in -ing
  std::atomic<pid_t> changer_process_ = 0;  // and in which process
  Settings settings_;
  Store store_;
  QuorumClient quorum_;  // of the supervisor, and of who becomes one
  Active active_;
  HealthCheckThread thread_;
};

}  // namespace cs::sam

#endif
