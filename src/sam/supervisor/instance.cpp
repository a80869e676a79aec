// SPDX-License-Identifier: BSD-3-Clause
// Talking to one instance, and telling its end from its passing on to a daemon.
#include "sam/supervisor/instance.h"

#include <signal.h>
#include <utility>

namespace cs::sam {

// Frames of another instance are garbage, too: a helper process that outlives its instance may hold
// the pipe.
Received Instance::next_command(CommandFrame& frame) noexcept {
  const Received received = world_.receive_command(frame);
  if (received == Received::kClosed) return Received::kNothing;
  return received == Received::kFrame && frame.instance != id_ ? Received::kGarbage : received;
}

bool Instance::reply(std::uint32_t sequence, cs_error_t status) noexcept {
  last_reply_ = {id_, sequence, status};
  return send_reply();
}

bool Instance::send_reply() noexcept {
  if (world_.send_reply(last_reply_) == Sent::kFull) {
    reply_retry_.failed(world_.now());
    return false;
  }
  reply_retry_.succeeded();
  return true;
}

bool Instance::catch_up(Nanoseconds now) noexcept {
  return reply_retry_.is_behind() && reply_retry_.may_try(now) && send_reply();
}

// A daemon that closes every descriptor it does not know hangs up, and lives.
bool Instance::may_send_commands() const noexcept {
  return role_ != Role::kAnnounced || !world_.is_hung_up();
}

void Instance::send_signal(int number) noexcept {
  if (role_ == Role::kPresumed) (void)watch_announced();
  was_signalled_ = true;
  if (number == SIGKILL) (void)kill_announced();
  process_.send_signal(number);
}

void Instance::pass_on(int number) noexcept {
  if (role_ == Role::kPresumed) (void)watch_announced();
  process_.send_signal(number);
}

Reason Instance::how_it_ended() const noexcept {
  if (!process_.knows_status() || process_.pid() == 0) return {Reason::Kind::kUnknownEnd};
  return {Reason::Kind::kDeath, process_.wait_status()};
}

void Instance::end() noexcept {
  send_signal(SIGKILL);
  process_.wait_for_end();
  end_announced();
}

// A daemon whose parent has not ended yet. False when there is none.
bool Instance::kill_announced() noexcept {
  if (!note_announced()) return false;
  announced_->send_signal(SIGKILL);
  return true;
}

void Instance::end_announced() noexcept {
  if (kill_announced()) announced_->wait_for_end();
}

// From the first look on: when it has died, its number may be another's. False where no process but
// those that are watched anyway has announced itself.
bool Instance::note_announced() noexcept {
  const pid_t announced = world_.page().announced();
  if (announced == 0 || announced == process_.pid() || announced == child_) return false;
  if (!announced_ || announced_->pid() != announced) {
    announced_.emplace(world_, announced, DeathWatch::Kind::kStranger);
    (void)announced_->has_died();  // by now already, where it has no pidfd
  }
  return true;
}

// A verdict is on the whole application: where its signal ended the parent of a daemon only, the
// daemon must not go on beside the next instance.
bool Instance::has_ended() noexcept {
  (void)note_announced();
  if (!is_over()) return false;
  if (was_signalled_ && process_.has_failed()) end_announced();
  return true;
}

bool Instance::is_over() noexcept {
  const bool died = process_.has_died();
  if (!died) return role_ == Role::kPresumed && !passes_on();
  if (process_.has_failed()) return true;
  // From here on the end of the pipe shows that nobody else holds it.
  if (role_ == Role::kChild) world_.let_go_of_commands();
  return !passes_on();
}

// Whether another process goes on where the child, or the daemon before, has ended.
bool Instance::passes_on() noexcept {
  const HeartbeatPage& page = world_.page();
  if (process_.has_died() && page.finisher() == process_.pid()) return false;
  if (watch_announced()) return true;
  if (world_.is_hung_up()) return false;
  if (process_.pid() == 0 || process_.has_died()) return presume();
  return true;
}

// The next in line that lives. It may be about to note itself, or was forked in a way that we do
// not see; until it is known the pipe is all there is.
bool Instance::presume() noexcept {
  const HeartbeatPage& page = world_.page();
  for (pid_t next = page.next_of(last_); next != 0; next = page.next_of(next)) {
    DeathWatch stranger(world_, next, DeathWatch::Kind::kStranger);
    if (!stranger.has_died()) {
      watch(std::move(stranger), Role::kPresumed);
      return true;
    }
    if (stranger.has_failed()) return false;
  }
  if (!process_.knows_status() || world_.may_be_held_by_others()) return false;
  role_ = Role::kPresumed;
  process_ = DeathWatch(world_, 0, DeathWatch::Kind::kStranger);
  return true;
}

// True when the process that has announced itself is alive.
bool Instance::watch_announced() noexcept {
  const pid_t announced = world_.page().announced();
  if (announced == 0 || announced == child_) return false;
  if (announced == process_.pid()) {
    if (process_.has_died()) return false;
    role_ = Role::kAnnounced;
    return true;
  }
  if (!note_announced() || announced_->has_died()) return false;
  watch(std::move(*announced_), Role::kAnnounced);
  announced_.reset();
  return true;
}

void Instance::watch(DeathWatch stranger, Role role) noexcept {
  role_ = role;
  last_ = stranger.pid();
  process_ = std::move(stranger);
}

}  // namespace cs::sam
