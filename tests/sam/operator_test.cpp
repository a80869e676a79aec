// SPDX-License-Identifier: BSD-3-Clause
// Signals that are passed on, what the service manager is told, orphans, warn signal and interval.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sam/operator_support.h"

namespace cs::test {
namespace {

volatile sig_atomic_t g_stop;

void report_hup(int) { app::report("hup"); }
void note_stop(int) {
  app::report("term");
  g_stop = 1;
}

// A daemon with handlers of its own, made before sam_register as most do.
void run_daemon(int policy = kRestart) {
  app::handle(SIGHUP, report_hup);
  app::handle(SIGTERM, note_stop);
  app::enter(kLongInterval, policy);
  app::expect_ok(sam_start());
  app::report("runs");
  while (g_stop == 0) app::pause_for(5);
  app::report("cleaned up");
  ::exit(0);
}

TEST(SamOperatorForward, PassesAReloadOnToTheInstance) {
  SamProcess application([] {
    set("SAM_FORWARD", "TERM,HUP");
    run_daemon();
  });
  const pid_t instance = application.wait_for("runs").pid;
  for (int count = 0; count < 3; ++count) {
    ::kill(application.supervisor(), SIGHUP);
    EXPECT_EQ(application.wait_for("hup").pid, instance);
  }
}

TEST(SamOperatorForward, StopIsAnOrderlyEnd) {
  const LogFile log;
  SamProcess application([&] {
    log.use();
    set("SAM_FORWARD", "TERM");
    run_daemon();
  });
  const pid_t instance = application.wait_for("runs").pid;
  ::kill(application.supervisor(), SIGTERM);
  EXPECT_EQ(application.wait_for("term").pid, instance);
  application.wait_for("cleaned up");
  application.expect_exit_code(0);
  EXPECT_EQ(application.count("registered"), 1U);
  log.expect("end instance=1 reason=\"stop asked by SIGTERM\" exit=0$");
}

// In which it sends no health checks any more.
TEST(SamOperatorForward, LongCleanUpIsNoHang) {
  const LogFile log;
  SamProcess application([&] {
    log.use();
    set("SAM_FORWARD", "TERM");
    app::handle(SIGTERM, note_stop);
    app::enter(1000, kRestart);
    app::expect_ok(sam_start());
    app::report("runs");
    while (g_stop == 0) app::send_health_checks(1, 10);
    app::pause_for(3500);
    app::report("cleaned up");
    ::exit(3);
  });
  application.wait_for("runs");
  ::kill(application.supervisor(), SIGTERM);
  application.wait_for("cleaned up");
  application.expect_exit_code(3);
  EXPECT_EQ(log.count(" (warning|kill) "), 0U) << log.text();
}

// It was started, so without the stop another would follow.
TEST(SamOperatorForward, NothingFollowsAnInstanceThatTheStopHasKilled) {
  for (const int number : {SIGTERM, SIGINT, SIGQUIT}) {
    SamProcess application([] {
      set("SAM_FORWARD", "TERM,INT,QUIT");
      set("SAM_EXIT", "signal");  // as asked for: no failure
      app::enter(kLongInterval, kRestart);
      app::expect_ok(sam_start());
      app::report("runs");
      app::sleep_forever();
    });
    application.wait_for("runs");
    ::kill(application.supervisor(), number);
    application.expect_exit_code(0);
    EXPECT_EQ(application.count("registered"), 1U);
  }
}

TEST(SamOperatorForward, WorksWhateverTheDispositionAndTheMask) {
  SamProcess application([] {
    set("SAM_FORWARD", "TERM,HUP");
    ::signal(SIGHUP, SIG_IGN);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    app::enter(kLongInterval, kRestart);
    // As they were at sam_register.
    struct sigaction found;
    ::sigaction(SIGHUP, nullptr, &found);
    app::expect_that(found.sa_handler == SIG_IGN);
    sigset_t mask;
    ::sigprocmask(SIG_SETMASK, nullptr, &mask);
    app::expect_that(sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGHUP) == 0);
    app::handle(SIGHUP, report_hup);
    app::handle(SIGTERM, note_stop);
    app::expect_ok(sam_start());
    app::report("runs");
    ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
    while (g_stop == 0) app::pause_for(5);
    ::exit(0);
  });
  application.wait_for("runs");
  ::kill(application.supervisor(), SIGHUP);
  application.wait_for("hup");
  ::kill(application.supervisor(), SIGTERM);
  application.wait_for("term");
  application.expect_exit_code(0);
}

TEST(SamOperatorForward, StopWhileTheNextInstanceIsWaitedFor) {
  SamProcess application([] {
    set("SAM_FORWARD", "TERM");
    set("SAM_RESTART_DELAY", "3600000");
    app::enter(kLongInterval, kRestart);
    app::expect_ok(sam_start());
    app::die_by(SIGSEGV);
  });
  application.wait_for("registered");
  EXPECT_TRUE(eventually([&] { return proc::children(application.supervisor()).empty(); }));
  ::kill(application.supervisor(), SIGTERM);
  application.expect_exit_code(0);
}

TEST(SamOperatorForward, ReloadWhileTheNextInstanceIsWaitedForReachesIt) {
  const LogFile log;
  SamProcess application([&] {
    log.use();
    set("SAM_FORWARD", "HUP");
    set("SAM_RESTART_DELAY", "1000");
    app::handle(SIGHUP, report_hup);
    const unsigned id = app::enter(kLongInterval, kRestart);
    app::expect_ok(sam_start());
    if (id == 1) app::die_by(SIGSEGV);
    app::sleep_forever();
  });
  log.expect("death instance=1");
  ::kill(application.supervisor(), SIGHUP);
  EXPECT_EQ(application.wait_for("hup").instance, 2U);
}

TEST(SamOperatorForward, ReloadWhileTheNextInstanceIsWaitedForReachesOneThatDoesNotStart) {
  const LogFile log;
  SamProcess application([&] {
    log.use();
    set("SAM_FORWARD", "HUP");
    set("SAM_RESTART_DELAY", "1000");
    const unsigned id = app::enter(kLongInterval, kRestart);
    app::handle(SIGHUP, report_hup);
    if (id == 1) {
      app::expect_ok(sam_start());
      app::die_by(SIGSEGV);
    }
    app::sleep_forever();
  });
  log.expect("death instance=1");
  ::kill(application.supervisor(), SIGHUP);
  EXPECT_EQ(application.wait_for("hup").instance, 2U);
}

TEST(SamOperatorNotify, TellsWhenTheInstanceHasStarted) {
  NotifySocket manager;
  SamProcess application([&] {
    manager.use();
    const unsigned id = app::enter(kLongInterval, kRestart);
    if (id == 1) {
      app::report("prepares");
      app::pause_for(300);
    }
    app::expect_ok(sam_start());
    app::report("runs");
    if (id == 1) {
      app::pause_for(300);
      app::die_by(SIGSEGV);
    }
    app::sleep_forever();
  });
  application.wait_for("prepares");
  const std::string first = manager.wait_for("STATUS=instance 1, 0 restarts");
  EXPECT_EQ(first.find("READY=1"), std::string::npos) << first;
  EXPECT_EQ(manager.wait_for("READY=1"), "READY=1\nSTATUS=instance 1, 0 restarts");
  EXPECT_EQ(manager.wait_for("instance 2"),
            "READY=1\nSTATUS=instance 2, 1 restart, last: killed by SIGSEGV");
}

TEST(SamOperatorNotify, TellsTheEnd) {
  NotifySocket manager;
  SamProcess application([&] {
    manager.use();
    set("SAM_FORWARD", "TERM");
    run_daemon();
  });
  application.wait_for("runs");
  EXPECT_NE(manager.wait_for("READY=1"), "");
  ::kill(application.supervisor(), SIGTERM);
  EXPECT_NE(manager.wait_for("STOPPING=1"), "");
  application.expect_exit_code(0);
}

TEST(SamOperatorNotify, ShowsLifeUntilTheInstanceIsSilent) {
  NotifySocket manager;
  SamProcess application([&] {
    manager.use();
    set("WATCHDOG_USEC", "200000");
    app::enter(1000, kQuit);
    ::signal(SIGUSR1, SIG_IGN);
    app::expect_ok(sam_warn_signal_set(SIGUSR1));
    app::expect_ok(sam_start());
    app::send_health_checks(10, 1500);
    app::report("silent");
    app::sleep_forever();
  });
  for (int count = 0; count < 3; ++count) EXPECT_NE(manager.wait_for("WATCHDOG=1"), "");
  // From the warning on there is none, though the end is an interval later. The supervisor does not
  // wait for us to read: a full queue would lose messages, but not the sign that is looked for.
  std::string last;
  do {
    last = manager.wait_for("STATUS");
  } while (last.find("STOPPING=1") == std::string::npos && !last.empty());
  EXPECT_EQ(last, "READY=1\nSTOPPING=1\nSTATUS=instance 1, 0 restarts, last: killed by SIGKILL");
  application.expect_exit_code(0);
}

TEST(SamOperatorNotify, ShowsNoLifeOfAnotherProcess) {
  NotifySocket manager;
  SamProcess application([&] {
    manager.use();
    set("WATCHDOG_USEC", "50000");
    set("WATCHDOG_PID", std::to_string(::getpid() + 1));
    run_daemon();
  });
  application.wait_for("runs");
  EXPECT_EQ(manager.wait_for("WATCHDOG=1", 500), "");
}

// It calls nothing of SAM, and holds nothing whose end it would notice.
void expect_orphan_is_killed(void (*before_start)()) {
  SamProcess application([=] {
    set("SAM_ORPHAN", "kill");
    app::enter(kLongInterval, kRestart);
    before_start();
    app::expect_ok(sam_start());
    app::report("runs");
    app::sleep_forever();
  });
  const pid_t instance = application.wait_for("runs").pid;
  ::kill(application.supervisor(), SIGKILL);
  const int status = application.wait_for_orphan(instance);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
}

TEST(SamOperatorOrphan, IsKilledWithItsSupervisor) {
  expect_orphan_is_killed([] {});
}

// The kernel forgets whose death a process asked for when it changes its user.
TEST(SamOperatorOrphan, IsKilledAlsoAfterAChangeOfUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  expect_orphan_is_killed([] { app::expect_that(::setresuid(65534, 65534, 65534) == 0); });
}

// The supervisor is no parent of the process that goes on.
TEST(SamOperatorOrphan, ADaemonIsNone) {
  SamProcess application([] {
    set("SAM_ORPHAN", "kill");
    app::enter(kLongInterval, kRestart);
    if (::fork() != 0) ::_exit(0);
    app::expect_ok(sam_start());
    app::pause_for(200);
    app::expect_ok(sam_hc_send());
    app::report("runs");
    app::sleep_forever();
  });
  EXPECT_EQ(application.wait_for("runs").instance, 1U);
}

TEST(SamOperatorOrphan, TheChildOfWhoFailedToRegisterIsNone) {
  SamProcess application([] {
    set("SAM_ORPHAN", "kill");
    app::expect_ok(sam_initialize(kLongInterval, SAM_RECOVERY_POLICY_RESTART));
    rlimit files;
    app::expect_that(::getrlimit(RLIMIT_NOFILE, &files) == 0);
    const int first = ::dup(STDIN_FILENO);
    const int second = ::dup(STDIN_FILENO);
    ::close(first);
    ::close(second);
    const rlimit few = {static_cast<rlim_t>(second) + 1, files.rlim_max};  // for the store only
    app::expect_that(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    app::expect(sam_register(nullptr), CS_ERR_LIBRARY);
    app::expect_that(::setrlimit(RLIMIT_NOFILE, &files) == 0);
    if (::fork() != 0) app::sleep_forever();
    app::register_instance();
    app::expect_ok(sam_start());
    app::report("runs");
    app::sleep_forever();
  });
  EXPECT_EQ(application.wait_for("runs").instance, 1U);
}

TEST(SamOperatorWarnSignal, TakesThePlaceOfTheDefaultOne) {
  SamProcess application([] {
    set("SAM_WARN_SIGNAL", "USR2");
    app::handle(SIGUSR2, [](int) { app::report("warned"); });
    app::enter(100, kRestart);
    app::expect_ok(sam_start());
    app::sleep_forever();
  });
  EXPECT_EQ(application.wait_for("warned").instance, 1U);
}

TEST(SamOperatorWarnSignal, GivesWayToTheProgramsOwn) {
  SamProcess application([] {
    set("SAM_WARN_SIGNAL", "USR2");
    app::handle(SIGUSR1, [](int) { app::report("warned"); });
    app::enter(100, kRestart);
    app::expect_ok(sam_warn_signal_set(SIGUSR1));
    app::expect_ok(sam_start());
    app::sleep_forever();
  });
  EXPECT_EQ(application.wait_for("warned").instance, 1U);
}

TEST(SamOperatorInterval, OfZeroIsNoLimitAndTheCallbackStays) {
  SamProcess application([] {
    set("SAM_INTERVAL", "0");
    app::enter(50, kRestart);
    app::expect_ok(sam_hc_callback_register([] { return 0; }));
    app::expect_ok(sam_start());
    app::pause_for(500);
    app::report("survived");
    app::sleep_forever();
  });
  EXPECT_EQ(application.wait_for("survived").instance, 1U);
}

TEST(SamOperatorInterval, OfAMinuteLetsAProgramWithAShorterOneBeSilent) {
  SamProcess application([] {
    set("SAM_INTERVAL", "60000");
    app::enter(50, kRestart);
    app::expect_ok(sam_start());
    app::pause_for(500);
    app::report("survived");
    app::sleep_forever();
  });
  EXPECT_EQ(application.wait_for("survived").instance, 1U);
}

TEST(SamOperatorInterval, TakesThePlaceOfTheProgramsOwn) {
  SamProcess application([] {
    set("SAM_INTERVAL", "100");
    app::enter(kLongInterval, kRestart);
    app::expect_ok(sam_start());
    app::sleep_forever();
  });
  application.wait_for("registered");
  EXPECT_EQ(application.wait_for("registered").value, 2);  // it was killed for its silence
}

}  // namespace
}  // namespace cs::test
