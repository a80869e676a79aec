// SPDX-License-Identifier: BSD-3-Clause
// The table of names; libc's own functions for it are too new, or depend on the locale.
#include "sam/operator/signal_names.h"

#include <cstdio>
#include <cstring>
#include <iterator>
#include <signal.h>

namespace cs::sam {
namespace {

// Arrays, not pointers: nothing has to be relocated.
struct Name {
  char text[7];
  std::uint8_t number;
};

constexpr Name kNames[] = {
    {"HUP", SIGHUP},       {"INT", SIGINT},   {"QUIT", SIGQUIT},   {"ILL", SIGILL},
    {"TRAP", SIGTRAP},     {"ABRT", SIGABRT}, {"BUS", SIGBUS},     {"FPE", SIGFPE},
    {"KILL", SIGKILL},     {"USR1", SIGUSR1}, {"SEGV", SIGSEGV},   {"USR2", SIGUSR2},
    {"PIPE", SIGPIPE},     {"ALRM", SIGALRM}, {"TERM", SIGTERM},   {"CHLD", SIGCHLD},
    {"CONT", SIGCONT},     {"STOP", SIGSTOP}, {"TSTP", SIGTSTP},   {"TTIN", SIGTTIN},
    {"TTOU", SIGTTOU},     {"URG", SIGURG},   {"XCPU", SIGXCPU},   {"XFSZ", SIGXFSZ},
    {"VTALRM", SIGVTALRM}, {"PROF", SIGPROF}, {"WINCH", SIGWINCH}, {"IO", SIGIO},
    {"PWR", SIGPWR},       {"SYS", SIGSYS},
#ifdef SIGSTKFLT
    {"STKFLT", SIGSTKFLT},
#endif
};

// Longer names fill their array.
constexpr std::string_view view(const Name& name) noexcept {
  std::size_t length = 0;
  while (length < sizeof(name.text) && name.text[length] != '\0') ++length;
  return {name.text, length};
}

// starts_with() would bring in the C++ run-time, by way of substr().
bool take_prefix(std::string_view& text, std::string_view prefix) noexcept {
  const bool is_long_enough = text.size() >= prefix.size();
  if (!is_long_enough || std::memcmp(text.data(), prefix.data(), prefix.size()) != 0) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<int> parse_real_time(std::string_view text) noexcept {
  const int range = SIGRTMAX - SIGRTMIN;
  const bool is_from_below = take_prefix(text, "RTMIN");
  if (!is_from_below && !take_prefix(text, "RTMAX")) return {};
  int distance = 0;
  if (!text.empty()) {
    if (text[0] != (is_from_below ? '+' : '-')) return {};
    text.remove_prefix(1);
    const auto number = parse_number(text, range);
    if (!number) return {};
    distance = static_cast<int>(*number);
  }
  return is_from_below ? SIGRTMIN + distance : SIGRTMAX - distance;
}

}  // namespace

std::optional<std::int64_t> parse_number(std::string_view text, std::int64_t most) noexcept {
  std::int64_t number = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return {};
    if (number > most / 10) return {};
    number = number * 10 + (digit - '0');
    if (number > most) return {};
  }
  if (text.empty()) return {};
  return number;
}

std::optional<int> parse_signal(std::string_view text) noexcept {
  if (const auto number = parse_number(text, SIGRTMAX)) {
    constexpr int kFirstRealTime = 32;  // the first of them are libc's own
    const auto signal = static_cast<int>(*number);
    if (signal == 0 || (signal >= kFirstRealTime && signal < SIGRTMIN)) return {};
    return signal;
  }
  (void)take_prefix(text, "SIG");
  for (const Name& name : kNames) {
    if (view(name) == text) return name.number;
  }
  return parse_real_time(text);
}

void write_signal_name(int number, char* text, std::size_t room) noexcept {
  for (const Name& name : kNames) {
    if (name.number != number) continue;
    (void)std::snprintf(text, room, "SIG%.*s", static_cast<int>(view(name).size()), name.text);
    return;
  }
  const int real_time = number - SIGRTMIN;
  if (real_time >= 0 && number <= SIGRTMAX) {
    (void)std::snprintf(text, room, "SIGRTMIN+%d", real_time);
  } else {
    (void)std::snprintf(text, room, "signal %d", number);
  }
}

}  // namespace cs::sam
