// SPDX-License-Identifier: BSD-3-Clause
// What follows when the active process dies: the next instance, or the supervisor's end and its
// exit code; and what an instance finds when it returns from sam_register.
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "support/child.h"
#include "support/proc.h"
#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kQuit = SAM_RECOVERY_POLICY_QUIT;
constexpr int kRestart = SAM_RECOVERY_POLICY_RESTART;
constexpr int kInterval = 60'000;  // no hang is meant here

// How an instance ends: by a signal, or with an exit code.
struct Death {
  const char* name;
  int signal;
  int exit_code;

  [[noreturn]] void die() const {
    if (signal != 0) app::die_by(signal);
    ::_exit(exit_code);
  }
  [[nodiscard]] int supervisor_exit_code() const { return signal != 0 ? 0 : exit_code; }
};

std::ostream& operator<<(std::ostream& out, const Death& death) { return out << death.name; }

const Death kDeaths[] = {
    {"SigSegv", SIGSEGV, 0}, {"SigAbrt", SIGABRT, 0}, {"SigKill", SIGKILL, 0},
    {"SigTerm", SIGTERM, 0}, {"SigBus", SIGBUS, 0},   {"SigFpe", SIGFPE, 0},
    {"SigPipe", SIGPIPE, 0}, {"SigInt", SIGINT, 0},   {"SigRtMin", 34, 0},
    {"Exit0", 0, 0},         {"Exit1", 0, 1},         {"Exit7", 0, 7},
    {"Exit255", 0, 255},
};

class SamDeath : public testing::TestWithParam<Death> {};

TEST_P(SamDeath, WhileStartedBringsTheNextInstance) {
  SamProcess application([death = GetParam()] {
    const unsigned id = app::enter(kInterval, kRestart);
    app::expect_that(::getppid() == app::supervisor());
    app::expect_ok(sam_start());
    if (id < 4) death.die();
    app::sleep_forever();
  });
  pid_t last = application.supervisor();
  for (int id = 1; id <= 4; ++id) {
    const Report instance = application.wait_for("registered");
    EXPECT_EQ(instance.value, id);
    EXPECT_NE(instance.pid, last);
    last = instance.pid;
  }
  EXPECT_EQ(proc::children(application.supervisor()), std::vector<pid_t>{last});
}

TEST_P(SamDeath, WhileStartedEndsTheSupervisorUnderQuit) {
  SamProcess application([death = GetParam()] {
    app::enter(kInterval, kQuit);
    app::expect_ok(sam_start());
    death.die();
  });
  application.expect_exit_code(GetParam().supervisor_exit_code());
  EXPECT_EQ(application.count("registered"), 1U);
}

TEST_P(SamDeath, BeforeTheStartEndsTheSupervisor) {
  for (const int policy : {kQuit, kRestart}) {
    SamProcess application([death = GetParam(), policy] {
      app::enter(kInterval, policy);
      death.die();
    });
    application.expect_exit_code(GetParam().supervisor_exit_code());
    EXPECT_EQ(application.count("registered"), 1U);
  }
}

TEST_P(SamDeath, WhileStoppedEndsTheSupervisor) {
  SamProcess application([death = GetParam()] {
    app::enter(kInterval, kRestart);
    app::expect_ok(sam_start());
    app::expect_ok(sam_stop());
    death.die();
  });
  application.expect_exit_code(GetParam().supervisor_exit_code());
  EXPECT_EQ(application.count("registered"), 1U);
}

TEST_P(SamDeath, WhenFinalizedEndsTheSupervisor) {
  SamProcess application([death = GetParam()] {
    app::enter(kInterval, kRestart);
    app::expect_ok(sam_start());
    app::expect_ok(sam_finalize());
    death.die();
  });
  application.expect_exit_code(GetParam().supervisor_exit_code());
  EXPECT_EQ(application.count("registered"), 1U);
}

INSTANTIATE_TEST_SUITE_P(By, SamDeath, testing::ValuesIn(kDeaths),
                         [](const auto& death) { return death.param.name; });

TEST(SamSupervisor, RunsTheExitHandlers) {
  SamProcess application([] {
    std::atexit([] { app::report("exit handler"); });
    app::enter(kInterval, kQuit);
    app::expect_ok(sam_start());
    ::_exit(3);  // runs none itself
  });
  EXPECT_EQ(application.wait_for("exit handler").pid, application.supervisor());
  application.expect_exit_code(3);
  EXPECT_EQ(application.count("exit handler"), 1U);
}

TEST(SamSupervisor, EndsAfterALaterInstanceStops) {
  SamProcess application([] {
    const unsigned id = app::enter(kInterval, kRestart);
    app::expect_ok(sam_start());
    if (id < 3) app::die_by(SIGKILL);
    app::expect_ok(sam_stop());
    ::_exit(21);
  });
  application.expect_exit_code(21);
  EXPECT_EQ(application.count("registered"), 3U);
}

TEST(SamInstance, StartsStoppedWhateverItsPredecessorDid) {
  SamProcess application([] {
    const unsigned id = app::enter(kInterval, kRestart);
    app::expect(sam_stop(), CS_ERR_BAD_HANDLE);
    app::expect(sam_hc_send(), CS_ERR_BAD_HANDLE);
    app::expect(sam_register(nullptr), CS_ERR_BAD_HANDLE);
    if (id == 2) ::_exit(9);  // nobody has started this one
    app::expect_ok(sam_start());
    app::die_by(SIGKILL);
  });
  application.expect_exit_code(9);
  EXPECT_EQ(application.count("registered"), 2U);
}

TEST(SamInstance, SeesTheMemoryOfTheMomentOfTheCall) {
  static int counter;
  counter = 5;
  SamProcess application([] {
    ++counter;
    app::enter(kInterval, kRestart);
    app::report("counter", counter);
    counter += 100;
    app::expect_ok(sam_start());
    app::die_by(SIGKILL);
  });
  for (int round = 0; round < 3; ++round) EXPECT_EQ(application.wait_for("counter").value, 6);
}

TEST(SamInstance, IdMayBeUnwanted) {
  SamProcess application([] {
    app::expect_ok(sam_initialize(kInterval, SAM_RECOVERY_POLICY_QUIT));
    app::expect_ok(sam_register(nullptr));
    app::report("in");
  });
  EXPECT_NE(application.wait_for("in").pid, application.supervisor());
  application.expect_exit_code(0);
}

volatile sig_atomic_t handled;

void report_and_go_on(int) {
  handled = 1;
  app::report("handled");
}

struct Signals {
  std::string ignored, caught, blocked;
  bool operator==(const Signals&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Signals& signals) {
  return out << "ignored " << signals.ignored << " caught " << signals.caught << " blocked "
             << signals.blocked;
}

Signals signals_of(pid_t pid) {
  return {proc::status(pid, "SigIgn"), proc::status(pid, "SigCgt"), proc::status(pid, "SigBlk")};
}

TEST(SamSignals, KeepTheirDispositionsInAllProcesses) {
  SamProcess application([] {
    ::signal(SIGHUP, SIG_IGN);
    ::signal(SIGPIPE, SIG_IGN);
    app::handle(SIGUSR1, report_and_go_on);
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    sigaddset(&blocked, SIGALRM);
    sigprocmask(SIG_BLOCK, &blocked, nullptr);
    app::report("before");
    while (!handled) app::pause_for(1);  // until the test has looked
    const unsigned id = app::enter(kInterval, kRestart);
    app::expect_ok(sam_start());
    if (id < 3) app::die_by(SIGKILL);
    app::sleep_forever();
  });
  const pid_t supervisor = application.wait_for("before").pid;
  const Signals wanted = signals_of(supervisor);
  ::kill(supervisor, SIGUSR1);
  Report instance = {};
  for (int id = 1; id <= 3; ++id) instance = application.wait_for("registered");
  // Each may be in a moment that holds all signals off.
  for (const pid_t pid : {instance.pid, supervisor}) {
    EXPECT_TRUE(eventually([&] { return signals_of(pid) == wanted; }))
        << signals_of(pid) << ", not " << wanted;
  }
}

TEST(SamSignals, AreTheApplicationsInTheSupervisorsExitHandlers) {
  SamProcess application([] {
    app::handle(SIGCHLD, report_and_go_on);
    std::atexit([] {
      struct sigaction found;
      sigset_t blocked;
      ::sigaction(SIGCHLD, nullptr, &found);
      sigprocmask(SIG_BLOCK, nullptr, &blocked);
      const bool is_own = found.sa_handler == report_and_go_on;
      app::report("exit handler", is_own && sigismember(&blocked, SIGCHLD) == 0 ? 1 : 0);
    });
    app::enter(kInterval, SAM_RECOVERY_POLICY_QUIT);
    app::expect_ok(sam_start());
    ::_exit(3);
  });
  EXPECT_EQ(application.wait_for("exit handler").value, 1);
  application.expect_exit_code(3);
}

TEST(SamSignals, DoNotDisturbTheSupervisor) {
  SamProcess application([] {
    app::handle(SIGUSR1, report_and_go_on);
    const unsigned id = app::enter(kInterval, kRestart);
    app::expect_ok(sam_start());
    app::report("started", id);
    app::sleep_forever();
  });
  const Report first = application.wait_for("started");
  for (int round = 0; round < 20; ++round) {
    ::kill(application.supervisor(), SIGUSR1);
    EXPECT_EQ(application.wait_for("handled").pid, application.supervisor());
  }
  ::kill(first.pid, SIGKILL);
  EXPECT_EQ(application.wait_for("started").value, 2);
}

// Handlers without SA_RESTART interrupt every system call there is.
TEST(SamSignals, DoNotDisturbCommands) {
  SamProcess application([] {
    app::enter(kInterval, kRestart);
    app::every_100_microseconds([](int) {});
    for (unsigned round = 0; round < 500; ++round) {
      app::expect_ok(sam_start());
      app::expect_ok(sam_warn_signal_set(SIGUSR1));
      app::expect_ok(sam_data_store(&round, sizeof(round)));
      unsigned restored = 0;
      app::expect_ok(sam_data_restore(&restored, sizeof(restored)));
      app::expect_that(restored == round);
      app::expect_ok(sam_hc_send());
      app::expect_ok(sam_stop());
    }
    app::no_more_alarms();
    app::report("done");
  });
  application.wait_for("done");
  application.expect_exit_code(0);
}

// The supervisor killed: the active process learns it from its next health checks.
TEST(SamOrphan, IsEndedByAHealthCheck) {
  SamProcess application([] {
    app::enter(400, kRestart);
    app::expect_ok(sam_start());
    app::report("started");
    app::stay_healthy(20);
  });
  const Report instance = application.wait_for("started");
  ::kill(application.supervisor(), SIGKILL);
  const int status = application.wait_for_orphan(instance.pid);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGPIPE);
}

TEST(SamOrphan, ThatIgnoresSigpipeIsToldByTheHealthCheck) {
  SamProcess application([] {
    ::signal(SIGPIPE, SIG_IGN);
    app::enter(400, kRestart);
    app::expect_ok(sam_start());
    app::report("started");
    cs_error_t result = CS_OK;
    while ((result = sam_hc_send()) == CS_OK) app::pause_for(20);
    app::report("told", result);
    app::report("stop", sam_stop());
    ::_exit(33);
  });
  const Report instance = application.wait_for("started");
  ::kill(application.supervisor(), SIGKILL);
  EXPECT_EQ(WEXITSTATUS(application.wait_for_orphan(instance.pid)), 33);
  EXPECT_EQ(application.wait_for("told").value, CS_ERR_LIBRARY);
  EXPECT_EQ(application.wait_for("stop").value, CS_ERR_LIBRARY);
}

}  // namespace
}  // namespace cs::test
