// SPDX-License-Identifier: BSD-3-Clause
// The test's side of the harness: start an application, follow its reports, leave nothing behind.
#include "support/sam_process.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "support/proc.h"
#include "support/sam_scenario.h"

namespace cs::test {
namespace {

[[noreturn]] void fail(const std::string& message) { throw std::runtime_error(message); }

std::int64_t in_milliseconds(std::int64_t delay) {
  return monotonic_now() + delay * kNanosecondsPerMillisecond;
}

int poll_until(int fd, std::int64_t deadline) {
  pollfd entry = {fd, POLLIN, 0};
  return ::poll(&entry, 1, Deadline::at(deadline).poll_timeout(monotonic_now()));
}

// Waits for a child with a deadline: a pidfd becomes readable when the process ends.
bool ends_before(pid_t pid, std::int64_t deadline) {
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (pidfd.get() < 0) return errno == ESRCH;
  while (monotonic_now() < deadline) {
    if (poll_until(pidfd.get(), deadline) > 0) return true;
  }
  return false;
}

}  // namespace

std::int64_t patience() noexcept {
  const char* seconds = std::getenv("CS_TEST_PATIENCE");
  return (seconds != nullptr ? std::atol(seconds) : 30) * 1'000'000'000L;
}

bool becomes(char state, pid_t pid) {
  const Deadline end = Deadline::at(monotonic_now() + patience());
  while (proc::state(pid) != state) {
    if (end.has_passed(monotonic_now())) return false;
    ::poll(nullptr, 0, 5);
  }
  return true;
}

SamProcess::SamProcess(const Scenario& scenario) {
  // Instances whose supervisor is gone become ours: they are reaped, and their status is seen.
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) fail("no subreaper");
  int ends[2];
  if (::pipe(ends) != 0) fail("no pipe");
  pipe_.reset(ends[0]);
  UniqueFd reports(ends[1]);
  std::fflush(nullptr);
  root_ = ::fork();
  if (root_ < 0) fail("no process");
  if (root_ == 0) {
    pipe_.reset();
    run_scenario(scenario, reports.release());
  }
  ::setpgid(root_, root_);  // in both processes: whoever comes first
}

SamProcess::~SamProcess() { end_group(); }

void SamProcess::end_group() {
  const std::int64_t deadline = monotonic_now() + patience();
  while (::kill(-root_, SIGKILL) == 0 || !root_reaped_) {
    int status = 0;
    const pid_t pid = ::waitpid(-root_, &status, WNOHANG);
    if (pid == root_) root_reaped_ = true;
    if (pid < 0 && errno == ECHILD) root_reaped_ = true;
    if (pid > 0) continue;
    if (monotonic_now() >= deadline) {
      ADD_FAILURE() << "the application's processes cannot be ended";
      return;
    }
    ::poll(nullptr, 0, 1);
  }
}

void SamProcess::check(const Report& report) const {
  if (!report.is("wrong answer")) return;
  ADD_FAILURE() << "instance " << report.instance << ", line " << (report.value >> 32)
                << ": the answer was " << (report.value & 0xffff) << ", not "
                << (report.value >> 16 & 0xffff) << "\n"
                << story();
}

bool SamProcess::receive_until(std::int64_t deadline) {
  Report report;
  if (poll_until(pipe_.get(), deadline) <= 0) return false;
  if (::read(pipe_.get(), &report, sizeof(report)) != sizeof(report)) return false;
  reports_.push_back(report);
  check(report);
  return true;
}

Report SamProcess::wait_for(std::string_view what) {
  const std::int64_t deadline = monotonic_now() + patience();
  do {
    while (consumed_ < reports_.size()) {
      const Report& report = reports_[consumed_++];
      if (report.is(what)) return report;
    }
  } while (receive_until(deadline));
  fail("no report \"" + std::string(what) + "\"\n" + story());
}

bool SamProcess::comes(std::string_view what, int milliseconds) {
  const std::int64_t deadline = in_milliseconds(milliseconds);
  do {
    while (consumed_ < reports_.size()) {
      if (reports_[consumed_++].is(what)) return true;
    }
  } while (receive_until(deadline));
  return false;
}

void SamProcess::follow(int milliseconds) {
  const std::int64_t deadline = in_milliseconds(milliseconds);
  while (receive_until(deadline)) {
  }
}

void SamProcess::expect_none(std::string_view what, int milliseconds) {
  follow(milliseconds);
  EXPECT_EQ(count(what), 0U) << "unwanted \"" << what << "\"\n" << story();
}

std::size_t SamProcess::count(std::string_view what) const {
  std::size_t found = 0;
  for (const Report& report : reports_) found += report.is(what) ? 1U : 0U;
  return found;
}

int SamProcess::wait_for_end() {
  if (!ends_before(root_, monotonic_now() + patience())) {
    fail("the supervisor does not end\n" + story());
  }
  int status = 0;
  if (::waitpid(root_, &status, 0) != root_) fail("the supervisor cannot be reaped");
  root_reaped_ = true;
  while (receive_until(monotonic_now())) {
  }
  EXPECT_NE(::kill(-root_, 0), 0) << "processes outlive the supervisor\n" << story();
  return status;
}

void SamProcess::expect_exit_code(int code) {
  const int status = wait_for_end();
  EXPECT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status) << "\n" << story();
  EXPECT_EQ(WEXITSTATUS(status), code) << story();
}

int SamProcess::wait_for_orphan(pid_t pid) {
  if (!ends_before(root_, monotonic_now() + patience())) fail("the supervisor does not end");
  if (::waitpid(root_, nullptr, 0) == root_) root_reaped_ = true;
  int status = 0;
  if (!ends_before(pid, monotonic_now() + patience())) fail("the orphan lives on\n" + story());
  if (::waitpid(pid, &status, 0) != pid) fail("the orphan cannot be reaped");
  while (receive_until(monotonic_now())) {
  }
  return status;
}

void SamProcess::signal_group(int signal) const { ::kill(-root_, signal); }

std::string SamProcess::story() const {
  constexpr std::size_t kMost = 60;
  const std::size_t first = reports_.size() > kMost ? reports_.size() - kMost : 0;
  std::string text = first > 0 ? "last reports:\n" : "reports:\n";
  for (std::size_t i = first; i < reports_.size(); ++i) {
    const Report& report = reports_[i];
    text += "  " + std::to_string((report.time - reports_.front().time) / 1'000'000) +
            " ms, instance " + std::to_string(report.instance) + ", pid " +
            std::to_string(report.pid) + (report.pid == root_ ? " (supervisor)" : "") + ": " +
            report.what + " " + std::to_string(report.value) + "\n";
  }
  return text;
}

}  // namespace cs::test
