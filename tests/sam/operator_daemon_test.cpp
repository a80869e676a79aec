// SPDX-License-Identifier: BSD-3-Clause
// What the operator asks for, where it concerns the daemon: a stop while quorum is waited for, and
// what is left in cmap.
#include <signal.h>
#include <unistd.h>

#include "sam/operator_support.h"
#include "sam/sam_daemon.h"

namespace cs::test {
namespace {

constexpr int kQuorumRestart = SAM_RECOVERY_POLICY_QUORUM_RESTART | SAM_RECOVERY_POLICY_CMAP;
constexpr int kCmapRestart = SAM_RECOVERY_POLICY_RESTART | SAM_RECOVERY_POLICY_CMAP;

volatile sig_atomic_t g_stop;

class SamOperatorDaemon : public SamDaemonTest {};

// A handler that sets a flag does not end the wait, and the flag is not looked at in it.
TEST_F(SamOperatorDaemon, StopLetsGoOfWhoWaitsForQuorum) {
  lose_quorum();
  SamProcess application([] {
    set("SAM_FORWARD", "TERM");
    app::handle(SIGTERM, [](int) { g_stop = 1; });
    app::enter(kLongInterval, kQuorumRestart);
    app::report("waits");
    app::expect(sam_start(), CS_ERR_FAILED_OPERATION);
    app::report("let go", g_stop);
    app::expect(sam_start(), CS_ERR_FAILED_OPERATION);  // again, at once
    app::expect(sam_hc_send(), CS_ERR_BAD_HANDLE);
    app::report("cleaned up");
    ::exit(1);  // the failed call, to a program: the operator got what he wanted
  });
  application.wait_for("waits");
  expect_key_becomes(application.supervisor(), "state", "waiting for quorum");
  ::kill(application.supervisor(), SIGTERM);
  EXPECT_EQ(application.wait_for("let go").value, 1);  // it heard of the stop first
  application.wait_for("cleaned up");
  application.expect_exit_code(0);
  EXPECT_EQ(application.count("registered"), 1U);
  EXPECT_EQ(keys(application.supervisor()), Keys{});
}

TEST_F(SamOperatorDaemon, StopLeavesNoKeys) {
  SamProcess application([] {
    set("SAM_FORWARD", "TERM");
    app::enter(kLongInterval, kCmapRestart);
    app::expect_ok(sam_start());
    app::report("runs");
    app::sleep_forever();  // SIGTERM kills it, started as it is
  });
  application.wait_for("runs");
  EXPECT_EQ(key(application.supervisor(), "state"), "running");
  ::kill(application.supervisor(), SIGTERM);
  application.expect_exit_code(0);
  EXPECT_EQ(keys(application.supervisor()), Keys{});
}

TEST_F(SamOperatorDaemon, LimitLeavesTheStateFailed) {
  SamProcess application([] {
    set("SAM_RESTART_LIMIT", "1/3600");
    app::enter(kLongInterval, kCmapRestart);
    app::expect_ok(sam_start());
    app::die_by(SIGSEGV);
  });
  application.expect_exit_code(128 + SIGSEGV);
  EXPECT_EQ(key(application.supervisor(), "state"), "failed");
}

// Else the daemon's watchdog service would find it late, and might reset the machine.
TEST_F(SamOperatorDaemon, StateIsStoppedWhileTheNextInstanceIsWaitedFor) {
  SamProcess application([] {
    set("SAM_RESTART_DELAY", "3600000");
    app::enter(2000, kCmapRestart);
    app::expect_ok(sam_start());
    app::die_by(SIGSEGV);
  });
  application.wait_for("registered");
  EXPECT_TRUE(eventually([&] { return proc::children(application.supervisor()).empty(); }));
  expect_key_becomes(application.supervisor(), "state", "stopped");
  EXPECT_EQ(key(application.supervisor(), "last_updated"), "0");
  lose_quorum();  // there is nobody to be warned of it
  find_quorum();
  EXPECT_TRUE(proc::exists(application.supervisor()));
}

TEST_F(SamOperatorDaemon, LogTellsOfLostQuorum) {
  const LogFile log;
  SamProcess application([&] {
    log.use();
    app::enter(300, kQuorumRestart);
    ::signal(SIGUSR1, SIG_IGN);
    app::expect_ok(sam_warn_signal_set(SIGUSR1));
    app::expect_ok(sam_start());
    app::report("runs");
    app::stay_healthy(20);
  });
  application.wait_for("runs");
  lose_quorum();
  log.expect("warning instance=1 pid=\\d+ reason=\"quorum lost\" signal=SIGUSR1");
  log.expect("kill instance=1 pid=\\d+ reason=\"quorum lost\"");
  log.expect("death instance=1 pid=\\d+ reason=\"killed by SIGKILL\"");
  find_quorum();
  EXPECT_EQ(application.wait_for("runs").instance, 2U);
}

}  // namespace
}  // namespace cs::test
