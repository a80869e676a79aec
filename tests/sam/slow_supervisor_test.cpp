// SPDX-License-Identifier: BSD-3-Clause
// A supervisor that is held up in each of its waits, as on a machine that has too much to do: a
// process that checks every millisecond is healthy all the same, and one that stops is not.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "support/sam_process.h"

namespace cs::test {
namespace {

constinit std::atomic<pid_t> g_slow = 0;  // the supervisor

// Between what the kernel has to say and who asked.
void hold_up() {
  if (g_slow.load() == 0 || ::getpid() != g_slow.load()) return;
  const timespec delay = {0, 10'000'000};
  ::nanosleep(&delay, nullptr);
}

}  // namespace
}  // namespace cs::test

// In place of libc's, for the libraries too. The delay comes before the call, and so between a
// clock that was read before it and what it brings.
extern "C" ssize_t read(int fd, void* buffer, size_t size) {
  cs::test::hold_up();
  return ::syscall(SYS_read, fd, buffer, size);
}

extern "C" int ppoll(pollfd* entries, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  timespec left = timeout != nullptr ? *timeout : timespec{};
  cs::test::hold_up();
  return static_cast<int>(
      ::syscall(SYS_ppoll, entries, count, timeout != nullptr ? &left : nullptr, mask, _NSIG / 8));
}

extern "C" int poll(pollfd* entries, nfds_t count, int timeout_ms) {
  const timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1'000'000L};
  return ppoll(entries, count, timeout_ms < 0 ? nullptr : &timeout, nullptr);
}

namespace cs::test {
namespace {

constexpr int kInterval = 500;

// Warnings that come before the end, in a process that gives signs of life so often.
std::size_t warnings_of_a_healthy_process(cs_error_t (*sign_of_life)(), int period_ms) {
  SamProcess application([sign_of_life, period_ms] {
    g_slow = app::supervisor();
    app::handle(SIGTERM, app::report_warning);
    app::enter(kInterval, SAM_RECOVERY_POLICY_RESTART);
    app::expect_ok(sam_start());
    const Deadline end = Deadline::in_milliseconds(3 * kInterval);
    while (!end.has_passed(monotonic_now())) {
      app::expect_ok(sign_of_life());
      app::pause_for(period_ms);
    }
    app::report("healthy to the end");
    app::sleep_forever();
  });
  application.wait_for("healthy to the end");
  return application.count("warned");
}

TEST(SamSlowSupervisor, DoesNotMistakeHealthForAHang) {
  EXPECT_EQ(warnings_of_a_healthy_process(sam_hc_send, 1), 0U);
}

TEST(SamSlowSupervisor, DoesNotMistakeWarnSignalsForAHang) {
  EXPECT_EQ(warnings_of_a_healthy_process([] { return sam_warn_signal_set(SIGTERM); }, 40), 0U);
}

TEST(SamSlowSupervisor, FindsAHang) {
  SamProcess application([] {
    g_slow = app::supervisor();
    app::handle(SIGTERM, app::report_warning);
    app::enter(kInterval, SAM_RECOVERY_POLICY_RESTART);
    app::expect_ok(sam_start());
    app::send_health_checks(40, kInterval);
    app::report("silent");
    app::sleep_forever();
  });
  EXPECT_EQ(application.wait_for("silent").instance, 1U);
  EXPECT_EQ(application.wait_for("warned").instance, 1U);
  EXPECT_EQ(application.wait_for("silent").instance, 2U);
}

}  // namespace
}  // namespace cs::test
