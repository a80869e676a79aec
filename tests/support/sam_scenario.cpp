// SPDX-License-Identifier: BSD-3-Clause
// The application's side of the harness: what runs in the processes under test. Nothing here uses
// GoogleTest: a child that fails says so in a report and leaves with _exit.
#include "support/sam_scenario.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/clock.h"
#include "support/proc.h"
#include "support/sam_process.h"

namespace cs::test {
namespace {

int report_pipe = -1;
pid_t root = -1;
unsigned int instance = 0;

// An instance whose test is gone (the pipe has no reader) has nothing left to live for.
void wait_up_to(int milliseconds) noexcept {
  pollfd entry = {report_pipe, 0, 0};
  if (::poll(&entry, 1, milliseconds) > 0 && (entry.revents & POLLERR) != 0) ::_exit(0);
}

}  // namespace

void run_scenario(const std::function<void()>& scenario, int report_fd) noexcept {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  rlimit no_core{};
  ::getrlimit(RLIMIT_CORE, &no_core);
  no_core.rlim_cur = 0;  // a test may want one after all
  ::setrlimit(RLIMIT_CORE, &no_core);
  report_pipe = report_fd;
  root = ::getpid();
  scenario();
  ::_exit(0);
}

namespace app {

int report_fd() noexcept { return report_pipe; }
pid_t supervisor() noexcept { return root; }

void report(const char* what, std::int64_t value) noexcept {
  Report report = {};
  report.time = monotonic_now();
  report.value = value;
  report.pid = ::getpid();
  report.instance = instance;
  std::strncpy(report.what, what, sizeof(report.what) - 1);
  // Below PIPE_BUF: all or nothing. A test that is gone is no longer interested.
  if (::write(report_pipe, &report, sizeof(report)) < 0) ::_exit(kBrokenExpectation);
}

void expect(cs_error_t actual, cs_error_t expected, int line) noexcept {
  if (actual == expected) return;
  report("wrong answer", static_cast<std::int64_t>(line) << 32 |
                             static_cast<std::int64_t>(expected) << 16 | actual);
  ::_exit(kBrokenExpectation);
}

void expect_ok(cs_error_t actual, int line) noexcept { expect(actual, CS_OK, line); }

void expect_that(bool holds, int line) noexcept {
  expect(holds ? CS_OK : CS_ERR_LIBRARY, CS_OK, line);
}

unsigned int register_instance(int line) noexcept {
  unsigned int id = 0;
  const cs_error_t result = sam_register(&id);
  if (::getpid() == root) {
    report("returned in supervisor", result);
    ::_exit(kBrokenExpectation);
  }
  expect(result, CS_OK, line);
  instance = id;
  report("registered", id);
  return id;
}

unsigned int enter(int interval, int policy, int line) noexcept {
  expect(sam_initialize(interval, static_cast<sam_recovery_policy_t>(policy)), CS_OK, line);
  return register_instance(line);
}

void die_by(int signal) noexcept {
  ::signal(signal, SIG_DFL);  // a sanitizer may have its own handler
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, signal);
  sigprocmask(SIG_UNBLOCK, &mask, nullptr);
  ::kill(::getpid(), signal);
  sleep_forever();
}

void sleep_forever() noexcept {
  for (;;) wait_up_to(-1);
}

void pause_for(int milliseconds) noexcept {
  const Deadline deadline = Deadline::in_milliseconds(milliseconds);
  for (;;) {
    const Nanoseconds now = monotonic_now();
    if (deadline.has_passed(now)) return;
    wait_up_to(deadline.poll_timeout(now));
  }
}

void send_health_checks(int period_ms, int duration_ms) noexcept {
  const Deadline deadline = Deadline::in_milliseconds(duration_ms);
  while (!deadline.has_passed(monotonic_now())) {
    expect_ok(sam_hc_send());
    pause_for(period_ms);
  }
}

void stay_healthy(int period_ms) noexcept {
  for (;;) {
    expect_ok(sam_hc_send());
    pause_for(period_ms);
  }
}

void handle(int signal, void (*handler)(int)) noexcept {
  struct sigaction action = {};
  action.sa_handler = handler;
  ::sigaction(signal, &action, nullptr);
}

void every_100_microseconds(void (*handler)(int)) noexcept {
  handle(SIGALRM, handler);
  const itimerval timer = {{0, 100}, {0, 100}};
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

void no_more_alarms() noexcept {
  const itimerval timer = {};
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

void stop_supervisor() noexcept {
  ::kill(root, SIGSTOP);
  while (proc::state(root) != 'T') pause_for(1);
}

void resume_supervisor() noexcept { ::kill(root, SIGCONT); }

void make_orphans(int count) noexcept {
  for (int i = 0; i < count; ++i) {
    const pid_t parent = ::fork();
    if (parent == 0) {
      if (::fork() == 0) {
        pause_for(30);
        report("orphan ends");
      }
      ::_exit(0);
    }
    while (::waitpid(parent, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

void report_warning(int signal) noexcept { report("warned", signal); }

void reap_all(int) noexcept {
  const int error = errno;
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  errno = error;
}

}  // namespace app
}  // namespace cs::test
