// SPDX-License-Identifier: BSD-3-Clause
// What connects a supervisor to its instances: two pipes and the heartbeat page. Made before the
// first fork and kept, so that a restart has nothing to make that could fail or take time.
#ifndef CS_SAM_CHANNEL_H
#define CS_SAM_CHANNEL_H

#include <utility>

#include "common/unique_fd.h"
#include "sam/descriptor.h"
#include "sam/frames.h"
#include "sam/heartbeat.h"

namespace cs::sam {

// The active process's part.
struct ActiveEnds {
  UniqueFd commands;  // to write; never waits for room by itself
  UniqueFd replies;   // to read
  SharedHeartbeat heartbeat;
  FileIdentity commands_identity;
  FileIdentity replies_identity;
};

// The supervisor has all of it. A read end of its own replies among them: answering an instance
// that is already dead must be no SIGPIPE.
class Channel {
 public:
  Channel() noexcept = default;

  // Empty, with errno, when there are no descriptors or no memory.
  [[nodiscard]] static Channel make() noexcept {
    Channel made;
    made.commands_ = open_pipe();
    made.replies_ = open_pipe();
    made.heartbeat_ = SharedHeartbeat::make();
    return made && made.set_modes() && made.identify() ? std::move(made) : Channel();
  }

  [[nodiscard]] explicit operator bool() const noexcept {
    return commands_.read_end && commands_.write_end && replies_.read_end && replies_.write_end &&
           heartbeat_;
  }

  // For the supervisor; neither end waits.
  [[nodiscard]] int commands() const noexcept { return commands_.read_end.get(); }
  [[nodiscard]] int replies() const noexcept { return replies_.write_end.get(); }
  [[nodiscard]] HeartbeatPage& heartbeat() const noexcept { return *heartbeat_; }

  // In a new instance; the rest is closed there.
  [[nodiscard]] ActiveEnds take_active_ends() && noexcept {
    Channel taken = std::move(*this);
    return {std::move(taken.commands_.write_end), std::move(taken.replies_.read_end),
            std::move(taken.heartbeat_), taken.commands_identity_, taken.replies_identity_};
  }

 private:
  [[nodiscard]] bool set_modes() const noexcept {
    return set_nonblocking(commands_.read_end.get()) &&
           set_nonblocking(commands_.write_end.get()) && set_nonblocking(replies_.write_end.get());
  }

  // Both ends of a pipe are one file. An instance that had to look for itself might not be able to.
  [[nodiscard]] bool identify() noexcept {
    commands_identity_ = FileIdentity(commands_.write_end.get());
    replies_identity_ = FileIdentity(replies_.read_end.get());
    return commands_identity_.is_known() && replies_identity_.is_known();
  }

  Pipe commands_;
  Pipe replies_;
  SharedHeartbeat heartbeat_;
  FileIdentity commands_identity_;
  FileIdentity replies_identity_;
};

}  // namespace cs::sam

#endif
