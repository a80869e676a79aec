// SPDX-License-Identifier: BSD-3-Clause
// The supervisor's log: what a line says (pure), and writing it where the operator wants it.
#ifndef CS_SAM_LOG_H
#define CS_SAM_LOG_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <sys/types.h>
#include <time.h>

#include "common/clock.h"
#include "sam/operator/reason.h"
#include "sam/operator/settings.h"

namespace cs::sam {

struct LogRecord {
  enum class Event : std::uint8_t { kStart, kWarning, kKill, kDeath, kEnd };

  Event event;
  unsigned instance = 0;
  pid_t pid = 0;  // of the instance; 0: there is none
  Reason reason = {};
  std::optional<Nanoseconds> uptime = {};  // since the instance began
  std::optional<Nanoseconds> next = {};    // until the next one begins
  int number = 0;                          // a warning: the signal; the end: the exit code
  bool is_failure = false;                 // of the end
};

// One line with its end. prefix: with the level that the journal understands.
inline constexpr std::size_t kLineRoom = 320;
[[nodiscard]] std::size_t format_line(const LogRecord& record, pid_t supervisor, timespec wall_time,
                                      bool prefix, char (&text)[kLineRoom]) noexcept;

// In one write that raises no SIGPIPE. Waits no longer than the patience for room in a pipe or
// socket. False when the line is lost.
bool write_line(int fd, std::string_view line, int patience_ms) noexcept;

class Log {
 public:
  Log(const OperatorSettings& settings, pid_t supervisor) noexcept
      : fd_(settings.log_fd),
        supervisor_(supervisor),
        identity_(settings.log),
        journal_(settings.journal) {}

  void write(const LogRecord& record) noexcept;

 private:
  int fd_;
  pid_t supervisor_;
  FileIdentity identity_;
  FileIdentity journal_;
  bool is_stuck_ = false;  // the last line was lost: the next one is not waited for
};

}  // namespace cs::sam

#endif
