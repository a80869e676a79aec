// SPDX-License-Identifier: BSD-3-Clause
// The supervisor: what stays behind inside sam_register. It waits, takes in what happened, has the
// rules decide, and carries out what they say; it reaps instances and starts the next ones.
#ifndef CS_SAM_SUPERVISOR_H
#define CS_SAM_SUPERVISOR_H

#include <atomic>
#include <optional>

#include <corosync/corotypes.h>

#include "common/clock.h"
#include "sam/shared/channel.h"
#include "sam/shared/policy.h"
#include "sam/shared/store.h"
#include "sam/supervisor/backoff.h"
#include "sam/supervisor/child_signal.h"
#include "sam/supervisor/instance.h"
#include "sam/supervisor/publisher.h"
#include "sam/supervisor/quorum_client.h"
#include "sam/supervisor/rules.h"

namespace cs::sam {

// What a new instance starts with.
struct NewLife {
  unsigned instance_id;
  ActiveEnds ends;
};

// Lives in the frame of sam_register. A new instance leaves that frame, and so drops its copies of
// what belongs to the supervisor.
class Supervisor {
 public:
  // The quorum client is connected if the policy asks for it. The warn signal may change any time.
  Supervisor(const Settings& settings, QuorumClient& quorum, Store& store,
             std::atomic<int>& warn_signal) noexcept;
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Gets ready for the first instance. Errors: those of the connection to cmap; CS_ERR_LIBRARY,
  // with errno, when there are no descriptors or no memory.
  [[nodiscard]] cs_error_t prepare(Deadline deadline) noexcept;

  // Returns in each new instance, with what it needs. In the supervisor it returns nothing, with
  // errno, when the first instance could not be started, or when the supervisor cannot go on; then
  // there is no instance any more. Otherwise the supervisor ends in exit().
  [[nodiscard]] std::optional<NewLife> run() noexcept;

 private:
  static void after_fork() noexcept;
  void leave_if_copy() const noexcept;

  std::optional<NewLife> start_instance() noexcept;
  bool wait() noexcept;
  int poll_once(Deadline deadline) noexcept;
  Deadline next_wake() const noexcept;
  void take_verdicts() noexcept;
  void reconnect_quorum() noexcept;
  void take_commands(int at_most) noexcept;
  void take_command(const CommandFrame& frame) noexcept;
  void judge_by_time() noexcept;
  void publish() noexcept;
  void look_after_children() noexcept;
  void carry_out(const Decision& decision) noexcept;
  void bury_instance() noexcept;
  [[noreturn]] void quit(Recovery recovery, int exit_code) noexcept;
  void give_up() noexcept;

  const Settings settings_;
  const Nanoseconds call_bound_;  // for each call to the daemon
  const Nanoseconds busy_bound_;  // for all that is done between two waits
  QuorumClient& quorum_;
  Store& store_;
  std::atomic<int>& warn_signal_;
  ChildSignal child_signal_;
  Rules rules_;
  Publisher publisher_;

  Channel channel_;
  std::optional<Instance> instance_;
  unsigned instance_id_ = 0;
  Backoff restart_;
  Backoff quorum_retry_;
  bool cmap_spoke_ = false;
  bool is_starting_ = false;   // an instance
  bool is_copy_ = false;       // this process is no supervisor, but was forked by a handler in one
  Nanoseconds now_;            // the last reading of the clock
  Nanoseconds overslept_ = 0;  // how long this process has stood still, as far as it can tell
};

}  // namespace cs::sam

#endif
