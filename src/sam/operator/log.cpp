// SPDX-License-Identifier: BSD-3-Clause
// Putting a line together, and writing it without being held up or killed by whoever reads it.
#include "sam/operator/log.h"

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/unique_fd.h"
#include "sam/operator/signal_names.h"
#include "sam/shared/signal_guard.h"

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x00000008
#endif

namespace cs::sam {
namespace {

constexpr int kPatienceMs = 100;

// Text that grows as far as there is room.
class Line {
 public:
  Line(char* text, std::size_t room) noexcept : text_(text), room_(room) { *text_ = '\0'; }

  // NOLINTNEXTLINE(cert-dcl50-cpp): the compiler holds the arguments against the format
  __attribute__((format(printf, 2, 3))) void add(const char* format, ...) noexcept {
    va_list arguments;
    va_start(arguments, format);
    const int wanted = std::vsnprintf(text_ + length_, room_ - length_, format, arguments);
    va_end(arguments);
    if (wanted > 0) length_ = std::min(length_ + static_cast<std::size_t>(wanted), room_ - 1);
  }
  void add_seconds(const char* name, std::optional<Nanoseconds> time) noexcept {
    if (!time) return;
    const auto milliseconds = static_cast<long long>(*time / kNanosecondsPerMillisecond);
    add(" %s=%lld.%03llds", name, milliseconds / 1000, milliseconds % 1000);
  }
  [[nodiscard]] std::size_t length() const noexcept { return length_; }

 private:
  char* text_;
  std::size_t room_;
  std::size_t length_ = 0;
};

// As syslog counts them: 3 an error, 4 a warning, 6 for information.
int level_of(const LogRecord& record) noexcept {
  switch (record.event) {
    case LogRecord::Event::kStart:
      return 6;
    case LogRecord::Event::kWarning:
    case LogRecord::Event::kKill:
    case LogRecord::Event::kDeath:
      return 4;
    case LogRecord::Event::kEnd:
      return record.is_failure ? 3 : 6;
  }
  return 6;
}

void write_time(timespec wall_time, Line& line) noexcept {
  tm split{};
  (void)::gmtime_r(&wall_time.tv_sec, &split);
  line.add("%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", split.tm_year + 1900, split.tm_mon + 1,
           split.tm_mday, split.tm_hour, split.tm_min, split.tm_sec,
           static_cast<int>(wall_time.tv_nsec / kNanosecondsPerMillisecond));
}

// A pipe whose reader has gone raises a signal, and so does a file at the limit on sizes. It is
// blocked by now, and is taken back unless one was pending before.
void take_signal_of(int error, const sigset_t& pending) noexcept {
  const int number = error == EPIPE ? SIGPIPE : SIGXFSZ;
  if ((error != EPIPE && error != EFBIG) || sigismember(&pending, number) == 1) return;
  sigset_t raised;
  sigemptyset(&raised);
  sigaddset(&raised, number);
  const timespec no_wait{};
  (void)::sigtimedwait(&raised, nullptr, &no_wait);
}

// A terminal may have room for a part of a line, and would wait for the rest; opened anew, it does
// not. The controlling side is another terminal each time that it is opened.
UniqueFd open_terminal(int fd, const struct stat& status) noexcept {
  constexpr dev_t kControllingSide = 5U << 8 | 2U;
  if (!S_ISCHR(status.st_mode) || status.st_rdev == kControllingSide || ::isatty(fd) == 0)
    return {};
  char path[32];
  (void)std::snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  return UniqueFd(::open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
}

// Another writer may take the room that a poll has just seen; so no wait for pipes and sockets,
// where the kernel can do that. The file is shared with the application, which may want to wait:
// O_NONBLOCK is not ours to set.
ssize_t write_at_once(int fd, std::string_view line) noexcept {
  struct stat status;
  if (::fstat(fd, &status) != 0) return -1;
  const bool may_fill = S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode);
  iovec part{const_cast<char*>(line.data()), line.size()};
  ssize_t written = -1;
  errno = EOPNOTSUPP;
  if (may_fill) written = ::syscall(SYS_pwritev2, fd, &part, 1UL, -1L, -1L, RWF_NOWAIT);
  if (written < 0 && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL)) {
    const UniqueFd terminal = open_terminal(fd, status);
    written = ::write(terminal ? terminal.get() : fd, line.data(), line.size());
  }
  return written;
}

}  // namespace

std::size_t format_line(const LogRecord& record, pid_t supervisor, timespec wall_time, bool prefix,
                        char (&text)[kLineRoom]) noexcept {
  constexpr char kEvents[][8] = {"start", "warning", "kill", "death", "end"};
  Line line(text, sizeof(text) - 1);  // room for the end of the line, however long it is
  if (prefix) line.add("<%d>", level_of(record));
  write_time(wall_time, line);
  line.add(" sam[%d]: %.8s instance=%u", supervisor,
           kEvents[static_cast<std::size_t>(record.event)], record.instance);
  if (record.pid != 0) line.add(" pid=%d", record.pid);
  char reason[kReasonRoom];
  write_reason(record.reason, reason);
  if (*reason != '\0') line.add(" reason=\"%s\"", reason);
  if (record.event == LogRecord::Event::kWarning) {
    char name[kSignalNameRoom] = "none";
    if (record.number != 0) write_signal_name(record.number, name, sizeof(name));
    line.add(" signal=%s", name);
  }
  const bool has_exit = record.reason.kind != Reason::Kind::kBroken;
  if (record.event == LogRecord::Event::kEnd && has_exit) line.add(" exit=%d", record.number);
  line.add_seconds("uptime", record.uptime);
  line.add_seconds("next", record.next);
  text[line.length()] = '\n';
  return line.length() + 1;
}

bool write_line(int fd, std::string_view line, int patience_ms) noexcept {
  const int error = errno;
  const SignalGuard signals;
  pollfd entry{fd, POLLOUT, 0};
  const bool has_room = ::poll(&entry, 1, patience_ms) > 0 && entry.revents == POLLOUT;
  ssize_t written = -1;
  if (has_room) {
    sigset_t pending;
    ::sigpending(&pending);
    written = write_at_once(fd, line);
    if (written < 0) take_signal_of(errno, pending);
  }
  errno = error;
  return written == static_cast<ssize_t>(line.size());
}

// Under the number of a file that the application has closed it may have opened another.
void Log::write(const LogRecord& record) noexcept {
  if (fd_ < 0 || (identity_.is_known() && !identity_.is_behind(fd_))) return;
  timespec wall_time{};
  (void)::clock_gettime(CLOCK_REALTIME, &wall_time);
  char line[kLineRoom];
  const std::size_t length =
      format_line(record, supervisor_, wall_time, journal_.is_behind(fd_), line);
  is_stuck_ = !write_line(fd_, {line, length}, is_stuck_ ? 0 : kPatienceMs);
}

}  // namespace cs::sam
