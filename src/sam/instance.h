// SPDX-License-Identifier: BSD-3-Clause
// One life of the active process, as its supervisor sees it.
#ifndef CS_SAM_INSTANCE_H
#define CS_SAM_INSTANCE_H

#include <cstdint>
#include <sys/types.h>
#include <utility>

#include "sam/channel.h"
#include "sam/death_watch.h"
#include "sam/frames.h"

namespace cs::sam {

// Has to be reaped before it goes.
class Instance {
 public:
  Instance(pid_t pid, SupervisorEnds ends, ChildSignal& signal) noexcept
      : pid_(pid), ends_(std::move(ends)), death_(pid, signal) {}

  // False when none has come. An end of the pipe is no end of the process.
  [[nodiscard]] bool next_command(CommandFrame& frame) noexcept;
  // Lost when the instance is dead, or does not take its replies.
  void reply(std::uint32_t sequence) noexcept;
  void send_signal(int number) noexcept { (void)::kill(pid_, number); }

  [[nodiscard]] HeartbeatPage& heartbeat() noexcept { return *ends_.heartbeat.operator->(); }
  // To be polled for reading; -1 when nobody can send commands any more.
  [[nodiscard]] int commands_fd() const noexcept { return silent_ ? -1 : ends_.commands.get(); }
  [[nodiscard]] DeathWatch& death() noexcept { return death_; }

 private:
  const pid_t pid_;
  SupervisorEnds ends_;
  DeathWatch death_;
  bool silent_ = false;
};

}  // namespace cs::sam

#endif
