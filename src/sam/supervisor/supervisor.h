// SPDX-License-Identifier: BSD-3-Clause
// The supervisor: what stays behind inside sam_register. It waits, takes in what happened, has the
// rules decide, and carries out what they say; it reaps instances and starts the next ones.
#ifndef CS_SAM_SUPERVISOR_H
#define CS_SAM_SUPERVISOR_H

#include <atomic>
#include <optional>

#include <corosync/corotypes.h>

#include "common/clock.h"
#include "sam/operator/notices.h"
#include "sam/operator/settings.h"
#include "sam/shared/policy.h"
#include "sam/supervisor/backoff.h"
#include "sam/supervisor/instance.h"
#include "sam/supervisor/pacing.h"
#include "sam/supervisor/publisher.h"
#include "sam/supervisor/rules.h"
#include "sam/supervisor/service_link.h"
#include "sam/supervisor/world.h"

namespace cs::sam {

// How run() ends.
struct Ending {
  enum class Kind : std::uint8_t {
    kNewLife,  // this is a new instance
    kOver,     // the process is to exit; no instance is left
    kFailed,   // with errno: the first instance could not be started, or the supervisor cannot go
               // on; no instance is left
  };

  Kind kind;
  unsigned instance_id = 0;
  int exit_code = 0;
};

class Supervisor {
 public:
  // The quorum service is connected if the policy asks for it. The warn signal may change any time.
  Supervisor(const Settings& settings, pid_t self, World& world, std::atomic<int>& warn_signal,
             const OperatorSettings& asked = {}) noexcept;
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Gets ready for the first instance. Errors: those of the connection to cmap.
  [[nodiscard]] cs_error_t prepare(Deadline deadline) noexcept {
    return publisher_.begin(deadline);
  }

  // Returns in each new instance, and once in the supervisor.
  [[nodiscard]] Ending run() noexcept;

 private:
  std::optional<Ending> start_instance() noexcept;
  Woken wait() noexcept;
  [[nodiscard]] Deadline next_wake() const noexcept;
  [[nodiscard]] std::optional<Ending> take_signals() noexcept;
  void order_stop(int signal) noexcept;
  bool take_verdicts() noexcept;
  void reconnect_quorum() noexcept;
  bool take_commands(int at_most) noexcept;
  void take_command(const CommandFrame& frame) noexcept;
  [[nodiscard]] Nanoseconds read_heartbeat() noexcept;
  void judge_by_time() noexcept;
  void note_health_check(Nanoseconds last_beat) noexcept;
  void publish(bool cmap_spoke) noexcept;
  [[nodiscard]] std::optional<Ending> look_after_children() noexcept;
  [[nodiscard]] std::optional<Ending> bury_instance() noexcept;
  void carry_out(const Decision& decision) noexcept;
  void answer(std::uint32_t number, cs_error_t status) noexcept;
  void prepare_next(Nanoseconds pause) noexcept;
  // kRestart: there have been enough of them.
  [[nodiscard]] Ending quit(Recovery recovery, int exit_code) noexcept;
  [[nodiscard]] Reason reason_to_quit(Recovery recovery) const noexcept;
  [[nodiscard]] int exit_code_after(const Instance& instance,
                                    bool has_reached_limit) const noexcept;
  void send_signal(const Decision& decision) noexcept;
  void log_end(const Reason& reason, int exit_code, bool is_failure) noexcept;
  void tell_service_manager() noexcept;
  [[nodiscard]] Ending give_up() noexcept;
  [[nodiscard]] Nanoseconds clock() noexcept { return world_.now(); }

  const Settings settings_;
  World& world_;
  const Nanoseconds call_bound_;  // for each call to the daemon
  const Nanoseconds busy_bound_;  // for all that is done between two waits
  std::atomic<int>& warn_signal_;
  Rules rules_;
  Publisher publisher_;
  ServiceLink quorum_;

  std::optional<Instance> instance_;
  unsigned instance_id_ = 0;
  Backoff restart_;
  Nanoseconds next_start_ = 0;      // not before
  Nanoseconds instance_began_ = 0;  // the last one
  RestartPacing pacing_;
  Notices notices_;
  ServiceStatus status_;
  const bool tells_signal_at_exit_;
  const bool passes_signals_on_;
  // Signals that have waited for the instance end no wait any more; they are taken in the first
  // round after its start, which is not to be later than this.
  Deadline kept_due_ = Deadline::never();
  int stop_signal_ = 0;        // the operator's; 0: none has come
  bool is_settled_ = true;     // no verdict is left to be taken
  Nanoseconds now_;            // the last reading of the clock
  Nanoseconds overslept_ = 0;  // how long this process has stood still, as far as it can tell
};

}  // namespace cs::sam

#endif
