// SPDX-License-Identifier: BSD-3-Clause
// The flag CMAP against the real daemon: which keys stand under resources.process.PID. before,
// during and after each kind of end.
#include <signal.h>
#include <unistd.h>

#include <string>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "sam/sam_daemon.h"
#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kQuit = SAM_RECOVERY_POLICY_QUIT | SAM_RECOVERY_POLICY_CMAP;
constexpr int kRestart = SAM_RECOVERY_POLICY_RESTART | SAM_RECOVERY_POLICY_CMAP;
constexpr int kQuorumRestart = SAM_RECOVERY_POLICY_QUORUM_RESTART | SAM_RECOVERY_POLICY_CMAP;
constexpr int kInterval = 600;
constexpr int kLongInterval = 60'000;

class SamCmap : public SamDaemonTest {
 protected:
  void expect_state(const SamProcess& application, const std::string& state) {
    EXPECT_EQ(key(application.supervisor(), "state"), state) << application.story();
  }
  void expect_no_keys(const SamProcess& application) {
    EXPECT_EQ(keys(application.supervisor()), Keys{}) << application.story();
  }
};

TEST_F(SamCmap, KeysFollowTheProcessThroughItsStates) {
  SamProcess application([] {
    accept_go();
    app::enter(kLongInterval, kRestart);
    wait_for_go();
    for (int round = 0; round < 2; ++round) {
      app::expect_ok(sam_start());
      app::report("started");
      wait_for_go();
      app::expect_ok(sam_stop());
      app::report("stopped");
      wait_for_go();
    }
  });
  const Report instance = application.wait_for("registered");
  const Keys registered = keys(application.supervisor());
  EXPECT_EQ(registered.at("recovery"), "restart");
  EXPECT_EQ(registered.at("poll_period"), std::to_string(kLongInterval));
  EXPECT_EQ(registered.at("state"), "stopped");
  for (int round = 0; round < 2; ++round) {
    go(instance.pid);
    application.wait_for("started");
    expect_state(application, "running");
    go(instance.pid);
    application.wait_for("stopped");
    expect_state(application, "stopped");
  }
  go(instance.pid);
  application.expect_exit_code(0);
  expect_no_keys(application);
}

TEST_F(SamCmap, PolicyQuitIsPublished) {
  SamProcess application([] {
    app::enter(kLongInterval, kQuit);
    app::report("in");
    app::sleep_forever();
  });
  application.wait_for("in");
  EXPECT_EQ(key(application.supervisor(), "recovery"), "quit");
}

TEST_F(SamCmap, WithoutADaemonRegisterFails) {
  daemon().kill_hard();
  SamProcess application([] {
    app::expect_ok(sam_initialize(kInterval, static_cast<sam_recovery_policy_t>(kRestart)));
    const cs_error_t result = sam_register(nullptr);
    app::report("answer", result);
    app::expect_that(::getpid() == app::supervisor());
    ::_exit(3);
  });
  EXPECT_EQ(application.wait_for("answer").value, CS_ERR_LIBRARY);
  application.expect_exit_code(3);
  EXPECT_EQ(application.count("answer"), 1U);
}

TEST_F(SamCmap, NextInstanceStandsAsStoppedUntilItStarts) {
  SamProcess application([] {
    accept_go();
    app::enter(kLongInterval, kRestart);
    wait_for_go();
    app::expect_ok(sam_start());
    app::report("started");
    wait_for_go();
    app::die_by(SIGKILL);
  });
  for (int id = 1; id <= 3; ++id) {
    const Report instance = application.wait_for("registered");
    EXPECT_EQ(instance.value, id);
    expect_state(application, "stopped");
    go(instance.pid);
    application.wait_for("started");
    expect_state(application, "running");
    go(instance.pid);
  }
}

TEST_F(SamCmap, WaitForQuorumIsPublished) {
  lose_quorum();
  SamProcess application([] {
    app::enter(kLongInterval, kQuorumRestart);
    app::expect_ok(sam_start());
    app::report("started");
    app::stay_healthy(50);
  });
  application.wait_for("registered");
  expect_key_becomes(application.supervisor(), "state", "waiting for quorum");
  find_quorum();
  application.wait_for("started");
  expect_state(application, "running");
  lose_quorum();  // SIGTERM ends it
  EXPECT_EQ(application.wait_for("registered").value, 2);
  expect_key_becomes(application.supervisor(), "state", "waiting for quorum");
}

TEST_F(SamCmap, DeathUnderQuitLeavesTheStateFailed) {
  SamProcess application([] {
    app::enter(kLongInterval, kQuit);
    app::expect_ok(sam_start());
    ::_exit(5);
  });
  application.expect_exit_code(5);
  expect_state(application, "failed");
  EXPECT_EQ(key(application.supervisor(), "recovery"), "quit");
}

TEST_F(SamCmap, HangUnderQuitLeavesTheStateFailed) {
  SamProcess application([] {
    app::enter(kInterval, kQuit);
    app::expect_ok(sam_start());
    app::sleep_forever();
  });
  application.expect_exit_code(0);
  expect_state(application, "failed");
}

TEST_F(SamCmap, EndInAStoppedStateDeletesTheKeys) {
  enum End { kBeforeStart, kAfterStop, kFinalized };
  for (const End end : {kBeforeStart, kAfterStop, kFinalized}) {
    SamProcess application([end] {
      app::enter(kLongInterval, kRestart);
      if (end != kBeforeStart) app::expect_ok(sam_start());
      if (end == kAfterStop) app::expect_ok(sam_stop());
      if (end == kFinalized) app::expect_ok(sam_finalize());
      ::_exit(6);
    });
    application.expect_exit_code(6);
    expect_no_keys(application);
  }
}

TEST_F(SamCmap, MarkFailedKillsUnwarnedAndEndsWhateverThePolicy) {
  for (const bool started : {true, false}) {
    SamProcess application([started] {
      app::handle(SIGTERM, report_warning);
      app::enter(kLongInterval, kRestart);
      if (started) app::expect_ok(sam_start());
      app::expect_ok(sam_mark_failed());
      app::sleep_forever();
    });
    application.expect_exit_code(0);
    expect_state(application, "failed");
    EXPECT_EQ(application.count("registered"), 1U);
    EXPECT_EQ(application.count("warned"), 0U);
  }
}

// Whatever the rate: every 2 s would be enough for the daemon's watchdog, every 100 ms for us.
class SamCmapRate : public SamCmap, public testing::WithParamInterface<int> {};

TEST_P(SamCmapRate, LastUpdatedIsFresh) {
  SamProcess application([period = GetParam()] {
    app::enter(2000, kRestart);
    app::expect_ok(sam_start());
    app::report("started");
    for (;;) {
      app::expect_ok(sam_hc_send());
      if (period > 0) app::pause_for(period);
    }
  });
  application.wait_for("started");
  for (int round = 0; round < 6; ++round) {
    application.follow(150);
    const Nanoseconds before = monotonic_now();
    const std::int64_t updated = std::stoll(key(application.supervisor(), "last_updated"));
    EXPECT_GT(updated, before - 1000 * kNanosecondsPerMillisecond);
    EXPECT_LE(updated, monotonic_now());
  }
}

INSTANTIATE_TEST_SUITE_P(Milliseconds, SamCmapRate, testing::Values(0, 1, 100));

}  // namespace
}  // namespace cs::test
