// SPDX-License-Identifier: BSD-3-Clause
// One life of the active process, as its supervisor sees it: usually that of the supervisor's
// child, but an application may go on in another process, having become a daemon.
#ifndef CS_SAM_INSTANCE_H
#define CS_SAM_INSTANCE_H

#include <cstdint>
#include <optional>
#include <sys/types.h>

#include "common/clock.h"
#include "sam/operator/reason.h"
#include "sam/shared/frames.h"
#include "sam/supervisor/backoff.h"
#include "sam/supervisor/death_watch.h"
#include "sam/supervisor/world.h"

namespace cs::sam {

// Must have ended before it is destroyed.
//
// How to tell a daemon from a death: a child that ends by a signal or with a code other than 0 is
// dead. If it exits with 0 while another process, one that has not called exec, still holds its end
// of the pipe, that process goes on. Which one it is it announces with its next call of SAM; until
// then it is presumed to be the one that was forked last. The same goes for the end of a daemon, as
// far as its exit code can be known.
class Instance {
 public:
  // The pipe of commands has been made for this instance.
  Instance(pid_t child, std::uint32_t id, World& world) noexcept
      : child_(child), id_(id), world_(world), process_(world, child), last_(child) {}

  // kFrame with the next command; kGarbage for what is to be passed over; kNothing, also when
  // nobody is left to send any; kBroken when the pipe of commands is not ours any more: something
  // in this process has closed it.
  [[nodiscard]] Received next_command(CommandFrame& frame) noexcept;
  // A reply to a dead instance is lost. False when it cannot be sent now: it is owed until it, or
  // the next one, has been sent.
  [[nodiscard]] bool reply(std::uint32_t sequence, cs_error_t status) noexcept;
  // Tries again to send what is owed, if it is time; true when that has been sent.
  [[nodiscard]] bool catch_up(Nanoseconds now) noexcept;
  [[nodiscard]] Deadline next_attempt() const noexcept {
    return reply_retry_.is_behind() ? reply_retry_.due() : Deadline::never();
  }

  // SIGKILL goes to the process that has announced itself as well: nothing is left at work.
  void send_signal(int number) noexcept;

  // SIGKILL, and the wait for what it does; for an end that is not a child's no more than a second.
  void end() noexcept;

  // A signal that is no verdict of ours, but is meant for the application.
  void pass_on(int number) noexcept;

  // The supervisor's child; 0 where that was a daemon's parent, and is dead.
  [[nodiscard]] pid_t child() const noexcept { return role_ == Role::kChild ? child_ : 0; }
  // The process that is watched.
  [[nodiscard]] DeathWatch& process() noexcept { return process_; }
  [[nodiscard]] const DeathWatch& process() const noexcept { return process_; }
  // The child was reaped elsewhere in this process.
  void note_status(int wait_status) noexcept {
    if (role_ == Role::kChild) process_.note_status(wait_status);
  }
  // False when there is nobody left to do so, and a wait for it would end at once.
  [[nodiscard]] bool may_send_commands() const noexcept;

  // Whether it is over: the process is dead, and no other goes on in its place.
  [[nodiscard]] bool has_ended() noexcept;
  // Of one that has ended; 0 when a signal was the end, or the code is not known.
  [[nodiscard]] int exit_code() const noexcept { return process_.exit_code(); }
  // The signal that was the end; 0 when none was, or it is not known.
  [[nodiscard]] int end_signal() const noexcept { return process_.end_signal(); }
  [[nodiscard]] Reason how_it_ended() const noexcept;

 private:
  enum class Role : std::uint8_t { kChild, kPresumed, kAnnounced };

  [[nodiscard]] bool send_reply() noexcept;
  [[nodiscard]] bool passes_on() noexcept;
  [[nodiscard]] bool is_over() noexcept;
  [[nodiscard]] bool presume() noexcept;
  bool kill_announced() noexcept;
  void end_announced() noexcept;
  bool note_announced() noexcept;
  bool watch_announced() noexcept;
  void watch(DeathWatch stranger, Role role) noexcept;

  const pid_t child_;
  const std::uint32_t id_;
  World& world_;
  DeathWatch process_;
  std::optional<DeathWatch> announced_;  // that has announced itself last, beside process_
  pid_t last_;  // the process that was watched last, of those that are known
  Role role_ = Role::kChild;
  bool was_signalled_ = false;
  ReplyFrame last_reply_ = {};
  Backoff reply_retry_;
};

}  // namespace cs::sam

#endif
