// SPDX-License-Identifier: BSD-3-Clause
// Quorum policies against the real daemon: sam_start waits for quorum, losing it is a failure.
#include <signal.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "sam/sam_daemon.h"
#include "support/proc.h"
#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kRestart = SAM_RECOVERY_POLICY_QUORUM_RESTART;
constexpr int kQuit = SAM_RECOVERY_POLICY_QUORUM_QUIT;
constexpr int kInterval = 400;
constexpr int kLongInterval = 60'000;

class SamQuorum : public SamDaemonTest {};

[[noreturn]] void start_and_stay_healthy() {
  app::report("starting");
  app::expect_ok(sam_start());
  app::report("started");
  app::stay_healthy(20);
}

TEST_F(SamQuorum, WithoutADaemonInitializeFailsAndCanBeRepeated) {
  daemon().kill_hard();
  SamProcess application([] {
    accept_go();
    const auto policy = SAM_RECOVERY_POLICY_QUORUM_RESTART;
    app::expect(sam_initialize(kInterval, policy), CS_ERR_LIBRARY);
    app::expect(sam_register(nullptr), CS_ERR_BAD_HANDLE);
    app::report("refused");
    wait_for_go();
    app::expect_ok(sam_initialize(kInterval, policy));
    app::register_instance();
    start_and_stay_healthy();
  });
  application.wait_for("refused");
  ASSERT_TRUE(daemon().start());
  go(application.supervisor());
  application.wait_for("started");
}

TEST_F(SamQuorum, StartReturnsAtOnceWhenQuorate) {
  SamProcess application([] {
    app::enter(kInterval, kRestart);
    start_and_stay_healthy();
  });
  application.wait_for("started");
  application.expect_none("warned", 2 * kInterval);
  EXPECT_EQ(application.count("registered"), 1U);
}

TEST_F(SamQuorum, StartWaitsForQuorum) {
  lose_quorum();
  SamProcess application([] {
    app::enter(kInterval, kRestart);
    start_and_stay_healthy();
  });
  application.wait_for("starting");
  application.expect_none("started", 3 * kInterval);  // and the wait is no hang
  find_quorum();
  EXPECT_EQ(application.wait_for("started").instance, 1U);
}

TEST_F(SamQuorum, SignalsDoNotEndTheWaitForQuorum) {
  lose_quorum();
  SamProcess application([] {
    accept_go();
    app::enter(kInterval, kRestart);
    start_and_stay_healthy();
  });
  const Report waiting = application.wait_for("starting");
  for (int i = 0; i < 20; ++i) {
    go(waiting.pid);
    application.expect_none("started", 10);
  }
  find_quorum();
  EXPECT_EQ(application.wait_for("started").instance, 1U);
}

TEST_F(SamQuorum, LostQuorumWarnsAndTheNextInstanceWaitsForIt) {
  SamProcess application([] {
    app::enter(kLongInterval, kRestart);  // the warning ends it: no other end in sight
    start_and_stay_healthy();
  });
  application.wait_for("started");
  lose_quorum();
  EXPECT_EQ(application.wait_for("starting").instance, 2U);
  application.expect_none("returned in supervisor", 300);
  EXPECT_EQ(application.count("started"), 1U) << application.story();
  find_quorum();
  EXPECT_EQ(application.wait_for("started").instance, 2U);
}

TEST_F(SamQuorum, LostQuorumEndsAProcessThatFallsSilent) {
  SamProcess application([] {
    accept_go();
    app::handle(SIGTERM, [](int) {
      report_warning(SIGTERM);
      ::raise(SIGUSR2);
    });
    app::enter(kInterval, kRestart);
    app::report("starting");
    app::expect_ok(sam_start());
    app::report("started");
    while (go_signals == 0) app::send_health_checks(20, 20);
    app::sleep_forever();
  });
  application.wait_for("started");
  lose_quorum();
  EXPECT_EQ(application.wait_for("warned").instance, 1U);
  EXPECT_EQ(application.wait_for("starting").instance, 2U);
  EXPECT_EQ(application.count("warned"), 1U) << application.story();
}

TEST_F(SamQuorum, LostQuorumUnderQuitEndsTheSupervisor) {
  SamProcess application([] {
    app::enter(kInterval, kQuit);
    start_and_stay_healthy();
  });
  application.wait_for("started");
  lose_quorum();
  application.expect_exit_code(0);
  EXPECT_EQ(application.count("registered"), 1U);
}

TEST_F(SamQuorum, DeathWhileStartWaitsCountsAsStarted) {
  lose_quorum();
  SamProcess application([] {
    app::enter(kInterval, kRestart);
    start_and_stay_healthy();
  });
  for (unsigned id = 1; id <= 3; ++id) {
    const Report waiting = application.wait_for("starting");
    EXPECT_EQ(waiting.instance, id);
    ASSERT_TRUE(eventually([&] { return proc::state(waiting.pid) == 'S'; }));
    application.expect_none("started", 100);
    ::kill(waiting.pid, SIGKILL);
  }
  application.wait_for("starting");
  find_quorum();
  EXPECT_EQ(application.wait_for("started").instance, 4U);
}

TEST_F(SamQuorum, DeathWhileStartWaitsEndsTheSupervisorUnderQuit) {
  lose_quorum();
  SamProcess application([] {
    app::handle(SIGUSR1, [](int) { ::_exit(19); });
    app::enter(kInterval, kQuit);
    start_and_stay_healthy();
  });
  const Report waiting = application.wait_for("starting");
  application.expect_none("started", 200);
  ::kill(waiting.pid, SIGUSR1);
  application.expect_exit_code(19);
}

TEST_F(SamQuorum, LostQuorumIsNothingToAStoppedProcess) {
  SamProcess application([] {
    accept_go();
    app::handle(SIGTERM, report_warning);
    app::enter(kInterval, kRestart);
    app::report("idle");
    wait_for_go();
    app::expect_ok(sam_start());
    app::expect_ok(sam_stop());
    app::report("idle");
    wait_for_go();
    start_and_stay_healthy();
  });
  const Report instance = application.wait_for("idle");
  lose_quorum();
  application.expect_none("warned", 2 * kInterval);
  find_quorum();
  go(instance.pid);
  application.wait_for("idle");
  lose_quorum();
  application.expect_none("warned", 2 * kInterval);
  go(instance.pid);
  application.wait_for("starting");
  application.expect_none("started", 2 * kInterval);
  find_quorum();
  EXPECT_EQ(application.wait_for("started").instance, 1U);
}

TEST_F(SamQuorum, FinalizeEndsTheConnection) {
  SamProcess application([] {
    const std::size_t before = proc::count_descriptors(::getpid());
    app::expect_ok(sam_initialize(kInterval, SAM_RECOVERY_POLICY_QUORUM_RESTART));
    app::expect_that(proc::count_descriptors(::getpid()) > before);
    app::expect_ok(sam_finalize());
    app::expect_that(proc::count_descriptors(::getpid()) == before);
    app::report("done");
    app::sleep_forever();
  });
  application.wait_for("done");
}

// It has a connection of its own.
TEST_F(SamQuorum, ChildThatRegistersIsNotTouchedByWhatItsParentFinalizes) {
  SamProcess application([] {
    accept_go();
    app::handle(SIGTERM, report_warning);
    app::expect_ok(sam_initialize(kInterval, SAM_RECOVERY_POLICY_QUORUM_RESTART));
    if (::fork() == 0) {
      app::register_instance();
      start_and_stay_healthy();
    }
    wait_for_go();
    app::expect_ok(sam_finalize());
    app::report("finalized");
    app::sleep_forever();
  });
  application.wait_for("started");
  go(application.supervisor());
  application.wait_for("finalized");
  application.expect_none("warned", 2 * kInterval);
  lose_quorum();
  application.wait_for("warned");
  find_quorum();
}

TEST_F(SamQuorum, StoredDataSurviveTheLossOfQuorum) {
  SamProcess application([] {
    const unsigned id = app::enter(kLongInterval, kRestart);
    unsigned stored = 0;
    app::expect_ok(sam_data_restore(&stored, sizeof(stored)));
    app::expect_that(stored == id - 1);
    app::expect_ok(sam_data_store(&id, sizeof(id)));
    start_and_stay_healthy();
  });
  for (unsigned id = 1; id <= 3; ++id) {
    EXPECT_EQ(application.wait_for("started").instance, id);
    lose_quorum();
    EXPECT_EQ(application.wait_for("starting").instance, id + 1);
    find_quorum();
  }
  application.wait_for("started");
}

}  // namespace
}  // namespace cs::test
