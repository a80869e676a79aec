// SPDX-License-Identifier: BSD-3-Clause
// What supervisor and active process say to each other over two pipes: commands one way, replies
// the other. Frames have a fixed size and are written atomically.
#ifndef CS_SAM_FRAMES_H
#define CS_SAM_FRAMES_H

#include <climits>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <corosync/corotypes.h>

#include "common/unique_fd.h"

namespace cs::sam {

enum class Command : std::uint32_t {
  kStart = 1,
  kStop,
  kWarnSignal,  // argument: the signal
  kMarkFailed,
  kHealthCheck,  // a health check has been written to the shared page
  kFinish,       // the process is never started again
};

// A pipe may outlive an instance, and so may a helper process that it has forked: frames of another
// instance are skipped.
struct CommandFrame {
  Command command = {};
  std::int32_t argument = 0;
  std::uint32_t instance = 0;
  std::uint32_t sequence = 0;
};

// The answer to kStart and kStop. The sequence number tells it from the answer to a command whose
// sender has given up.
struct ReplyFrame {
  std::uint32_t instance = 0;
  std::uint32_t sequence = 0;
  std::int32_t status = CS_OK;  // a cs_error_t
};

static_assert(sizeof(CommandFrame) <= PIPE_BUF && sizeof(ReplyFrame) <= PIPE_BUF);

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;

  [[nodiscard]] explicit operator bool() const noexcept { return read_end && write_end; }
};

// Close-on-exec, and above the standard streams. Empty ends, with errno, when it fails.
[[nodiscard]] Pipe open_pipe() noexcept;

// False, with errno, when it fails.
[[nodiscard]] bool set_nonblocking(int fd) noexcept;

enum class Sent {
  kDone,
  kFull,    // the non-blocking pipe has no room, or the machine has no memory for it
  kBroken,  // no reader (after SIGPIPE, if that is survived), or not a pipe of ours
};

enum class Received {
  kFrame,
  kNothing,  // a non-blocking pipe is empty
  kClosed,   // no writer is left
  kGarbage,  // not a frame; it is discarded
  kBroken,   // not a pipe of ours any more
};

[[nodiscard]] Sent send_bytes(int fd, std::span<const std::byte> frame) noexcept;
[[nodiscard]] Received receive_bytes(int fd, std::span<std::byte> frame) noexcept;

template <typename Frame>
[[nodiscard]] Sent send_frame(int fd, const Frame& frame) noexcept {
  static_assert(std::has_unique_object_representations_v<Frame>);
  return send_bytes(fd, std::as_bytes(std::span(&frame, 1)));
}

template <typename Frame>
[[nodiscard]] Received receive_frame(int fd, Frame& frame) noexcept {
  static_assert(std::is_trivially_copyable_v<Frame>);
  return receive_bytes(fd, std::as_writable_bytes(std::span(&frame, 1)));
}

}  // namespace cs::sam

#endif
