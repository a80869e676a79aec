// SPDX-License-Identifier: BSD-3-Clause
// What a program sees, line by line, in the file CS_TRANSCRIPT: "LINE WHO TEXT". Each line is one
// write to a file that is opened for it, so that processes, signal handlers and programs that close
// every descriptor may all tell what they see.
#pragma once

#include <corosync/corotypes.h>

#include <string>

namespace cs::differential {

// The line of the program that this thread is at.
void at_line(unsigned line) noexcept;
[[nodiscard]] unsigned current_line() noexcept;
// What this process is called from now on: s (the one that began, and the supervisor), i1, i2, ...
// (instances), c1, ... (children).
void call_process(const char* name) noexcept;
[[nodiscard]] const char* process_name() noexcept;

[[gnu::format(printf, 1, 2)]] void record(const char* format, ...) noexcept;
// The same, once in this process; not told at a line, as it may come at any time.
void record_signal(int number) noexcept;

// The name of a code, without CS_; its number if it is none.
[[nodiscard]] const char* name_of(cs_error_t code) noexcept;
void record(cs_error_t code) noexcept;

// While it lives, this thread's records are kept here instead.
class Kept {
 public:
  Kept() noexcept;
  ~Kept();
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  [[nodiscard]] std::string take();

 private:
  std::string text_;
  std::string* outer_;
};

// Lets a thread be cancelled while the function runs, and only then.
template <class Function>
auto let_in(Function function);

}  // namespace cs::differential

#include <pthread.h>

namespace cs::differential {

template <class Function>
auto let_in(Function function) {
  int before = 0;
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before);
  const auto result = function();
  pthread_setcancelstate(before, nullptr);
  return result;
}

}  // namespace cs::differential
