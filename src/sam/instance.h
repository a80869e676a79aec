// SPDX-License-Identifier: BSD-3-Clause
// One life of the active process, as its supervisor sees it.
#ifndef CS_SAM_INSTANCE_H
#define CS_SAM_INSTANCE_H

#include <cstdint>
#include <signal.h>
#include <sys/types.h>

#include "common/clock.h"
#include "sam/backoff.h"
#include "sam/channel.h"
#include "sam/death_watch.h"
#include "sam/frames.h"

namespace cs::sam {

// Has to be reaped before it goes.
class Instance {
 public:
  Instance(pid_t pid, std::uint32_t id, const Channel& channel, ChildSignal& signal) noexcept
      : pid_(pid), id_(id), channel_(channel), death_(pid, signal) {}

  // False when none has come.
  [[nodiscard]] bool next_command(CommandFrame& frame) noexcept;
  // The pipe of commands is not ours any more: something in this process has closed it.
  [[nodiscard]] bool is_cut_off() const noexcept { return cut_off_; }
  // Lost when the instance is dead. One that cannot be sent now is owed, until the next one is.
  void reply(std::uint32_t sequence) noexcept;
  // Tries again to send what is owed; to be called when next_attempt() has come.
  void catch_up(Nanoseconds now) noexcept;
  [[nodiscard]] Deadline next_attempt() const noexcept {
    return reply_retry_.is_behind() ? Deadline::at(reply_retry_.next()) : Deadline::never();
  }
  void send_signal(int number) noexcept { (void)::kill(pid_, number); }

  [[nodiscard]] DeathWatch& death() noexcept { return death_; }

 private:
  const pid_t pid_;
  const std::uint32_t id_;
  const Channel& channel_;
  DeathWatch death_;
  bool cut_off_ = false;
  std::uint32_t last_reply_ = 0;
  Backoff reply_retry_;
};

}  // namespace cs::sam

#endif
