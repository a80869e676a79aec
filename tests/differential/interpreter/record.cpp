// SPDX-License-Identifier: BSD-3-Clause
// The transcript.
#include "differential/interpreter/record.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace cs::differential {
namespace {

thread_local unsigned t_line = 0;
thread_local std::string* t_kept = nullptr;
char g_name[8] = "s";
std::atomic<std::uint64_t> g_signals_told = 0;

void write_line(const char* text, std::size_t size) noexcept {
  static const char* const path = std::getenv("CS_TRANSCRIPT");
  const int error = errno;
  const int fd = path != nullptr ? ::open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : ::dup(1);
  if (fd >= 0) {
    [[maybe_unused]] const ssize_t written = ::write(fd, text, size);
    ::close(fd);
  }
  errno = error;
}

}  // namespace

void at_line(unsigned line) noexcept { t_line = line; }
unsigned current_line() noexcept { return t_line; }

void call_process(const char* name) noexcept {
  std::snprintf(g_name, sizeof(g_name), "%s", name);
  g_signals_told = 0;
}
const char* process_name() noexcept { return g_name; }

void record(const char* format, ...) noexcept {
  int before = 0;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
  char text[8192];
  int size = t_kept != nullptr ? 0 : std::snprintf(text, sizeof(text), "%u %s ", t_line, g_name);
  va_list arguments;
  va_start(arguments, format);
  size += std::vsnprintf(text + size, sizeof(text) - 1 - static_cast<std::size_t>(size), format,
                         arguments);
  va_end(arguments);
  if (size > static_cast<int>(sizeof(text)) - 2) size = sizeof(text) - 2;
  for (int i = 0; i < size; ++i) {
    if (text[i] == '\n') text[i] = ';';
  }
  text[size++] = '\n';
  if (t_kept != nullptr) {
    t_kept->append(text, static_cast<std::size_t>(size));
  } else {
    write_line(text, static_cast<std::size_t>(size));
  }
  pthread_setcancelstate(before, nullptr);
}

void record_signal(int number) noexcept {
  const std::uint64_t bit = std::uint64_t{1} << (number % 64);
  if ((g_signals_told.fetch_or(bit) & bit) != 0) return;
  char text[64];
  const int size = std::snprintf(text, sizeof(text), "0 %s gets signal %d\n", g_name, number);
  write_line(text, static_cast<std::size_t>(size));
}

const char* name_of(cs_error_t code) noexcept {
  static constexpr struct {
    cs_error_t code;
    const char* name;
  } kNames[] = {
      {CS_OK, "OK"},
      {CS_ERR_LIBRARY, "ERR_LIBRARY"},
      {CS_ERR_INVALID_PARAM, "ERR_INVALID_PARAM"},
      {CS_ERR_NO_MEMORY, "ERR_NO_MEMORY"},
      {CS_ERR_BAD_HANDLE, "ERR_BAD_HANDLE"},
      {CS_ERR_TRY_AGAIN, "ERR_TRY_AGAIN"},
      {CS_ERR_NOT_EXIST, "ERR_NOT_EXIST"},
      {CS_ERR_EXIST, "ERR_EXIST"},
      {CS_ERR_ACCESS, "ERR_ACCESS"},
      {CS_ERR_NAME_NOT_FOUND, "ERR_NAME_NOT_FOUND"},
      {CS_ERR_TOO_BIG, "ERR_TOO_BIG"},
      {CS_ERR_MESSAGE_ERROR, "ERR_MESSAGE_ERROR"},
  };
  for (const auto& known : kNames) {
    if (known.code == code) return known.name;
  }
  thread_local char number[16];
  std::snprintf(number, sizeof(number), "%d", static_cast<int>(code));
  return number;
}

void record(cs_error_t code) noexcept { record("= %s", name_of(code)); }

Kept::Kept() noexcept : outer_(std::exchange(t_kept, &text_)) {}
Kept::~Kept() { t_kept = outer_; }
std::string Kept::take() { return std::exchange(text_, {}); }

}  // namespace cs::differential
