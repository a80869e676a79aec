// SPDX-License-Identifier: BSD-3-Clause
// Instances that become daemons after sam_register: the process that goes on is the active process.
// Cases of the suite SamDaemonizedBeyondStock fail with the distribution's library.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcntl.h>

#include <ostream>

#include <gtest/gtest.h>

#include "support/child.h"
#include "support/proc.h"
#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kQuit = SAM_RECOVERY_POLICY_QUIT;
constexpr int kRestart = SAM_RECOVERY_POLICY_RESTART;
constexpr int kInterval = 500;

// As daemon(3), but that the standard streams stay; once more, so that it has no terminal ever.
void become_daemon(bool twice) {
  app::expect_that(::daemon(1, 1) == 0);
  if (!twice) return;
  const pid_t pid = ::fork();
  app::expect_that(pid >= 0);
  if (pid > 0) ::_exit(0);
}

// Where in its life an application does it, and how.
struct Way {
  const char* name;
  int interval;
  bool before_start;
  bool twice;
};

std::ostream& operator<<(std::ostream& out, const Way& way) { return out << way.name; }

constexpr Way kWays[] = {
    {"BeforeStart", 0, true, false},     {"BeforeStartWithInterval", kInterval, true, false},
    {"AfterStart", 0, false, false},     {"AfterStartWithInterval", kInterval, false, false},
    {"TwiceBeforeStart", 0, true, true}, {"TwiceAfterStartWithInterval", kInterval, false, true},
};

// A started daemon, which reports "at work".
unsigned enter_as_daemon(const Way& way, int policy) {
  const unsigned id = app::enter(way.interval, policy);
  if (!way.before_start) app::expect_ok(sam_start());
  become_daemon(way.twice);
  if (way.before_start) app::expect_ok(sam_start());
  app::report("at work", id);
  return id;
}

// One that is dead, whoever is to reap it. Stock goes on as soon as its descriptors are closed.
bool is_dead(pid_t pid) {
  return eventually([=] { return proc::state(pid) == 0 || proc::state(pid) == 'Z'; },
                    milliseconds(patience() / 1'000'000));
}

class SamDaemonized : public testing::TestWithParam<Way> {};

TEST_P(SamDaemonized, ItsCrashBringsTheNextInstance) {
  SamProcess application([way = GetParam()] {
    const unsigned id = enter_as_daemon(way, kRestart);
    app::send_health_checks(10, 100);
    if (id < 4) app::die_by(SIGSEGV);
    app::stay_healthy(10);
  });
  pid_t last = 0;
  for (int id = 1; id <= 4; ++id) {
    const Report daemon = application.wait_for("at work");
    EXPECT_EQ(daemon.value, id);
    EXPECT_NE(daemon.pid, last);
    EXPECT_TRUE(last == 0 || is_dead(last)) << "two copies at work";
    last = daemon.pid;
  }
  application.follow(2 * kInterval);
  EXPECT_EQ(application.count("at work"), 4U) << application.story();
  EXPECT_NE(proc::state(last), 'Z');
  EXPECT_NE(proc::state(last), 0);
}

TEST_P(SamDaemonized, ItsOrderlyEndEndsTheSupervisor) {
  for (const bool by_finalize : {true, false}) {
    SamProcess application([way = GetParam(), by_finalize] {
      enter_as_daemon(way, kRestart);
      app::expect_ok(sam_hc_send());
      app::expect_ok(by_finalize ? sam_finalize() : sam_stop());
      ::_exit(0);
    });
    application.wait_for("at work");
    application.expect_exit_code(0);
    EXPECT_EQ(application.count("registered"), 1U);
  }
}

TEST_P(SamDaemonized, ItsDeathUnderQuitEndsTheSupervisor) {
  SamProcess application([way = GetParam()] {
    enter_as_daemon(way, kQuit);
    app::die_by(SIGKILL);
  });
  application.wait_for("at work");
  application.expect_exit_code(0);
  EXPECT_EQ(application.count("registered"), 1U);
}

TEST_P(SamDaemonized, DoesAllThatAnActiveProcessDoes) {
  SamProcess application([way = GetParam()] {
    const unsigned id = enter_as_daemon(way, kRestart);
    unsigned stored = 0;
    app::expect_ok(sam_data_restore(&stored, sizeof(stored)));
    app::expect_that(stored == id - 1);
    app::expect_ok(sam_data_store(&id, sizeof(id)));
    app::expect_ok(sam_warn_signal_set(SIGUSR1));
    app::expect_ok(sam_stop());
    app::expect_ok(sam_start());
    app::expect_ok(sam_hc_send());
    app::report("done", id);
    if (id < 3) app::die_by(SIGKILL);
    app::expect_ok(sam_finalize());
    ::_exit(0);
  });
  for (int id = 1; id <= 3; ++id) EXPECT_EQ(application.wait_for("done").value, id);
  application.expect_exit_code(0);
}

INSTANTIATE_TEST_SUITE_P(By, SamDaemonized, testing::ValuesIn(kWays),
                         [](const auto& way) { return way.param.name; });

// The parent waits until the daemon is ready, as a start script wants it.
TEST(SamDaemonizedWithAParentThatWaits, IsTheActiveProcess) {
  SamProcess application([] {
    const unsigned id = app::enter(kInterval, kRestart);
    int ready[2];
    app::expect_that(::pipe2(ready, O_CLOEXEC) == 0);
    if (::fork() > 0) {
      char byte;
      app::expect_that(::read(ready[0], &byte, 1) == 1);
      ::_exit(0);
    }
    app::expect_ok(sam_start());
    app::send_health_checks(10, 100);
    app::report("at work", id);
    app::expect_that(::write(ready[1], "r", 1) == 1);
    app::send_health_checks(10, 100);
    if (id < 3) app::die_by(SIGSEGV);
    app::stay_healthy(10);
  });
  for (int id = 1; id <= 3; ++id) EXPECT_EQ(application.wait_for("at work").value, id);
  application.follow(2 * kInterval);
  EXPECT_EQ(application.count("at work"), 3U) << application.story();
}

constexpr Way kTimedWays[] = {
    {"BeforeStart", kInterval, true, false},
    {"AfterStart", kInterval, false, false},
    {"TwiceAfterStart", kInterval, false, true},
};

class SamDaemonizedBeyondStock : public testing::TestWithParam<Way> {};

// Stock signals the daemon's parent, which is dead.
TEST_P(SamDaemonizedBeyondStock, ItsHangIsWarnedThenKilledThenTheNextInstance) {
  SamProcess application([way = GetParam()] {
    app::handle(SIGTERM, app::report_warning);
    const unsigned id = enter_as_daemon(way, kRestart);
    app::send_health_checks(10, 100);
    if (id < 3) app::sleep_forever();
    app::stay_healthy(10);
  });
  for (int id = 1; id <= 2; ++id) {
    const Report daemon = application.wait_for("at work");
    EXPECT_EQ(daemon.value, id);
    EXPECT_EQ(application.wait_for("warned").pid, daemon.pid);
    EXPECT_EQ(application.wait_for("registered").value, id + 1);
    EXPECT_TRUE(is_dead(daemon.pid)) << "two copies at work";
  }
  EXPECT_EQ(application.wait_for("at work").value, 3);
  application.follow(2 * kInterval);
  EXPECT_EQ(application.count("warned"), 2U) << application.story();
}

// It calls nothing of SAM once it is one.
TEST_P(SamDaemonizedBeyondStock, HangAtOnceIsFoundToo) {
  SamProcess application([way = GetParam()] {
    const unsigned id = app::enter(way.interval, kRestart);
    app::handle(SIGTERM, app::report_warning);
    app::expect_ok(sam_start());
    become_daemon(way.twice);
    app::report("at work", id);
    if (id == 1) app::sleep_forever();
    app::stay_healthy(10);
  });
  const Report daemon = application.wait_for("at work");
  EXPECT_EQ(application.wait_for("warned").pid, daemon.pid);
  EXPECT_EQ(application.wait_for("at work").value, 2);
  EXPECT_TRUE(is_dead(daemon.pid)) << "two copies at work";
}

TEST_P(SamDaemonizedBeyondStock, ItsCrashIsNoticedThoughAHelperLives) {
  SamProcess application([way = GetParam()]() mutable {
    way.interval = 0;  // or stock would take it for a hang, in the end
    const unsigned id = enter_as_daemon(way, kRestart);
    if (id == 1) {
      if (::fork() == 0) app::sleep_forever();
      app::die_by(SIGKILL);
    }
    app::stay_healthy(10);
  });
  EXPECT_EQ(application.wait_for("at work").value, 1);
  EXPECT_EQ(application.wait_for("at work").value, 2);
}

INSTANTIATE_TEST_SUITE_P(By, SamDaemonizedBeyondStock, testing::ValuesIn(kTimedWays),
                         [](const auto& way) { return way.param.name; });

// It has told SAM already which process it is, and becomes a daemon once more.
TEST(SamDaemonizedAgain, IsTheActiveProcess) {
  SamProcess application([] {
    const unsigned id = app::enter(0, kRestart);
    become_daemon(false);
    app::expect_ok(sam_start());
    app::pause_for(20);
    become_daemon(true);
    app::report("at work", id);
    app::pause_for(50);
    if (id < 3) app::die_by(SIGKILL);
    app::expect_ok(sam_finalize());
    ::_exit(0);
  });
  for (int id = 1; id <= 3; ++id) EXPECT_EQ(application.wait_for("at work").value, id);
  application.expect_exit_code(0);
  EXPECT_EQ(application.count("at work"), 3U) << application.story();
}

// The hang of a daemon whose parent waits yet: neither of them stays beside the next instance.
TEST(SamDaemonizedWithAParentThatWaitsBeyondStock, HangEndsBoth) {
  SamProcess application([] {
    const unsigned id = app::enter(kInterval, kRestart);
    const pid_t parent = ::getpid();
    if (id == 1 && ::fork() > 0) app::sleep_forever();
    app::expect_ok(sam_start());
    app::report("at work", id);
    app::report("parent", parent);
    if (id == 1) app::sleep_forever();
    app::stay_healthy(10);
  });
  const Report daemon = application.wait_for("at work");
  const auto parent = static_cast<pid_t>(application.wait_for("parent").value);
  EXPECT_EQ(application.wait_for("at work").value, 2);
  EXPECT_TRUE(is_dead(daemon.pid));
  EXPECT_TRUE(is_dead(parent));
}

}  // namespace
}  // namespace cs::test
