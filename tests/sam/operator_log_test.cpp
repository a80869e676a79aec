// SPDX-License-Identifier: BSD-3-Clause
// The log, pacing and limits: when, why and how often an instance was restarted.
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "sam/operator_support.h"

namespace cs::test {
namespace {

constexpr const char* kStamp = R"(^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z sam\[\d+\]: )";

TEST(SamOperatorLog, TellsStartsAndDeaths) {
  const LogFile log;
  SamProcess application([&] {
    log.use();
    const unsigned id = app::enter(kLongInterval, kRestart);
    app::expect_ok(sam_start());
    if (id == 1) app::die_by(SIGSEGV);
    if (id == 2) ::_exit(3);
    app::report("runs");
    app::sleep_forever();
  });
  const pid_t third = application.wait_for("runs").pid;
  const std::string supervisor = std::to_string(application.supervisor());
  const std::string stamp = kStamp;
  log.expect(stamp + "start instance=1 pid=\\d+$");
  log.expect("sam\\[" + supervisor + "\\]: death instance=1 .*reason=\"killed by SIGSEGV\"");
  log.expect(stamp + "death instance=2 pid=\\d+ reason=\"exited with 3\" uptime=\\d+\\.\\d{3}s " +
             "next=0\\.000s$");
  log.expect("start instance=3 pid=" + std::to_string(third) + "$");
  EXPECT_EQ(log.lines().size(), 5U) << log.text();
}

TEST(SamOperatorLog, TellsWarningKillAndEnd) {
  const LogFile log;
  SamProcess application([&] {
    log.use();
    app::enter(100, kQuit);
    ::signal(SIGUSR1, SIG_IGN);
    app::expect_ok(sam_warn_signal_set(SIGUSR1));
    app::expect_ok(sam_start());
    app::sleep_forever();
  });
  application.expect_exit_code(0);
  log.expect(
      "warning instance=1 pid=\\d+ reason=\"no health check for \\d+\\.\\d s\" "
      "signal=SIGUSR1 uptime=");
  log.expect("kill instance=1 pid=\\d+ reason=\"no health check for \\d+\\.\\d s\" uptime=");
  log.expect("death instance=1 pid=\\d+ reason=\"killed by SIGKILL\" uptime=\\d+\\.\\d{3}s$");
  log.expect("end instance=1 reason=\"policy quit\" exit=0$");
}

TEST(SamOperatorLog, TellsTheEndOfWhatWasNotStarted) {
  const LogFile log;
  SamProcess application([&] {
    log.use();
    app::enter(kLongInterval, kRestart);
    ::_exit(7);
  });
  application.expect_exit_code(7);
  log.expect("death instance=1 pid=\\d+ reason=\"exited with 7\"");
  log.expect("end instance=1 reason=\"not started\" exit=7$");
}

TEST(SamOperatorLog, GoesToStandardError) {
  const LogFile log;
  SamProcess application([&] {
    log.use();
    ::dup2(std::atoi(::getenv("SAM_LOG")), STDERR_FILENO);
    set("SAM_LOG", "stderr");
    app::enter(kLongInterval, kRestart);
    ::_exit(0);
  });
  application.expect_exit_code(0);
  log.expect(std::string(kStamp) + "end instance=1");
}

TEST(SamOperatorLog, HasLevelsInTheJournal) {
  const LogFile log;
  SamProcess application([&] {
    log.use();
    const int fd = std::atoi(::getenv("SAM_LOG"));
    struct stat status;
    app::expect_that(::fstat(fd, &status) == 0);
    set("JOURNAL_STREAM", std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino));
    app::enter(kLongInterval, kRestart);
    ::_exit(1);
  });
  application.expect_exit_code(1);
  log.expect("^<6>\\d{4}-.* start ");
  log.expect("^<4>\\d{4}-.* death ");
}

TEST(SamOperatorLog, SaysWhatItDoesNotUnderstand) {
  const LogFile log;
  SamProcess application([&] {
    log.use();
    ::dup2(std::atoi(::getenv("SAM_LOG")), STDERR_FILENO);
    set("SAM_INTERVAL", "soon");
    set("SAM_FORWARD", "KILL");
    set("SAM_WARN_SIGNAL", "two\nlines");
    set("SAM_RESTART_LIMIT", std::string(500, 'x'));
    app::enter(kLongInterval, kRestart);
    ::_exit(0);
  });
  application.expect_exit_code(0);
  log.expect("^sam: SAM_INTERVAL=soon is not understood, and ignored$");
  log.expect("^sam: SAM_FORWARD=KILL is not understood, and ignored$");
  log.expect("^sam: SAM_WARN_SIGNAL=two[?]lines is not understood, and ignored$");
  log.expect("^sam: SAM_RESTART_LIMIT=x{60} is not understood, and ignored$");
}

// Also started by the next case, as a program of another user.
TEST(SamOperatorSecure, ProgramInitializes) {
  if (::geteuid() != ::getuid()) ::puts("is secure");
  EXPECT_EQ(sam_initialize(kLongInterval, SAM_RECOVERY_POLICY_RESTART), CS_OK);
}

// It would say that it does not understand the variable, had it read it.
TEST(SamOperatorSecure, SetUserIdProgramsAskNobody) {
  if (::getuid() != 0) GTEST_SKIP() << "only root can make a program of another user";
  const std::string program = "/tmp/sam_secure." + std::to_string(::getpid());
  const std::vector<std::string> copy = {"/bin/cp", "/proc/" + std::to_string(::getpid()) + "/exe",
                                         program};
  ASSERT_TRUE(run_program(copy).exited_with(0));
  const auto run = [&] {
    return run_program({program, "--gtest_filter=SamOperatorSecure.ProgramInitializes"},
                       {.environment = {{"SAM_INTERVAL", "soon"}}, .capture = true})
        .output;
  };
  EXPECT_NE(run().find("SAM_INTERVAL=soon is not understood"), std::string::npos);
  ASSERT_EQ(::chown(program.c_str(), 65534, 65534), 0);
  ASSERT_EQ(::chmod(program.c_str(), 06755), 0);
  const std::string output = run();
  ::unlink(program.c_str());
  if (output.find("is secure") == std::string::npos) GTEST_SKIP() << "no such program: " << output;
  EXPECT_NE(output.find("PASSED"), std::string::npos) << output;
  EXPECT_EQ(output.find("SAM_INTERVAL"), std::string::npos) << output;
}

// With a log on that descriptor; the fifth instance stays.
void log_to_and_crash(int fd) {
  set("SAM_LOG", std::to_string(fd));
  const unsigned id = app::enter(kLongInterval, kRestart);
  app::expect_ok(sam_start());
  if (id < 5) app::die_by(SIGKILL);
  app::report("fifth");
  app::sleep_forever();
}

// Nobody reads it, and it is full before the first line.
TEST(SamOperatorLog, HoldsUpNothingWhenItIsFull) {
  SamProcess application([] {
    int ends[2];
    app::expect_that(::pipe(ends) == 0);
    const std::string rubbish(4096, 'x');
    ::fcntl(ends[1], F_SETFL, O_NONBLOCK);
    while (::write(ends[1], rubbish.data(), rubbish.size()) > 0) {
    }
    ::fcntl(ends[1], F_SETFL, 0);
    log_to_and_crash(ends[1]);
  });
  application.wait_for("fifth");
}

TEST(SamOperatorLog, KillsNobodyWhenItsReaderHasGone) {
  SamProcess application([] {
    int ends[2];
    app::expect_that(::pipe(ends) == 0);
    ::close(ends[0]);
    log_to_and_crash(ends[1]);
  });
  application.wait_for("fifth");
}

TEST(SamOperatorPacing, LimitEndsACrashLoopAsAFailure) {
  const LogFile log;
  SamProcess application([&] {
    log.use();
    set("SAM_RESTART_LIMIT", "3/3600");
    set("SAM_RESTART_DELAY", "10");
    app::enter(kLongInterval, kRestart);
    app::expect_ok(sam_start());
    app::die_by(SIGSEGV);
  });
  application.expect_exit_code(128 + SIGSEGV);
  EXPECT_EQ(application.count("registered"), 4U);
  log.expect("end instance=4 reason=\"restart limit reached\" exit=139$");
  EXPECT_EQ(log.count(" death .*SIGSEGV"), 4U) << log.text();
  log.expect("death instance=1 .* next=0\\.010s$");
  log.expect("death instance=2 .* next=0\\.0(1|2)0s$");  // a slow machine: it lived a second
  EXPECT_EQ(log.count("death instance=4 .* next="), 0U) << log.text();
}

TEST(SamOperatorPacing, LimitNeverEndsAsASuccess) {
  SamProcess application([] {
    set("SAM_RESTART_LIMIT", "1/3600");
    app::enter(kLongInterval, kRestart);
    app::expect_ok(sam_start());
    ::_exit(0);
  });
  application.expect_exit_code(1);
}

TEST(SamOperatorPacing, LimitEndsWithTheLastExitCode) {
  SamProcess application([] {
    set("SAM_RESTART_LIMIT", "2/3600");
    const unsigned id = app::enter(kLongInterval, kRestart);
    app::expect_ok(sam_start());
    ::_exit(static_cast<int>(40 + id));
  });
  application.expect_exit_code(43);
}

TEST(SamOperatorPacing, DelayComesBeforeTheNextInstance) {
  SamProcess application([] {
    set("SAM_RESTART_DELAY", "500");
    const unsigned id = app::enter(kLongInterval, kRestart);
    app::expect_ok(sam_start());
    if (id == 1) {
      app::report("dies");
      app::die_by(SIGKILL);
    }
    app::sleep_forever();
  });
  application.wait_for("registered");
  const Report death = application.wait_for("dies");
  const Report next = application.wait_for("registered");
  EXPECT_GE(next.time - death.time, 500'000'000);
}

TEST(SamOperatorExit, TellsTheSignalOfTheLastInstance) {
  SamProcess application([] {
    set("SAM_EXIT", "signal");
    app::enter(kLongInterval, kQuit);
    app::expect_ok(sam_start());
    app::die_by(SIGSEGV);
  });
  application.expect_exit_code(128 + SIGSEGV);
}

TEST(SamOperatorExit, LeavesAnExitCodeAlone) {
  SamProcess application([] {
    set("SAM_EXIT", "signal");
    app::enter(kLongInterval, kQuit);
    app::expect_ok(sam_start());
    ::_exit(5);
  });
  application.expect_exit_code(5);
}

}  // namespace
}  // namespace cs::test
