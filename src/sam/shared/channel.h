// SPDX-License-Identifier: BSD-3-Clause
// What connects a supervisor to its instances: two pipes and the heartbeat page. They are made
// before the first fork and kept. Only the pipe of commands is new for each instance, so that its
// hang-up tells that no process of that instance is left.
#ifndef CS_SAM_CHANNEL_H
#define CS_SAM_CHANNEL_H

#include <poll.h>
#include <utility>

#include "common/file_identity.h"
#include "common/unique_fd.h"
#include "sam/shared/frames.h"
#include "sam/shared/heartbeat.h"

namespace cs::sam {

// The active process's part.
struct ActiveEnds {
  UniqueFd commands;  // to write; a write does not wait for room
  UniqueFd replies;   // to read
  SharedHeartbeat heartbeat;
  FileIdentity commands_identity;
  FileIdentity replies_identity;
};

// The supervisor has all of it. That includes the read end of its own replies: answering an
// instance that is already dead must not raise SIGPIPE.
class Channel {
 public:
  Channel() noexcept = default;

  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Once. False, with errno, when there are no descriptors or no memory.
  [[nodiscard]] bool open() noexcept {
    return make_replies() && make_heartbeat() && renew_commands();
  }

  // Call before each instance. If no pipe can be made the old one serves again, unless it was let
  // go of. False, with errno, when there is none.
  [[nodiscard]] bool renew_commands() noexcept {
    is_fresh_ = false;
    Pipe fresh = open_pipe();
    if (!fresh || !set_nonblocking(fresh.read_end.get()) ||
        !set_nonblocking(fresh.write_end.get())) {
      return static_cast<bool>(commands_);
    }
    // Both ends of a pipe are one file. Looked up here, where a failure can be reported: an
    // instance might not be able to look.
    const FileIdentity identity(fresh.write_end.get());
    if (!identity.is_known()) return static_cast<bool>(commands_);
    commands_ = std::move(fresh);
    commands_identity_ = identity;
    is_fresh_ = true;
    return true;
  }

  // Closes our own end for writing. Once no process of the instance holds one either, the pipe is
  // hung up. If it is not, that says nothing where a process of an earlier instance may hold one.
  void let_go_of_commands() noexcept { commands_.write_end.reset(); }
  [[nodiscard]] bool is_hung_up() const noexcept {
    pollfd entry{commands_.read_end.get(), 0, 0};
    return ::poll(&entry, 1, 0) > 0 && (entry.revents & POLLHUP) != 0;
  }

  [[nodiscard]] bool may_be_held_by_others() const noexcept { return !is_fresh_; }

  // For a process that the supervisor has forked, and that is no instance.
  void close_all() noexcept {
    commands_ = {};
    replies_ = {};
  }

  // For the supervisor; neither end waits.
  [[nodiscard]] int commands() const noexcept { return commands_.read_end.get(); }
  [[nodiscard]] int replies() const noexcept { return replies_.write_end.get(); }
  [[nodiscard]] HeartbeatPage& heartbeat() const noexcept { return *heartbeat_; }

  // In a new instance; the rest goes with the channel.
  [[nodiscard]] ActiveEnds take_active_ends() noexcept {
    return {std::move(commands_.write_end), std::move(replies_.read_end), std::move(heartbeat_),
            commands_identity_, replies_identity_};
  }

 private:
  bool make_replies() noexcept {
    replies_ = open_pipe();
    if (!replies_ || !set_nonblocking(replies_.read_end.get()) ||
        !set_nonblocking(replies_.write_end.get())) {
      return false;
    }
    replies_identity_ = FileIdentity(replies_.read_end.get());
    return replies_identity_.is_known();
  }

  bool make_heartbeat() noexcept {
    heartbeat_ = SharedHeartbeat::make();
    return static_cast<bool>(heartbeat_);
  }

  Pipe commands_;
  Pipe replies_;
  SharedHeartbeat heartbeat_;
  FileIdentity commands_identity_;
  FileIdentity replies_identity_;
  bool is_fresh_ = false;  // the pipe of commands was made for this instance
};

}  // namespace cs::sam

#endif
