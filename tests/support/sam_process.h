// SPDX-License-Identifier: BSD-3-Clause
// Runs one SAM application as a case of its own. SAM's state is global and final, and sam_register
// forks, so every case gets a fresh process (which becomes the supervisor) in a fresh process
// group; it and its instances tell the test what they see through a pipe, and nothing survives the
// case.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <corosync/corotypes.h>
#include <corosync/sam.h>

#include "common/unique_fd.h"

namespace cs::test {

// What a process of the application saw. Written in one piece, so that reports never mix.
struct Report {
  std::int64_t time;  // CLOCK_MONOTONIC, nanoseconds
  std::int64_t value;
  pid_t pid;
  std::uint32_t instance;  // 0 before sam_register
  char what[40];

  [[nodiscard]] bool is(std::string_view name) const { return name == what; }
};

// The application's side: for use inside a scenario only, from signal handlers too.
namespace app {

inline constexpr int kBrokenExpectation = 99;  // exit code after a call returned the wrong thing

void report(const char* what, std::int64_t value = 0) noexcept;
[[nodiscard]] int report_fd() noexcept;
[[nodiscard]] pid_t supervisor() noexcept;  // the process that runs the scenario at first

// A call that does not answer as expected is reported, with its line, and ends the process.
void expect(cs_error_t actual, cs_error_t expected, int line = __builtin_LINE()) noexcept;
void expect_ok(cs_error_t actual, int line = __builtin_LINE()) noexcept;
void expect_that(bool holds, int line = __builtin_LINE()) noexcept;

// sam_initialize and sam_register; reports "registered" with the instance id, which it returns.
// Should sam_register ever return in the supervisor, that is reported as "returned in supervisor".
unsigned int enter(int interval, int policy, int line = __builtin_LINE()) noexcept;
unsigned int register_instance(int line = __builtin_LINE()) noexcept;

[[noreturn]] void die_by(int signal) noexcept;  // with the default disposition, without a core file
[[noreturn]] void sleep_forever() noexcept;
[[noreturn]] void stay_healthy(int period_ms) noexcept;  // health checks for ever
void send_health_checks(int period_ms, int duration_ms) noexcept;
void pause_for(int milliseconds) noexcept;  // not cut short by signals
void handle(int signal, void (*handler)(int)) noexcept;
void every_100_microseconds(void (*handler)(int)) noexcept;  // by SIGALRM
void no_more_alarms() noexcept;

void stop_supervisor() noexcept;  // it is stopped when this returns, and answers nothing
void resume_supervisor() noexcept;
// Grandchildren whose parents are gone; each reports "orphan ends" when it does.
void make_orphans(int count) noexcept;

// Handlers: of the warn signal, which is reported as "warned"; of SIGCHLD.
void report_warning(int signal) noexcept;
void reap_all(int signal) noexcept;

}  // namespace app

class SamProcess {
 public:
  using Scenario = std::function<void()>;

  explicit SamProcess(const Scenario& scenario);
  ~SamProcess();  // ends all that is left of the application
  SamProcess(const SamProcess&) = delete;
  SamProcess& operator=(const SamProcess&) = delete;

  [[nodiscard]] pid_t supervisor() const { return root_; }
  [[nodiscard]] const std::vector<Report>& reports() const { return reports_; }

  // The next report of that name; those before it stay in reports() only. Throws (which fails the
  // case, and shows what was reported) once patience() is over or the application has ended.
  Report wait_for(std::string_view what);
  // The next report of that name if it comes within that time, without complaint if it does not.
  [[nodiscard]] bool comes(std::string_view what, int milliseconds);
  void follow(int milliseconds);  // takes in reports for that long
  // The same, and fails the case if one of that name is or was among them.
  void expect_none(std::string_view what, int milliseconds);
  [[nodiscard]] std::size_t count(std::string_view what) const;

  // Wait status of the supervisor. Throws if it does not end, fails the case if others outlive it.
  int wait_for_end();
  void expect_exit_code(int code);
  // Wait status of an instance whose supervisor is gone.
  int wait_for_orphan(pid_t pid);
  void signal_group(int signal) const;
  [[nodiscard]] std::string story() const;  // all reports, for failure messages

 private:
  bool receive_until(std::int64_t deadline);  // one report; false if none came, or at the end
  void check(const Report& report) const;
  void end_group();

  pid_t root_ = -1;
  bool root_reaped_ = false;
  UniqueFd pipe_;
  std::vector<Report> reports_;
  std::size_t consumed_ = 0;
};

// How long a test waits for what must come: 30 s, or CS_TEST_PATIENCE seconds.
[[nodiscard]] std::int64_t patience() noexcept;  // nanoseconds

// Waits as long for a process to be in that state: R, S, T, Z and so on.
[[nodiscard]] bool becomes(char state, pid_t pid);

}  // namespace cs::test
