// SPDX-License-Identifier: BSD-3-Clause
// What surrounds an application: its exit handlers, signals to its group, commands that its signal
// handlers run, standard streams that are closed, system calls that are refused. Cases of a suite
// *BeyondStock fail with the distribution's library.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/proc.h"
#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kQuit = SAM_RECOVERY_POLICY_QUIT;
constexpr int kRestart = SAM_RECOVERY_POLICY_RESTART;

void call_everything() {
  char bytes[8] = "";
  std::size_t size = 0;
  (void)sam_hc_send();
  (void)sam_warn_signal_set(SIGTERM);
  (void)sam_data_store("exit", 5);
  (void)sam_data_getsize(&size);
  (void)sam_data_restore(bytes, sizeof(bytes));
  (void)sam_mark_failed();
  (void)sam_hc_callback_register(nullptr);
  (void)sam_start();
  (void)sam_stop();
  (void)sam_finalize();
  (void)sam_initialize(0, SAM_RECOVERY_POLICY_QUIT);
  app::report("exit handler");
}

TEST(SamExitHandlers, MayCallEveryFunction) {
  for (const bool started : {true, false}) {
    SamProcess application([started] {
      std::atexit(call_everything);
      app::enter(0, kQuit);
      if (started) app::expect_ok(sam_start());
      std::exit(6);
    });
    const Report one = application.wait_for("exit handler");
    const Report other = application.wait_for("exit handler");
    EXPECT_TRUE(one.pid == application.supervisor() || other.pid == application.supervisor());
    EXPECT_NE(one.pid, other.pid);
    application.expect_exit_code(6);
    EXPECT_EQ(application.count("registered"), 1U) << application.story();
  }
}

// With stock the supervisor, at its end, becomes one more application.
TEST(SamExitHandlersBeyondStock, MayNotRegisterInTheSupervisor) {
  SamProcess application([] {
    std::atexit([] { app::report("exit handler", sam_register(nullptr)); });
    app::enter(0, kQuit);
    app::expect_ok(sam_start());
    ::_exit(6);
  });
  EXPECT_EQ(application.wait_for("exit handler").value, CS_ERR_BAD_HANDLE);
  application.expect_exit_code(6);
  EXPECT_EQ(application.count("exit handler"), 1U);
}

TEST(SamExitHandlers, ThatFinalizeMakeAnOrderlyEnd) {
  SamProcess application([] {
    std::atexit([] { (void)sam_finalize(); });
    app::enter(0, kRestart);
    app::expect_ok(sam_start());
    std::exit(0);
  });
  application.expect_exit_code(0);
  EXPECT_EQ(application.count("registered"), 1U);
}

class SamGroupSignal : public testing::TestWithParam<int> {};

TEST_P(SamGroupSignal, EndsBothByDefault) {
  SamProcess application([] {
    app::enter(0, kRestart);
    app::expect_ok(sam_start());
    app::report("started");
    app::sleep_forever();
  });
  const Report active = application.wait_for("started");
  application.signal_group(GetParam());
  const int status = application.wait_for_orphan(active.pid);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == GetParam()) << status;
}

TEST_P(SamGroupSignal, IsHandledByBoth) {
  SamProcess application([number = GetParam()] {
    app::handle(number, [](int) { app::report("handled"); });
    app::enter(0, kRestart);
    app::expect_ok(sam_start());
    app::report("started");
    app::stay_healthy(10);
  });
  application.wait_for("started");
  for (int round = 0; round < 5; ++round) {
    application.signal_group(GetParam());
    const Report one = application.wait_for("handled");
    const Report other = application.wait_for("handled");
    EXPECT_NE(one.pid, other.pid);
  }
  EXPECT_EQ(application.count("registered"), 1U) << application.story();
}

volatile sig_atomic_t g_told_to_end = 0;

// The usual end of a service: the supervisor notes the signal as well, and waits for the instance.
TEST_P(SamGroupSignal, ThatEndsAServiceInOrderBringsNoNextInstance) {
  SamProcess application([number = GetParam()] {
    app::handle(number, [](int) { g_told_to_end = 1; });
    app::enter(200, kRestart);
    app::expect_ok(sam_start());
    app::report("started");
    while (g_told_to_end == 0) app::send_health_checks(10, 20);
    app::expect_ok(sam_finalize());
    ::_exit(0);
  });
  application.wait_for("started");
  application.signal_group(GetParam());
  application.expect_exit_code(0);
  EXPECT_EQ(application.count("registered"), 1U);
}

INSTANTIATE_TEST_SUITE_P(Of, SamGroupSignal, testing::Values(SIGTERM, SIGHUP, SIGINT));

void spawn() {
  char name[] = "true";
  char* const arguments[] = {name, nullptr};
  pid_t pid;
  app::expect_that(::posix_spawnp(&pid, name, nullptr, nullptr, arguments, ::environ) == 0);
  int status;
  (void)::waitpid(pid, &status, 0);
}

void vfork_and_exec() {
  const pid_t pid = ::vfork();
  if (pid == 0) {
    ::execlp("true", "true", static_cast<char*>(nullptr));
    ::_exit(127);
  }
  (void)::waitpid(pid, nullptr, 0);
}

// Not what a signal handler should do, but what they do.
void run_commands(int) {
  const int error = errno;
  spawn();
  vfork_and_exec();
  (void)!std::system("true");
  FILE* const output = ::popen("echo text", "r");
  char line[16] = "";
  app::expect_that(output != nullptr && std::fgets(line, sizeof(line), output) != nullptr);
  (void)::pclose(output);
  app::report("ran");
  errno = error;
}

TEST(SamCommands, MayBeRunBySignalHandlersOfEitherProcess) {
  SamProcess application([] {
    app::handle(SIGUSR1, run_commands);
    app::enter(60'000, kRestart);
    app::expect_ok(sam_start());
    app::report("started");
    app::stay_healthy(1);
  });
  const Report active = application.wait_for("started");
  for (int round = 0; round < 10; ++round) {
    for (const pid_t pid : {active.pid, application.supervisor()}) {
      ::kill(pid, SIGUSR1);
      EXPECT_EQ(application.wait_for("ran").pid, pid);
    }
  }
  ::kill(active.pid, SIGKILL);
  EXPECT_EQ(application.wait_for("started").instance, 2U);
}

TEST(SamCommands, MayBeRunByTheHandlerOfSigchld) {
  SamProcess application([] {
    app::handle(SIGUSR1, [](int) {
      if (::fork() == 0) ::_exit(0);
    });
    app::handle(SIGCHLD, [](int number) {
      ::signal(SIGCHLD, SIG_DFL);  // of its own children it wants to hear nothing
      run_commands(number);
    });
    app::enter(0, kRestart);
    app::expect_ok(sam_start());
    app::report("started");
    app::sleep_forever();
  });
  const Report active = application.wait_for("started");
  ::kill(application.supervisor(), SIGUSR1);
  EXPECT_EQ(application.wait_for("ran").pid, application.supervisor());
  ::kill(active.pid, SIGKILL);
  EXPECT_EQ(application.wait_for("started").instance, 2U);
}

void expect_closed(pid_t pid) {
  for (const char* fd : {"/fd/0", "/fd/1", "/fd/2"}) {
    EXPECT_NE(::access(("/proc/" + std::to_string(pid) + fd).c_str(), F_OK), 0) << pid << fd;
  }
}

TEST(SamClosedStreamsBeyondStock, AreNotReplacedByDescriptorsOfOurs) {
  SamProcess application([] {
    for (int fd = 0; fd <= 2; ++fd) ::close(fd);
    const unsigned id = app::enter(0, kRestart);
    app::expect_ok(sam_data_store("x", 1));
    app::expect_ok(sam_start());
    app::expect_ok(sam_hc_send());
    app::report("started", id);
    app::sleep_forever();
  });
  for (int id = 1; id <= 3; ++id) {
    const Report active = application.wait_for("started");
    EXPECT_EQ(active.value, id);
    expect_closed(active.pid);
    expect_closed(application.supervisor());
    ::kill(active.pid, SIGKILL);
  }
}

// A profile that knows nothing of newer system calls.
void refuse(const std::vector<long>& calls, int error) {
  std::vector<sock_filter> filter;
  filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (const long call : calls) {
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)));
  }
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program = {static_cast<unsigned short>(filter.size()), filter.data()};
  app::expect_that(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  app::expect_that(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

struct Refusal {
  const char* name;
  std::vector<long> calls;
  int error;
};

std::ostream& operator<<(std::ostream& out, const Refusal& refusal) { return out << refusal.name; }

class SamRefusedCall : public testing::TestWithParam<Refusal> {};

TEST_P(SamRefusedCall, DoesNotEndSupervision) {
  SamProcess application([refusal = GetParam()] {
    app::handle(SIGCHLD, [](int) {
      const int error = errno;
      while (::waitpid(-1, nullptr, WNOHANG) > 0) {
      }
      errno = error;
    });
    refuse(refusal.calls, refusal.error);
    for (int i = 0; i < 3; ++i) {
      if (::fork() == 0) app::sleep_forever();
    }
    const unsigned id = app::enter(500, kRestart);
    app::expect_ok(sam_start());
    app::send_health_checks(10, 50);
    if (id == 1) app::die_by(SIGKILL);
    if (id == 2) ::_exit(0);
    if (id == 3) app::sleep_forever();  // hangs
    app::expect_ok(sam_finalize());
    ::_exit(0);
  });
  for (int id = 1; id <= 4; ++id) {
    EXPECT_EQ(application.wait_for("registered").value, id);
    const auto children = proc::children(application.supervisor());
    if (children.empty()) continue;
    ::kill(children.front(), id <= 2 ? SIGKILL : 0);  // one of the helpers
  }
  application.signal_group(0);
  int status = 0;
  ASSERT_EQ(::waitpid(application.supervisor(), &status, 0), application.supervisor());
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_EQ(application.count("registered"), 4U) << application.story();
}

TEST_P(SamRefusedCall, DoesNotHideTheDeathOfADaemon) {
  SamProcess application([refusal = GetParam()] {
    refuse(refusal.calls, refusal.error);
    const unsigned id = app::enter(0, kRestart);
    app::expect_that(::daemon(1, 1) == 0);
    app::expect_ok(sam_start());
    app::report("at work", id);
    if (id < 3) app::die_by(SIGKILL);
    app::expect_ok(sam_finalize());
    ::_exit(0);
  });
  for (int id = 1; id <= 3; ++id) EXPECT_EQ(application.wait_for("at work").value, id);
  application.expect_exit_code(0);
}

const Refusal kRefusals[] = {
    {"WaitidMissing", {SYS_waitid}, ENOSYS},
    {"WaitidForbidden", {SYS_waitid}, EPERM},
    {"PidfdMissing", {SYS_pidfd_open}, ENOSYS},
    {"PidfdForbidden", {SYS_pidfd_open}, EPERM},
    {"BothMissing", {SYS_waitid, SYS_pidfd_open}, ENOSYS},
    {"BothForbidden", {SYS_waitid, SYS_pidfd_open}, EPERM},
};
INSTANTIATE_TEST_SUITE_P(By, SamRefusedCall, testing::ValuesIn(kRefusals),
                         [](const auto& refusal) { return refusal.param.name; });

}  // namespace
}  // namespace cs::test
