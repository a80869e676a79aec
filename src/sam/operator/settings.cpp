// SPDX-License-Identifier: BSD-3-Clause
// Parsing, one function for each kind of value.
#include "sam/operator/settings.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <signal.h>
#include <unistd.h>

#include "sam/operator/signal_names.h"

namespace cs::sam {
namespace {

constexpr std::int64_t kLongestDelayMs = 3'600'000;
constexpr std::int64_t kLongestPeriodSeconds = 604'800;
constexpr std::int64_t kYearMicroseconds = 366LL * 86'400'000'000;

enum class Variable : std::uint8_t {
  kLog,
  kRestartDelay,
  kRestartLimit,
  kForward,
  kNotify,
  kExit,
  kOrphan,
  kWarnSignal,
  kInterval,
  kCount,
};

// In the same order; arrays, so that nothing has to be relocated.
constexpr char kNames[][18] = {"SAM_LOG",     "SAM_RESTART_DELAY", "SAM_RESTART_LIMIT",
                               "SAM_FORWARD", "SAM_NOTIFY",        "SAM_EXIT",
                               "SAM_ORPHAN",  "SAM_WARN_SIGNAL",   "SAM_INTERVAL"};
static_assert(std::size(kNames) == static_cast<std::size_t>(Variable::kCount));

bool parse_log(std::string_view value, OperatorSettings& settings) noexcept {
  if (value == "stderr") {
    settings.log_fd = STDERR_FILENO;
    return true;
  }
  const auto number = parse_number(value, INT_MAX);
  if (!number) return false;
  settings.log = FileIdentity(static_cast<int>(*number));
  if (!settings.log.is_known()) return false;
  settings.log_fd = static_cast<int>(*number);
  return true;
}

bool parse_delay(std::string_view value, OperatorSettings& settings) noexcept {
  const auto milliseconds = parse_number(value, kLongestDelayMs);
  settings.restart_delay = milliseconds.value_or(0) * kNanosecondsPerMillisecond;
  return milliseconds.has_value();
}

bool parse_limit(std::string_view value, OperatorSettings& settings) noexcept {
  const std::size_t slash = value.find('/');
  if (slash == std::string_view::npos) return false;
  const auto count = parse_number({value.data(), slash}, RestartLimit::kMost);
  value.remove_prefix(slash + 1);
  const auto seconds = parse_number(value, kLongestPeriodSeconds);
  if (!count || seconds.value_or(0) == 0) return false;
  settings.restart_limit = {static_cast<unsigned>(*count),
                            *seconds * 1000 * kNanosecondsPerMillisecond};
  return true;
}

// Nobody can pass on the first two; the third is the supervisor's own; the others say that the
// process itself has gone wrong.
bool may_be_forwarded(int number) noexcept {
  if (number > SignalSet::kMost) return false;
  switch (number) {
    case SIGKILL:
    case SIGSTOP:
    case SIGCHLD:
    case SIGABRT:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGPIPE:
    case SIGSEGV:
    case SIGSYS:
    case SIGTRAP:
      return false;
    default:
      return true;
  }
}

bool parse_forward(std::string_view value, OperatorSettings& settings) noexcept {
  SignalSet signals;
  for (;;) {
    const std::size_t comma = std::min(value.find(','), value.size());
    const auto number = parse_signal({value.data(), comma});
    if (!number || !may_be_forwarded(*number)) return false;
    signals.add(*number);
    if (comma == value.size()) break;
    value.remove_prefix(comma + 1);
  }
  settings.forwarded = signals;
  return true;
}

bool parse_switch(std::string_view value, std::string_view on, bool& setting) noexcept {
  setting = value == on;
  return setting;
}

bool parse_warn_signal(std::string_view value, OperatorSettings& settings) noexcept {
  settings.warn_signal = value == "none" ? 0 : parse_signal(value);
  return settings.warn_signal.has_value();
}

bool parse_interval(std::string_view value, OperatorSettings& settings) noexcept {
  const auto milliseconds = parse_number(value, INT_MAX);
  if (milliseconds) settings.interval_ms = static_cast<int>(*milliseconds);
  return milliseconds.has_value();
}

bool parse(Variable variable, std::string_view value, OperatorSettings& settings) noexcept {
  switch (variable) {
    case Variable::kLog:
      return parse_log(value, settings);
    case Variable::kRestartDelay:
      return parse_delay(value, settings);
    case Variable::kRestartLimit:
      return parse_limit(value, settings);
    case Variable::kForward:
      return parse_forward(value, settings);
    case Variable::kNotify:
      return value == "0" || parse_switch(value, "1", settings.notifies);
    case Variable::kExit:
      return parse_switch(value, "signal", settings.tells_signal_at_exit);
    case Variable::kOrphan:
      return parse_switch(value, "kill", settings.kills_orphan);
    case Variable::kWarnSignal:
      return parse_warn_signal(value, settings);
    case Variable::kInterval:
      return parse_interval(value, settings);
    case Variable::kCount:
      break;
  }
  return false;
}

// What systemd sets is not the operator's, so nothing is said where it cannot be read.
void read_journal(const char* stream, OperatorSettings& settings) noexcept {
  char* end = nullptr;
  if (stream == nullptr) return;
  const unsigned long long device = std::strtoull(stream, &end, 10);
  if (*end != ':') return;
  settings.journal = FileIdentity::of(static_cast<dev_t>(device),
                                      static_cast<ino_t>(std::strtoull(end + 1, nullptr, 10)));
}

// A path, or a name of the abstract kind, which begins with @.
void read_socket(const char* path, OperatorSettings& settings) noexcept {
  settings.notifies = false;
  const std::size_t length = path != nullptr ? std::strlen(path) : 0;
  if (length < 2 || length >= sizeof(settings.notify_socket)) return;
  if (*path != '/' && *path != '@') return;
  std::memcpy(settings.notify_socket, path, length);
  if (*path == '@') settings.notify_socket[0] = '\0';
  settings.notify_socket_length = length;
  settings.notifies = true;
}

void read_watchdog(const char* period, const char* pid, OperatorSettings& settings) noexcept {
  const auto microseconds = parse_number(period != nullptr ? period : "", INT64_MAX / 10);
  settings.watchdog = Nanoseconds{1000} * std::min(microseconds.value_or(0), kYearMicroseconds);
  settings.watchdog_pid =
      static_cast<pid_t>(parse_number(pid != nullptr ? pid : "", INT_MAX).value_or(0));
}

}  // namespace

OperatorSettings read_operator_settings(GetVariable get, Complain complain) noexcept {
  OperatorSettings settings;
  const int error = errno;
  for (std::uint8_t which = 0; which < static_cast<std::uint8_t>(Variable::kCount); ++which) {
    const char* const value = get(kNames[which]);
    if (value == nullptr || *value == '\0') continue;
    if (!parse(static_cast<Variable>(which), value, settings)) complain(kNames[which], value);
  }
  if (settings.log_fd >= 0) read_journal(get("JOURNAL_STREAM"), settings);
  if (settings.notifies) {
    read_socket(get("NOTIFY_SOCKET"), settings);
    read_watchdog(get("WATCHDOG_USEC"), get("WATCHDOG_PID"), settings);
  }
  errno = error;
  return settings;
}

}  // namespace cs::sam
