// SPDX-License-Identifier: BSD-3-Clause
// Child processes of a test: run a function in a fork, or a program, with a deadline, and learn how
// it ended; and a pipe with which two processes wait for each other.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/unique_fd.h"

namespace cs::test {

using std::chrono::milliseconds;
inline constexpr milliseconds kPatience{30000};  // far more than anything takes on a busy machine

// How a child ended. `output` has what a program wrote to stdout and stderr, if it was captured.
struct Outcome {
  bool timed_out = false;  // still running at the deadline; it was killed then
  int exit_status = -1;    // -1 when it did not exit by itself
  int signal = 0;          // 0 when no signal ended it
  std::string output;

  [[nodiscard]] bool exited_with(int status) const {
    return !timed_out && signal == 0 && exit_status == status;
  }
  [[nodiscard]] bool killed_by(int number) const { return !timed_out && signal == number; }
};
std::ostream& operator<<(std::ostream& out, const Outcome& outcome);

// What a program is started with besides its arguments.
struct ProgramOptions {
  std::vector<std::pair<std::string, std::string>> environment = {};  // added, or replacing ours
  std::string output_file = {};  // stdout and stderr go there (appended); empty: see `capture`
  bool capture = false;          // stdout and stderr go to Outcome::output
  std::function<void()> before_exec = {};  // last thing in the child: other namespaces, streams
};

// Owner of one child process: killed (SIGKILL) and reaped when the owner goes. The child dies with
// the thread that started it, so start it from one that lives as long as it is needed.
class Child {
 public:
  // Forks; the child ends with the status that `body` returns, and runs no destructor of ours.
  [[nodiscard]] static Child run(const std::function<int()>& body);
  // Starts a program, found by its path. A program that cannot be started exits with 127.
  [[nodiscard]] static Child exec(const std::vector<std::string>& argv,
                                  ProgramOptions options = {});

  Child() = default;
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();

  [[nodiscard]] pid_t pid() const { return pid_; }  // 0 once reaped
  [[nodiscard]] bool running();
  void signal(int number) const;  // nothing happens to a child that was reaped
  // Waits for the end; kills the child when `limit` has passed. Once only.
  [[nodiscard]] Outcome wait(milliseconds limit = kPatience);
  void kill_and_reap();

 private:
  Child(pid_t pid, UniqueFd output) : pid_(pid), output_(std::move(output)) {}
  bool reap(int flags, Outcome& outcome);

  pid_t pid_ = 0;
  UniqueFd output_;  // read end, when output is captured
};

// Runs a program to its end and returns what it printed.
[[nodiscard]] Outcome run_program(const std::vector<std::string>& argv, ProgramOptions options = {},
                                  milliseconds limit = kPatience);

// One-way signal between processes: made before the fork, usable on both sides.
class Gate {
 public:
  Gate();
  void open(char token = '.');  // lets one wait() pass
  // The token given to open(); none when `limit` passed, or nobody is left who could open it.
  [[nodiscard]] std::optional<char> wait(milliseconds limit = kPatience);
  // Each side may give up the end that it does not use, so that the other notices its death.
  void keep_only_waiting() { write_.reset(); }
  void keep_only_opening() { read_.reset(); }

 private:
  UniqueFd read_;
  UniqueFd write_;
};

// Asks `done` again and again, a few milliseconds apart; false when `limit` passed first.
[[nodiscard]] bool eventually(const std::function<bool()>& done, milliseconds limit = kPatience);

}  // namespace cs::test
