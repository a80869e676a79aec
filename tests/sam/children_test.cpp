// SPDX-License-Identifier: BSD-3-Clause
// SIGCHLD and the supervisor's other children: helpers from before sam_register, orphans, and the
// application's handler for them. Cases of a suite *BeyondStock fail with the distribution's
// library.
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "support/child.h"
#include "support/proc.h"
#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kQuit = SAM_RECOVERY_POLICY_QUIT;
constexpr int kRestart = SAM_RECOVERY_POLICY_RESTART;

volatile pid_t g_helper = 0;

void start_helper() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    g_helper = 0;
    app::sleep_forever();
  }
  g_helper = pid;
  app::report("helper", pid);
}

void restart_helper(int) {
  const int error = errno;
  pid_t pid;
  while ((pid = ::waitpid(-1, nullptr, WNOHANG)) > 0) {
    if (pid == g_helper) start_helper();
  }
  errno = error;
}

void restart_helper_by_info(int, siginfo_t* info, void*) {
  if (info->si_pid != g_helper || ::waitpid(g_helper, nullptr, WNOHANG) != g_helper) return;
  app::expect_that(info->si_code == CLD_KILLED && info->si_status == SIGKILL);
  start_helper();
}

void restart_helper_and_install_again(int number) {
  ::signal(number, restart_helper_and_install_again);
  restart_helper(number);
}

[[noreturn]] void work(int interval = 0) {
  app::enter(interval, kRestart);
  app::expect_ok(sam_start());
  app::report("started");
  app::stay_healthy(20);
}

bool is_gone(pid_t pid) {
  return eventually([=] { return proc::state(pid) == 0; }, milliseconds(patience() / 1'000'000));
}

bool ends_with(pid_t child, int& status) {
  return eventually([&] { return ::waitpid(child, &status, WNOHANG) == child; },
                    milliseconds(patience() / 1'000'000));
}

void expect_no_zombies_of(pid_t process) {
  EXPECT_TRUE(eventually([=] { return proc::count_zombies_of(process) == 0; },
                         milliseconds(patience() / 1'000'000)));
}

TEST(SamChildren, AreNoZombiesWhereSigchldIsIgnored) {
  SamProcess application([] {
    ::signal(SIGCHLD, SIG_IGN);
    start_helper();
    work();
  });
  const auto helper = static_cast<pid_t>(application.wait_for("helper").value);
  const Report active = application.wait_for("started");
  ::kill(helper, SIGKILL);
  EXPECT_TRUE(is_gone(helper));
  application.follow(100);
  EXPECT_EQ(application.count("started"), 1U);
  EXPECT_TRUE(proc::exists(active.pid));
}

// The helper is killed again and again, and started by the handler each time, in the supervisor.
void expect_handler_restarts(const SamProcess::Scenario& install, bool sees_the_info = false) {
  SamProcess application([install] {
    install();
    start_helper();
    work();
  });
  auto helper = static_cast<pid_t>(application.wait_for("helper").value);
  const Report active = application.wait_for("started");
  for (int round = 0; round < 10; ++round) {
    ::kill(helper, SIGKILL);
    const Report next = application.wait_for("helper");
    EXPECT_EQ(next.pid, application.supervisor());
    EXPECT_TRUE(is_gone(helper));
    helper = static_cast<pid_t>(next.value);
  }
  EXPECT_EQ(application.count("started"), 1U) << application.story();
  EXPECT_TRUE(proc::exists(active.pid));
  // Supervision has not suffered; where the handler reaps by number it is as with stock.
  ::kill(active.pid, SIGKILL);
  application.wait_for("started");
  if (sees_the_info) return;
  expect_no_zombies_of(application.supervisor());
}

TEST(SamChildren, AreRestartedByAHandler) {
  expect_handler_restarts([] { app::handle(SIGCHLD, restart_helper); });
}

TEST(SamChildren, AreRestartedByAHandlerThatInstallsItselfAgain) {
  expect_handler_restarts([] { ::signal(SIGCHLD, restart_helper_and_install_again); });
}

TEST(SamChildren, AreRestartedByAHandlerThatLooksAtTheSignal) {
  expect_handler_restarts(
      [] {
        struct sigaction action = {};
        action.sa_sigaction = restart_helper_by_info;
        action.sa_flags = SA_SIGINFO | SA_NOCLDSTOP | SA_RESTART;
        ::sigaction(SIGCHLD, &action, nullptr);
      },
      true);
}

// As a main program that has one helper waited for by number, and no other children.
TEST(SamChildren, OfTheInstanceAreItsOwn) {
  SamProcess application([] {
    app::handle(SIGCHLD, [](int) { app::report("handler"); });
    app::enter(0, kRestart);
    app::expect_ok(sam_start());
    const pid_t child = ::fork();
    if (child == 0) ::_exit(5);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) app::expect_that(errno == EINTR);
    app::expect_that(WIFEXITED(status) && WEXITSTATUS(status) == 5);
    app::report("done");
    app::sleep_forever();
  });
  const Report handler = application.wait_for("handler");
  EXPECT_NE(handler.pid, application.supervisor());
  EXPECT_EQ(application.wait_for("done").pid, handler.pid);
}

constexpr int kOrphans = 30;

// Orphans come to a subreaper, as they do to the first process of a container.
void expect_orphans_are_reaped(void (*handler)(int)) {
  SamProcess application([handler] {
    app::handle(SIGCHLD, handler);
    app::expect_that(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    app::enter(0, kRestart);
    app::expect_ok(sam_start());
    app::make_orphans(kOrphans);
    app::report("made");
    app::sleep_forever();
  });
  for (int i = 0; i < kOrphans; ++i) application.wait_for("orphan ends");
  expect_no_zombies_of(application.supervisor());
  EXPECT_EQ(application.count("registered"), 1U);
}

TEST(SamChildren, OrphansAreReapedWhereSigchldIsIgnored) { expect_orphans_are_reaped(SIG_IGN); }
TEST(SamChildren, OrphansAreReapedByAHandler) { expect_orphans_are_reaped(app::reap_all); }
TEST(SamChildrenBeyondStock, OrphansAreReapedInAnyCase) { expect_orphans_are_reaped(SIG_DFL); }

// Takes its time, so that others die meanwhile.
void reap_all_slowly(int) {
  app::reap_all(0);
  ::poll(nullptr, 0, 3);
  app::reap_all(0);
}

constexpr int kHelpers = 5;
bool finds_all_dead(int round) { return round % 3 == 0; }

// Helpers from before sam_register, the first of which ends in the middle of the others' lives.
[[noreturn]] void die_among_helpers(int round) {
  pid_t helpers[kHelpers];
  app::handle(SIGCHLD, reap_all_slowly);
  for (pid_t& helper : helpers) {
    helper = ::fork();
    if (helper == 0) app::sleep_forever();
  }
  app::enter(0, kQuit);
  app::expect_ok(sam_start());
  const bool at_once = finds_all_dead(round);
  if (at_once) app::stop_supervisor();
  for (const pid_t helper : helpers) {
    ::kill(helper, SIGKILL);
    if (helper == helpers[0] && !at_once) app::pause_for(round % 3);
  }
  app::report("dying");
  ::_exit(7);
}

// The handler waits for any child, again and again, while all of them die.
TEST(SamChildrenBeyondStock, ExitCodeOfTheInstanceIsNotLostAmongOthers) {
  for (int round = 0; round < 90; ++round) {
    SamProcess application([round] { die_among_helpers(round); });
    application.wait_for("dying");
    // Not to one that runs: what looks for leaks at its end has stopped it, and waits for that.
    if (finds_all_dead(round)) ::kill(application.supervisor(), SIGCONT);
    // The harness would complain of the helpers' zombies, which have just become ours.
    int status = 0;
    ASSERT_TRUE(ends_with(application.supervisor(), status));
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << round << ": " << status;
  }
}

TEST(SamChildrenBeyondStock, NoChildWaitLosesNoExitCode) {
  SamProcess application([] {
    struct sigaction action = {};
    action.sa_handler = SIG_DFL;
    action.sa_flags = SA_NOCLDWAIT;
    ::sigaction(SIGCHLD, &action, nullptr);
    app::enter(0, kQuit);
    app::expect_ok(sam_start());
    ::_exit(7);
  });
  application.expect_exit_code(7);
}

void report_state_of_sigchld() {
  sigset_t mask;
  struct sigaction action;
  ::sigprocmask(SIG_SETMASK, nullptr, &mask);
  ::sigaction(SIGCHLD, nullptr, &action);
  app::expect_that(sigismember(&mask, SIGCHLD) == 0);
  app::expect_that(action.sa_handler == app::reap_all);
}

// A handler of the supervisor forks a process that is none of SAM's, and keeps nothing of it.
TEST(SamChildren, WhatAHandlerForksInTheSupervisorIsAProcessOfItsOwn) {
  SamProcess application([] {
    app::handle(SIGCHLD, app::reap_all);
    app::handle(SIGUSR1, [](int) {
      if (::fork() != 0) return;
      report_state_of_sigchld();
      app::report("forked");
      app::sleep_forever();
    });
    app::enter(0, kRestart);
    app::expect_ok(sam_start());
    app::report("started");
    app::sleep_forever();
  });
  const Report active = application.wait_for("started");
  ::kill(application.supervisor(), SIGUSR1);
  application.wait_for("forked");
  ::kill(active.pid, SIGKILL);
  application.wait_for("started");
}

// It holds the pipes of SAM as long as it lives, in stock, and so no end is seen.
TEST(SamChildrenBeyondStock, WhatAHandlerForksInTheSupervisorHidesNoEnd) {
  SamProcess application([] {
    app::handle(SIGUSR1, [](int) {
      if (::fork() != 0) return;
      app::report("forked");
      app::sleep_forever();
    });
    app::handle(SIGUSR2, [](int) { ::_exit(0); });
    const unsigned id = app::enter(0, kRestart);
    if (id == 3) app::handle(SIGPIPE, [](int) { app::report("SIGPIPE"); });
    app::expect_ok(sam_start());
    app::report("started", id);
    app::stay_healthy(10);
  });
  for (int id = 1; id <= 2; ++id) {
    const Report active = application.wait_for("started");
    ::kill(application.supervisor(), SIGUSR1);
    application.wait_for("forked");
    ::kill(active.pid, SIGUSR2);  // exits with 0
  }
  const Report active = application.wait_for("started");
  EXPECT_EQ(active.value, 3);
  ::kill(application.supervisor(), SIGUSR1);
  application.wait_for("forked");
  ::kill(application.supervisor(), SIGKILL);
  EXPECT_EQ(application.wait_for("SIGPIPE").pid, active.pid);
}

// The command cannot be executed, and the handler returns, in a process that has no business there.
TEST(SamChildrenBeyondStock, HandlerThatReturnsInWhatItForkedMakesNoSecondSupervisor) {
  SamProcess application([] {
    app::handle(SIGUSR1, [](int) {
      const int before = errno;
      if (::fork() == 0) {
        ::execl("/nonexistent", "nonexistent", static_cast<char*>(nullptr));
        app::report("forked");
      }
      errno = before;
    });
    app::enter(0, kRestart);
    app::expect_ok(sam_start());
    app::report("started");
    app::sleep_forever();
  });
  const Report active = application.wait_for("started");
  ::kill(application.supervisor(), SIGUSR1);
  const Report copy = application.wait_for("forked");
  EXPECT_TRUE(eventually([&] { return proc::state(copy.pid) == 'Z' || proc::state(copy.pid) == 0; },
                         milliseconds(patience() / 1'000'000)));
  EXPECT_TRUE(proc::exists(active.pid));
  ::kill(active.pid, SIGKILL);
  application.wait_for("started");
}

// A debugger has the dead instance first.
TEST(SamTracer, ThatHoldsADeadInstanceCostsTheSupervisorNoTime) {
  SamProcess application([] { work(); });
  const Report active = application.wait_for("started");
  Gate seized, release;
  Child tracer = Child::run([&] {
    if (::ptrace(PTRACE_SEIZE, active.pid, 0, 0) != 0) return 1;
    seized.open();
    (void)release.wait();
    return 0;
  });
  ASSERT_TRUE(seized.wait());
  ::kill(active.pid, SIGKILL);
  ASSERT_TRUE(eventually([&] { return proc::state(active.pid) == 'Z'; }));
  application.follow(100);  // it settles
  const std::int64_t before = proc::processor_time(application.supervisor());
  application.follow(500);
  const std::int64_t used = proc::processor_time(application.supervisor()) - before;
  EXPECT_LT(used, 100 * kNanosecondsPerMillisecond);
  EXPECT_EQ(application.count("started"), 1U) << application.story();
  release.open();
  EXPECT_EQ(application.wait_for("started").instance, 2U);
  EXPECT_TRUE(tracer.wait().exited_with(0));
}

}  // namespace
}  // namespace cs::test
