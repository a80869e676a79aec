// SPDX-License-Identifier: BSD-3-Clause
// Callbacks that run commands, block, or end their thread; and where they are registered with
// little memory, or without an interval.
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kRestart = SAM_RECOVERY_POLICY_RESTART;
constexpr int kInterval = 400;
constexpr uid_t kNobody = 54'321;

std::atomic<int> calls = 0;

int count_call() {
  ++calls;
  return 0;
}

// Commands. This one ends by the signal, unless that is blocked.
constexpr const char* kCommand = "kill -TERM $$; exit 7";
char* const kArguments[] = {const_cast<char*>("sh"), const_cast<char*>("-c"),
                            const_cast<char*>(kCommand), nullptr};

int wait_for(pid_t command) {
  int status = -1;
  return ::waitpid(command, &status, 0) == command ? status : -1;
}

int run_by_fork() {
  const pid_t command = ::fork();
  if (command == 0) {
    ::execv("/bin/sh", kArguments);
    ::_exit(127);
  }
  return wait_for(command);
}

int run_by_vfork() {
  const pid_t command = ::vfork();
  if (command == 0) {
    ::execv("/bin/sh", kArguments);
    ::_exit(127);
  }
  return wait_for(command);
}

int run_by_spawn() {
  pid_t command = -1;
  const int error = ::posix_spawn(&command, "/bin/sh", nullptr, nullptr, kArguments, environ);
  return error == 0 ? wait_for(command) : -1;
}

int run_by_system() { return std::system(kCommand); }

int run_by_popen() {
  FILE* const output = ::popen(kCommand, "r");
  return output != nullptr ? ::pclose(output) : -1;
}

struct Way {
  const char* name;
  int (*run)();
};
std::ostream& operator<<(std::ostream& out, const Way& way) { return out << way.name; }

int (*g_run)() = nullptr;

int run_command() {
  const int status = g_run();
  app::report(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM ? "reached" : "not reached",
              status);
  return 0;
}

class SamCallbackCommand : public testing::TestWithParam<Way> {};

TEST_P(SamCallbackCommand, IsReachedBySignals) {
  SamProcess application([run = GetParam().run] {
    g_run = run;
    app::enter(kInterval, kRestart);
    app::expect_ok(sam_hc_callback_register(run_command));
    app::expect_ok(sam_start());
    app::sleep_forever();
  });
  application.wait_for("reached");
  application.wait_for("reached");
  EXPECT_EQ(application.count("not reached"), 0U) << application.story();
}

INSTANTIATE_TEST_SUITE_P(By, SamCallbackCommand,
                         testing::Values(Way{"fork", run_by_fork}, Way{"vfork", run_by_vfork},
                                         Way{"posix_spawn", run_by_spawn},
                                         Way{"system", run_by_system}, Way{"popen", run_by_popen}),
                         [](const auto& way) { return std::string(way.param.name); });

int report_mask() {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  app::report("mask", sigismember(&mask, SIGUSR1) * 2 + sigismember(&mask, SIGUSR2));
  return 0;
}

TEST(SamCallback, HasTheSignalMaskOfWhoRegisteredIt) {
  SamProcess application([] {
    app::enter(kInterval, kRestart);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    pthread_sigmask(SIG_SETMASK, &mask, nullptr);
    app::expect_ok(sam_hc_callback_register(report_mask));
    app::expect_ok(sam_start());
    app::sleep_forever();
  });
  EXPECT_EQ(application.wait_for("mask").value, 1);
}

// 64 KiB: what an ordinary user may lock on many systems.
TEST(SamCallback, IsCalledThoughLittleMemoryMayBeLocked) {
  SamProcess application([] {
    app::enter(kInterval, kRestart);
    const rlimit little = {64 * 1024, 64 * 1024};
    app::expect_that(::setrlimit(RLIMIT_MEMLOCK, &little) == 0);
    if (::getuid() == 0) app::expect_that(::setresuid(kNobody, kNobody, kNobody) == 0);
    app::expect_that(::mlockall(MCL_FUTURE) == 0);
    app::expect_ok(sam_hc_callback_register(count_call));
    app::expect_ok(sam_start());
    while (calls < 2) app::pause_for(5);
    app::report("called");
    ::_exit(0);
  });
  EXPECT_EQ(application.wait_for("called").instance, 1U);
}

TEST(SamCallback, MayBeRegisteredWithANegativeIntervalAndIsNotCalled) {
  SamProcess application([] {
    app::enter(-1, kRestart);
    app::expect(sam_hc_callback_register(nullptr), CS_ERR_INVALID_PARAM);
    app::expect_ok(sam_hc_callback_register(count_call));
    app::expect_ok(sam_start());
    app::pause_for(300);
    app::expect_ok(sam_hc_send());
    app::expect_that(calls == 0);
    app::expect_ok(sam_stop());
    app::expect_ok(sam_hc_callback_register(nullptr));
    app::expect_ok(sam_hc_callback_register(count_call));
    app::expect_ok(sam_start());
    app::report("done");
    app::expect_ok(sam_finalize());
  });
  application.wait_for("done");
  application.expect_exit_code(0);
}

std::atomic<bool> is_free = false;

int wait_until_free() {
  ++calls;
  while (!is_free) app::pause_for(1);
  return 0;
}

// What the callback waits for may be what the process does next.
TEST(SamCallback, ThatBlocksDoesNotHoldUpStopAndFinalize) {
  SamProcess application([] {
    app::handle(SIGTERM, [](int) {});
    app::enter(kInterval, kRestart);
    app::expect_ok(sam_hc_callback_register(wait_until_free));
    app::expect_ok(sam_start());
    while (calls == 0) app::pause_for(1);
    app::expect_ok(sam_stop());
    app::expect_that(calls == 1);
    is_free = true;
    app::expect_ok(sam_start());
    while (calls < 2) app::pause_for(1);
    is_free = false;
    while (calls < 3) app::pause_for(1);
    app::expect_ok(sam_finalize());
    app::report("done");
  });
  application.wait_for("done");
  application.expect_exit_code(0);
}

std::atomic<int> stopped = 0;

int stay_for_a_while() {
  ++calls;
  app::pause_for(100);
  return 0;
}

// A handler stops as well, wherever it meets the other. If that is where the program waits for the
// supervisor, the handler ends the wait for both, and both have stopped.
TEST(SamThreadsStop, HandlerAndProgramMayStopAtOnce) {
  SamProcess application([] {
    app::handle(SIGTERM, [](int) {});
    app::enter(200, kRestart);
    app::handle(SIGALRM, [](int) { stopped += sam_stop() == CS_OK ? 1 : 0; });
    app::expect_ok(sam_hc_callback_register(stay_for_a_while));
    for (int round = 0; round < 6; ++round) {
      calls = 0;
      stopped = 0;
      app::expect_ok(sam_start());
      while (calls == 0) app::pause_for(1);
      const itimerval soon = {{0, 0}, {0, 1 + round * 20'000}};
      ::setitimer(ITIMER_REAL, &soon, nullptr);
      const bool is_mine = sam_stop() == CS_OK;
      app::no_more_alarms();
      app::expect_that(is_mine || stopped == 1);
      app::expect(sam_stop(), CS_ERR_BAD_HANDLE);
    }
    app::report("done");
    app::expect_ok(sam_finalize());
  });
  application.wait_for("done");
  application.expect_exit_code(0);
}

int end_the_thread() {
  ++calls;
  pthread_exit(nullptr);
}

TEST(SamCallback, ThatEndsItsThreadCountsAsAHang) {
  SamProcess application([] {
    app::handle(SIGTERM, app::report_warning);
    app::enter(300, kRestart);
    app::expect_ok(sam_hc_callback_register(end_the_thread));
    app::expect_ok(sam_start());
    app::sleep_forever();
  });
  EXPECT_EQ(application.wait_for("warned").instance, 1U);
  EXPECT_EQ(application.wait_for("registered").value, 2);
}

TEST(SamCallbackBeyondStock, TakesThePlaceOfOneThatHasEndedItsThread) {
  SamProcess application([] {
    app::enter(kInterval, kRestart);
    app::expect_ok(sam_hc_callback_register(end_the_thread));
    app::expect_ok(sam_start());
    while (calls == 0) app::pause_for(1);
    app::expect_ok(sam_stop());
    app::expect_ok(sam_hc_callback_register(count_call));
    app::expect_ok(sam_start());
    while (calls < 4) app::pause_for(1);
    app::report("called", calls);
    ::_exit(0);
  });
  EXPECT_EQ(application.wait_for("called").instance, 1U);
}

// SIGPIPE tells of a supervisor that is gone; who ignores it is at least not asked any more.
TEST(SamCallback, IsNotCalledOnceTheSupervisorIsGone) {
  SamProcess application([] {
    ::signal(SIGPIPE, SIG_IGN);
    app::enter(200, kRestart);
    app::expect_ok(sam_hc_callback_register(count_call));
    app::expect_ok(sam_start());
    while (calls == 0) app::pause_for(1);
    ::kill(app::supervisor(), SIGKILL);
    app::report("alone");
    int before = -1;
    while (before != calls) {  // until there was none for a while
      before = calls;
      app::pause_for(2000);
    }
    app::report("silent");
    ::_exit(0);
  });
  application.wait_for("alone");
  application.wait_for("silent");
}

}  // namespace
}  // namespace cs::test
