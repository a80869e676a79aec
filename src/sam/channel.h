// SPDX-License-Identifier: BSD-3-Clause
// What connects a supervisor to one instance: two pipes and the heartbeat page. Made before the
// fork; then each side keeps its part and drops the other's.
#ifndef CS_SAM_CHANNEL_H
#define CS_SAM_CHANNEL_H

#include <utility>

#include "common/unique_fd.h"
#include "sam/frames.h"
#include "sam/heartbeat.h"

namespace cs::sam {

// The active process's part.
struct ActiveEnds {
  UniqueFd commands;  // to write; never waits for room by itself
  UniqueFd replies;   // to read
  SharedHeartbeat heartbeat;
};

// The supervisor's part; nothing waits here. It has a read end of its own replies as well, so that
// answering an instance that is already dead is no SIGPIPE.
struct SupervisorEnds {
  UniqueFd commands;
  Pipe replies;
  SharedHeartbeat heartbeat;
};

class Channel {
 public:
  // Empty, with errno, when there are no descriptors or no memory.
  [[nodiscard]] static Channel make() noexcept {
    Channel made{open_pipe(), open_pipe(), SharedHeartbeat::make()};
    return made.is_complete() && made.set_modes() ? std::move(made) : Channel{};
  }

  [[nodiscard]] explicit operator bool() const noexcept { return is_complete(); }

  [[nodiscard]] ActiveEnds take_active_ends() && noexcept {
    Channel taken = std::move(*this);
    return {std::move(taken.commands_.write_end), std::move(taken.replies_.read_end),
            std::move(taken.heartbeat_)};
  }
  [[nodiscard]] SupervisorEnds take_supervisor_ends() && noexcept {
    Channel taken = std::move(*this);
    return {std::move(taken.commands_.read_end), std::move(taken.replies_),
            std::move(taken.heartbeat_)};
  }

 private:
  Channel() noexcept = default;
  Channel(Pipe commands, Pipe replies, SharedHeartbeat heartbeat) noexcept
      : commands_(std::move(commands)),
        replies_(std::move(replies)),
        heartbeat_(std::move(heartbeat)) {}

  [[nodiscard]] bool is_complete() const noexcept {
    return commands_.read_end && commands_.write_end && replies_.read_end && replies_.write_end &&
           heartbeat_;
  }
  [[nodiscard]] bool set_modes() const noexcept {
    return set_nonblocking(commands_.read_end.get()) &&
           set_nonblocking(commands_.write_end.get()) && set_nonblocking(replies_.write_end.get());
  }

  Pipe commands_;
  Pipe replies_;
  SharedHeartbeat heartbeat_;
};

}  // namespace cs::sam

#endif
