// SPDX-License-Identifier: BSD-3-Clause
// The supervisor's loop in a scripted world: what the operator has asked for.
#include "sam_units/supervisor/supervisor_support.h"

namespace cs::sam {
namespace {

class SamSupervisorOperator : public SamSupervisor {};

TEST_F(SamSupervisorOperator, DeathBySignalIsToldAsAShellDoesIfThatIsAskedFor) {
  asked_.tells_signal_at_exit = true;
  then_start();
  then_die(SIGSEGV);
  EXPECT_EQ(run().exit_code, 128 + SIGSEGV);
}

TEST_F(SamSupervisorOperator, WhileTheKernelHasAnExcuseSilenceIsNoHang) {
  world_.excuse = Excuse::kDumpingCore;
  then_start();
  for (int i = 0; i < 3; ++i) {
    then([this] { world_.time += kInterval + 4 * kMs; });
  }
  then_die(SIGSEGV);
  (void)run();
  EXPECT_THAT(world_.signals, IsEmpty());
}

// Otherwise the daemon's watchdog would reset the machine during the clean-up.
TEST_F(SamSupervisorOperator, CmapShowsNoTimeWhileTheProcessIsExcused) {
  const std::string key = "resources.process.50.last_updated=";
  const Nanoseconds begun = world_.time;
  const auto beat = [this] { world_.shared_page.beat(world_.time += 100 * kMs); };
  then_start();
  then_forward(SIGTERM);
  then([&] {
    EXPECT_EQ(world_.asked.back(), key + "0");
    beat();
  });
  then([&] {
    EXPECT_EQ(world_.asked.back(), key + "0");
    world_.time = begun + 60'100 * kMs;  // and the last health check is old by now
  });
  then([&] {
    EXPECT_THAT(world_.signals, ElementsAre(Pair(kFirst, SIGTERM), Pair(kFirst, SIGTERM)));
    EXPECT_EQ(world_.asked.back(), key + "0");
    beat();
  });
  then([&] {
    const Nanoseconds shown = world_.shared_page.last_beat(world_.time);
    EXPECT_EQ(world_.asked.back(), key + std::to_string(shown));
  });
  (void)run(kRestart | SAM_RECOVERY_POLICY_CMAP);
}

TEST_F(SamSupervisorOperator, AHealthCheckWhileAnExcuseIsLookedForCounts) {
  world_.on_excuse = [this] { world_.shared_page.beat(world_.time); };
  then_start();
  then([this] { world_.time += kInterval + 4 * kMs; });
  then([this] { EXPECT_THAT(world_.signals, IsEmpty()); });
  (void)run();
}

TEST_F(SamSupervisorOperator, SignalsArePassedOnUnlessTheInstanceHasThem) {
  then_forward(SIGHUP);
  then_forward(SIGUSR1, true);
  then([this] { EXPECT_THAT(world_.signals, ElementsAre(Pair(kFirst, SIGHUP))); });
  (void)run();
}

TEST_F(SamSupervisorOperator, AfterAStopThatWasOrderedNoInstanceFollows) {
  then_start();
  then_forward(SIGTERM);
  then_die(SIGTERM);
  const Ending ending = run(kRestart);
  EXPECT_EQ(ending.kind, Ending::Kind::kOver);
  EXPECT_EQ(ending.exit_code, 0);
  EXPECT_EQ(last_record().reason.kind, Reason::Kind::kStopAsked);
  EXPECT_EQ(last_record().reason.value, SIGTERM);
  EXPECT_FALSE(last_record().is_failure);
}

TEST_F(SamSupervisorOperator, AStopThatComesWithTheDeathIsFollowedByNoInstance) {
  world_.on_reap = [this] { world_.forwarded.push_back({SIGTERM, true}); };
  then_start();
  then_die(SIGSEGV);
  EXPECT_EQ(run(kRestart).kind, Ending::Kind::kOver);
  EXPECT_EQ(last_record().reason.kind, Reason::Kind::kStopAsked);
}

TEST_F(SamSupervisorOperator, AProcessThatFailsWhileItStopsIsNotSaidToHaveStopped) {
  then_start();
  then_forward(SIGTERM);
  then([this] { world_.send(Command::kMarkFailed, 0); });
  then_die(SIGKILL);
  EXPECT_EQ(run(kRestart).kind, Ending::Kind::kOver);
  EXPECT_EQ(last_record().reason.kind, Reason::Kind::kMarkedFailed);
  EXPECT_TRUE(last_record().is_failure);
}

TEST_F(SamSupervisorOperator, AnotherSignalThanTheOneThatAskedIsToldAtExit) {
  asked_.tells_signal_at_exit = true;
  then_start();
  then_forward(SIGTERM);
  then_die(SIGSEGV);
  EXPECT_EQ(run(kRestart).exit_code, 128 + SIGSEGV);
}

TEST_F(SamSupervisorOperator, AStopOrderedWhileWaitingForQuorumLetsTheProcessGo) {
  then_start();
  then_forward(SIGTERM);
  then([this] {
    ASSERT_EQ(world_.replies.size(), 1U);
    EXPECT_EQ(world_.replies[0].status, CS_ERR_FAILED_OPERATION);
    world_.die(kFirst, kExitedWith3);
  });
  world_.has_quorum = true;
  EXPECT_EQ(run(kRestart | SAM_RECOVERY_POLICY_QUORUM).exit_code, 0);
}

// Its handler of the signal finds itself waiting still.
TEST_F(SamSupervisorOperator, AStopIsPassedOnBeforeWhoWaitsIsLetGo) {
  world_.on_signal = [this] { EXPECT_THAT(world_.replies, IsEmpty()); };
  then_start();
  then_forward(SIGTERM);
  then([this] {
    EXPECT_THAT(world_.signals, ElementsAre(Pair(kFirst, SIGTERM)));
    EXPECT_EQ(world_.replies.size(), 1U);
    world_.on_signal = nullptr;
    world_.die(kFirst, kExitedWith3);
  });
  world_.has_quorum = true;
  (void)run(kRestart | SAM_RECOVERY_POLICY_QUORUM);
}

TEST_F(SamSupervisorOperator, TheExcuseOfADaemonIsItsOwn) {
  static constexpr pid_t kDaemon = 200;
  then_start();
  then([this] {
    world_.processes[kDaemon];
    world_.shared_page.note_fork(kFirst, kDaemon);
    world_.shared_page.announce(kDaemon);
    world_.die(kFirst, 0);
  });
  then([this] { world_.time += kInterval + 4 * kMs; });
  then([this] { EXPECT_EQ(world_.excuse_sought_for, kDaemon); });
  (void)run();
}

TEST_F(SamSupervisorOperator, AStopWhileARestartIsWaitedForEndsAtOnce) {
  asked_.restart_delay = 60'000 * kMs;
  then_start();
  then_die(SIGSEGV);
  then_forward(SIGTERM);
  EXPECT_EQ(run(kRestart).kind, Ending::Kind::kOver);
  EXPECT_EQ(last_record().reason.kind, Reason::Kind::kStopAsked);
}

// It has been taken in, so it does not end a wait.
TEST_F(SamSupervisorOperator, WhatHasWaitedForTheNextInstanceReachesItWithinASecond) {
  asked_.forwarded.add(SIGHUP);
  world_.forks = {kFirst, kSecond};
  world_.on_reap = [this] { world_.forwarded.push_back({SIGHUP, false}); };
  then_start();
  then_die(SIGSEGV);
  then([this] {
    EXPECT_THAT(world_.signals, IsEmpty());  // it may have no handler yet
    EXPECT_EQ(world_.deadlines.back(), Deadline::at(world_.time + 1000 * kMs));
    world_.time += 1000 * kMs;
  });
  then([this] {
    EXPECT_THAT(world_.signals, ElementsAre(Pair(kSecond, SIGHUP)));
    EXPECT_TRUE(world_.deadlines.back().is_never());
  });
  (void)run(kRestart);
}

TEST_F(SamSupervisorOperator, ARestartWaitsForItsDelay) {
  asked_.restart_delay = 60'000 * kMs;
  then_start();
  then_die(SIGSEGV);
  then([this] {
    ASSERT_FALSE(world_.deadlines.back().is_never());
    EXPECT_GT(world_.deadlines.back().when(), world_.time);
    world_.forks = {0};
    world_.time = world_.deadlines.back().when();
  });
  EXPECT_EQ(run(kRestart).instance_id, 2U);
}

TEST_F(SamSupervisorOperator, AtTheRestartLimitItEndsAsFailed) {
  asked_.restart_limit = {.count = 1, .period = 60'000 * kMs};
  world_.forks = {kFirst, kSecond};
  then_start();
  then_die(SIGSEGV);
  then([this] { world_.send(Command::kStart, 1, 2); });
  then([this] { world_.die(kSecond, SIGSEGV); });
  const Ending ending = run(kRestart);
  EXPECT_EQ(ending.kind, Ending::Kind::kOver);
  EXPECT_NE(ending.exit_code, 0);
  EXPECT_EQ(last_record().reason.kind, Reason::Kind::kLimitReached);
}

TEST_F(SamSupervisorOperator, ServiceManagerHearsOfReadinessAndOfTheEnd) {
  asked_.notifies = true;
  then_start();
  then_die(kExitedWith3);
  (void)run();
  EXPECT_THAT(world_.notices, Contains(testing::HasSubstr("READY=1")));
  EXPECT_THAT(world_.notices.back(), testing::HasSubstr("STOPPING=1"));
}

TEST_F(SamSupervisorOperator, ServiceManagerHearsOfReadinessOnce) {
  asked_.notifies = true;
  std::size_t heard = 0;
  then_start();
  then([&] {
    heard = world_.notices.size();
    world_.send(Command::kStop, 2);
    world_.send(Command::kStart, 3);
  });
  then([&] { EXPECT_EQ(world_.notices.size(), heard); });
  (void)run();
}

TEST_F(SamSupervisorOperator, ALostNoticeIsSentAgainAfterAPause) {
  asked_.notifies = true;
  world_.loses_notices = true;
  then([] {});
  then([this] {
    EXPECT_EQ(world_.notices.size(), 1U);
    EXPECT_EQ(world_.deadlines.back(), Deadline::at(world_.time + 100 * kMs));
    world_.time += 100 * kMs;
  });
  then([this] { EXPECT_EQ(world_.notices.size(), 2U); });
  (void)run();
}

}  // namespace
}  // namespace cs::sam
