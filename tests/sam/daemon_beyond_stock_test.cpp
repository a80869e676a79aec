// SPDX-License-Identifier: BSD-3-Clause
// What the distribution's library gets wrong with a daemon: lost quorum that is ignored, daemons
// that stop, die and come back, and the daemon's watchdog. Every case of the suite
// SamDaemonBeyondStock fails there, which scripts/compare-with-stock verifies.
#include <signal.h>
#include <unistd.h>

#include <string>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "sam/sam_daemon.h"
#include "support/proc.h"
#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kCmap = SAM_RECOVERY_POLICY_CMAP;
constexpr int kRestartCmap = SAM_RECOVERY_POLICY_RESTART | kCmap;
constexpr int kQuorum = SAM_RECOVERY_POLICY_QUORUM_RESTART;
constexpr int kInterval = 500;

class SamDaemonBeyondStock : public SamDaemonTest {};
class SamDaemonLoss : public SamDaemonTest {};

TEST_F(SamDaemonBeyondStock, EveryCommandGetsItsOwnAnswer) {
  SamProcess application([] {
    accept_go();
    app::enter(60'000, kQuorum | kCmap);
    app::expect_ok(sam_start());
    app::expect_ok(sam_stop());
    app::report("stopped");
    wait_for_go();
    app::expect_ok(sam_start());
    app::report("started");
    app::sleep_forever();
  });
  const Report instance = application.wait_for("stopped");
  lose_quorum();
  go(instance.pid);
  expect_key_becomes(application.supervisor(), "state", "waiting for quorum");
  application.expect_none("started", 300);  // an answer left over would let it through
  find_quorum();
  application.wait_for("started");
}

// Deaf to the warning and healthy for ever.
[[noreturn]] void ignore_warnings(int interval, int policy) {
  app::handle(SIGTERM, report_warning);
  app::enter(interval, policy);
  app::report("starting");
  app::expect_ok(sam_start());
  app::report("started");
  app::stay_healthy(20);
}

TEST_F(SamDaemonBeyondStock, LostQuorumEndsAProcessThatIgnoresTheWarning) {
  SamProcess application([] { ignore_warnings(kInterval, kQuorum); });
  application.wait_for("started");
  lose_quorum();
  const Report warning = application.wait_for("warned");
  const Report next = application.wait_for("starting");
  EXPECT_EQ(next.instance, 2U);
  EXPECT_GE(next.time - warning.time, (kInterval - 50) * kNanosecondsPerMillisecond);
  EXPECT_EQ(application.count("warned"), 1U);
  application.expect_none("returned in supervisor", kInterval);
  EXPECT_EQ(application.count("started"), 1U);
  find_quorum();
  EXPECT_EQ(application.wait_for("started").instance, 2U);
}

TEST_F(SamDaemonLoss, QuorumThatReturnsWithinTheGraceIsForgiven) {
  SamProcess application([] { ignore_warnings(4000, kQuorum); });
  application.wait_for("started");
  lose_quorum();
  application.wait_for("warned");
  find_quorum();
  application.follow(5000);
  EXPECT_EQ(application.count("registered"), 1U) << application.story();
}

TEST_F(SamDaemonLoss, WithoutATimeLimitTheGraceDoesNotEnd) {
  SamProcess application([] { ignore_warnings(0, kQuorum); });
  application.wait_for("started");
  lose_quorum();
  application.wait_for("warned");
  application.expect_none("returned in supervisor", 1500);
  EXPECT_EQ(application.count("registered"), 1U) << application.story();
}

TEST_F(SamDaemonBeyondStock, LostDaemonCountsAsLostQuorumUntilItIsBack) {
  SamProcess application([] {
    app::enter(kInterval, kQuorum);
    app::report("starting");
    app::expect_ok(sam_start());
    app::report("started");
    app::stay_healthy(20);
  });
  application.wait_for("started");
  for (unsigned id = 2; id <= 3; ++id) {
    daemon().kill_hard();
    EXPECT_EQ(application.wait_for("starting").instance, id);
    application.expect_none("returned in supervisor", 300);
    EXPECT_EQ(application.count("started"), id - 1) << application.story();
    ASSERT_TRUE(daemon().start());
    EXPECT_EQ(application.wait_for("started").instance, id);
  }
}

TEST_F(SamDaemonBeyondStock, KeysArePublishedAnewByARestartedDaemon) {
  SamProcess application([] {
    app::handle(SIGTERM, report_warning);
    app::enter(2000, kRestartCmap);
    app::expect_ok(sam_start());
    app::report("started");
    app::stay_healthy(20);
  });
  application.wait_for("started");
  ASSERT_TRUE(daemon().restart());
  expect_key_becomes(application.supervisor(), "state", "running");
  EXPECT_EQ(key(application.supervisor(), "recovery"), "restart");
  EXPECT_EQ(key(application.supervisor(), "poll_period"), "2000");
  EXPECT_EQ(application.count("registered"), 1U);  // a matter of publishing only
  EXPECT_EQ(application.count("warned"), 0U);
}

TEST_F(SamDaemonBeyondStock, HangIsFoundWhileTheDaemonIsStopped) {
  SamProcess application([] {
    accept_go();
    const unsigned id = app::enter(kInterval, kQuorum | kCmap);
    cs_error_t result = CS_OK;
    while ((result = sam_start()) != CS_OK) app::pause_for(20);  // the daemon may not answer yet
    app::report("started", id);
    while (go_signals == 0) {
      app::expect_ok(sam_hc_send());
      app::pause_for(20);
    }
    app::report("silent");
    app::sleep_forever();
  });
  const Report first = application.wait_for("started");
  daemon().pause();
  application.follow(kInterval);
  go(first.pid);
  application.wait_for("silent");
  EXPECT_EQ(application.wait_for("registered").value, 2);
  daemon().resume();
  EXPECT_EQ(application.wait_for("started").value, 2);
  expect_key_becomes(application.supervisor(), "state", "running");
}

TEST_F(SamDaemonLoss, StoppedDaemonDoesNotHarmAHealthyProcess) {
  SamProcess application([] {
    app::handle(SIGTERM, report_warning);
    app::enter(kInterval, kRestartCmap);
    app::expect_ok(sam_start());
    app::report("started");
    app::stay_healthy(20);
  });
  application.wait_for("started");
  daemon().pause();
  application.expect_none("warned", 5 * kInterval);
  daemon().resume();
  application.expect_none("warned", 2 * kInterval);
  EXPECT_EQ(application.count("registered"), 1U) << application.story();
  const Nanoseconds now = monotonic_now();
  EXPECT_TRUE(eventually([&] {
    return std::stoll(key(application.supervisor(), "last_updated")) > now;
  })) << "updates do not go on";
}

TEST_F(SamDaemonBeyondStock, DeathIsRecoveredWhileTheDaemonIsStopped) {
  SamProcess application([] {
    app::enter(kInterval, kQuorum | kCmap);
    while (sam_start() != CS_OK) app::pause_for(20);
    app::report("started");
    app::stay_healthy(20);
  });
  const Report first = application.wait_for("started");
  daemon().pause();
  ::kill(first.pid, SIGKILL);
  EXPECT_TRUE(application.comes("registered", 8000)) << application.story();
  daemon().resume();
  EXPECT_EQ(application.wait_for("started").instance, 2U);
}

// Whatever the daemon does, an end is an end.
class SamEnd : public SamDaemonTest, public testing::WithParamInterface<bool> {
 protected:
  void silence_daemon() { GetParam() ? daemon().kill_hard() : daemon().pause(); }
};

TEST_P(SamEnd, FailureUnderQuitEndsTheSupervisor) {
  SamProcess application([] {
    app::enter(kInterval, SAM_RECOVERY_POLICY_QUIT | kCmap);
    app::handle(SIGUSR1, [](int) { ::_exit(23); });
    app::expect_ok(sam_start());
    app::report("started");
    app::stay_healthy(20);
  });
  const Report instance = application.wait_for("started");
  silence_daemon();
  application.follow(kInterval);
  ::kill(instance.pid, SIGUSR1);
  application.expect_exit_code(23);
}

TEST_P(SamEnd, StoppedProcessEndsWithItsExitCode) {
  SamProcess application([] {
    accept_go();
    app::enter(kInterval, kRestartCmap);
    app::report("idle");
    wait_for_go();
    ::_exit(24);
  });
  const Report instance = application.wait_for("idle");
  silence_daemon();
  go(instance.pid);
  application.expect_exit_code(24);
}

TEST_P(SamEnd, StopIsAnsweredAndNoFailureFollows) {
  SamProcess application([] {
    accept_go();
    app::handle(SIGTERM, report_warning);
    app::enter(kInterval, kRestartCmap);
    app::expect_ok(sam_start());
    app::report("started");
    while (go_signals == 0) app::send_health_checks(20, 20);
    // Its answer may be that of cmap; what counts is that one comes.
    while (sam_stop() != CS_OK) app::send_health_checks(20, 20);
    app::report("stopped");
    ::_exit(25);
  });
  const Report instance = application.wait_for("started");
  silence_daemon();
  go(instance.pid);
  const bool stopped_meanwhile = application.comes("stopped", 3000);
  if (GetParam()) {
    ASSERT_TRUE(daemon().start());
  } else {
    daemon().resume();
  }
  if (!stopped_meanwhile) application.wait_for("stopped");
  application.expect_exit_code(25);
  EXPECT_EQ(application.count("registered"), 1U) << application.story();
  EXPECT_EQ(application.count("warned"), 0U) << application.story();
}

INSTANTIATE_TEST_SUITE_P(Daemon, SamEnd, testing::Bool(),
                         [](const auto& killed) { return killed.param ? "Killed" : "Stopped"; });

TEST_F(SamDaemonBeyondStock, WithoutATimeLimitLastUpdatedAlwaysPasses) {
  SamProcess application([] {
    accept_go();
    app::enter(0, SAM_RECOVERY_POLICY_QUIT | kCmap);
    wait_for_go();
    app::expect_ok(sam_start());
    app::expect_ok(sam_hc_send());
    app::report("started");
    wait_for_go();
    app::die_by(SIGKILL);
  });
  const Report instance = application.wait_for("registered");
  EXPECT_EQ(key(application.supervisor(), "last_updated"), "0");
  go(instance.pid);
  application.wait_for("started");
  EXPECT_EQ(key(application.supervisor(), "last_updated"), "0");
  go(instance.pid);
  application.expect_exit_code(0);
  const Keys left = keys(application.supervisor());
  EXPECT_EQ(left.at("state"), "failed");
  EXPECT_GT(std::stoll(left.at("last_updated")), instance.time);
}

// The watchdog of the daemon looks for the first time 6 s after the registration.
TEST_F(SamDaemonBeyondStock, PauseBeforeTheStartIsNoFailureToTheWatchdog) {
  SamProcess application([] {
    app::enter(kInterval, kRestartCmap);
    app::pause_for(8000);
    app::expect_ok(sam_start());
    app::report("started");
    app::stay_healthy(20);
  });
  ASSERT_TRUE(application.comes("started", 30'000));
  const std::string verdict = "\"" + std::to_string(application.supervisor()) + "\" failed";
  EXPECT_EQ(daemon().log().find(verdict), std::string::npos);
}

}  // namespace
}  // namespace cs::test
