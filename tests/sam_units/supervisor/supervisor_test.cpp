// SPDX-License-Identifier: BSD-3-Clause
// The supervisor's loop in a scripted world: what the simulation leaves out (log, exit codes), and
// the order of single steps.
#include "sam_units/supervisor/supervisor_support.h"

namespace cs::sam {
namespace {

TEST_F(SamSupervisor, NewInstanceLeavesWithItsNumber) {
  world_.forks = {0};
  const Ending ending = run();
  EXPECT_EQ(ending.kind, Ending::Kind::kNewLife);
  EXPECT_EQ(ending.instance_id, 1U);
}

TEST_F(SamSupervisor, FirstForkThatFailsIsReported) {
  world_.forks = {};
  const Ending ending = run();
  EXPECT_EQ(ending.kind, Ending::Kind::kFailed);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_THAT(world_.deadlines, IsEmpty());
}

TEST_F(SamSupervisor, FirstForkThatFailsLeavesNoKeys) {
  world_.forks = {};
  EXPECT_EQ(run(kQuit | SAM_RECOVERY_POLICY_CMAP).kind, Ending::Kind::kFailed);
  EXPECT_THAT(world_.asked.back(), testing::StartsWith("delete "));
}

TEST_F(SamSupervisor, LaterForkThatFailsIsTriedAgainAfterAPause) {
  then_start();
  then_die(SIGSEGV);
  then([this] {
    EXPECT_EQ(world_.deadlines.back(), Deadline::at(world_.time + 10 * kMs));
    world_.forks = {0};
    world_.time += 10 * kMs;
  });
  const Ending ending = run(kRestart);
  EXPECT_EQ(ending.kind, Ending::Kind::kNewLife);
  EXPECT_EQ(ending.instance_id, 2U);
  EXPECT_EQ(world_.discarded_stores, 1);
  EXPECT_EQ(world_.pipes, 3);  // one for each attempt but the first
}

TEST_F(SamSupervisor, WithoutAPidfdItListensForChildren) {
  world_.processes[kFirst].has_pidfd = false;
  then_die(0);
  world_.is_cut_off = true;
  (void)run();
  EXPECT_TRUE(world_.is_listening);
}

TEST_F(SamSupervisor, EndsWithTheInstancesExitCode) {
  then_start();
  then_die(kExitedWith3);
  const Ending ending = run();
  EXPECT_EQ(ending.kind, Ending::Kind::kOver);
  EXPECT_EQ(ending.exit_code, 3);
  EXPECT_EQ(last_record().event, Event::kEnd);
  EXPECT_EQ(last_record().reason.kind, Reason::Kind::kQuitPolicy);
  EXPECT_TRUE(last_record().is_failure);
}

TEST_F(SamSupervisor, AStatusThatAHandlerHasTakenIsTheExitCode) {
  then_start();
  then([this] {
    world_.processes[kFirst].status = kExitedWith3;
    world_.died_in_handler = true;
  });
  EXPECT_EQ(run().exit_code, 3);
}

TEST_F(SamSupervisor, DeathBySignalIsExitCodeZero) {
  then_start();
  then_die(SIGSEGV);
  EXPECT_EQ(run().exit_code, 0);
}

// However much came before it: a round takes only so many commands.

TEST_F(SamSupervisor, AStopThatArrivesWithTheDeathMakesItOrderly) {
  then_start();
  then([this] {
    world_.commands.assign(1000, {Received::kGarbage, {}});
    world_.send(Command::kStop, 2);
    world_.die(kFirst, SIGSEGV);
  });
  (void)run(kRestart);
  EXPECT_EQ(last_record().reason.kind, Reason::Kind::kNotStarted);
  EXPECT_FALSE(last_record().is_failure);
}

TEST_F(SamSupervisor, SilenceIsWarnedOfAndThenKilled) {
  then_start();
  then([this] { world_.time += kInterval + 4 * kMs; });
  then([this] {
    EXPECT_THAT(world_.signals, ElementsAre(Pair(kFirst, SIGUSR1)));
    world_.time += kInterval + 4 * kMs;
  });
  then([this] {
    EXPECT_THAT(world_.signals, ElementsAre(Pair(kFirst, SIGUSR1), Pair(kFirst, SIGKILL)));
    world_.die(kFirst, SIGKILL);
  });
  warn_signal_ = SIGUSR1;
  (void)run();
  ASSERT_EQ(world_.records.size(), 5U);
  EXPECT_EQ(world_.records[0].event, Event::kStart);
  EXPECT_EQ(world_.records[1].event, Event::kWarning);
  EXPECT_EQ(world_.records[1].number, SIGUSR1);
  EXPECT_EQ(world_.records[1].reason.kind, Reason::Kind::kSilence);
  EXPECT_EQ(world_.records[2].event, Event::kKill);
  EXPECT_EQ(world_.records[3].event, Event::kDeath);
  EXPECT_EQ(world_.records[3].uptime, 2 * (kInterval + 4 * kMs));
}

TEST_F(SamSupervisor, ItSleepsUntilAHealthCheckIsOverdueHoweverManyCome) {
  then_start();
  then([this] {
    EXPECT_EQ(world_.deadlines.back(), Deadline::at(world_.time + kInterval + 4 * kMs));
    world_.time += 500 * kMs;
    world_.shared_page.beat(world_.time);
  });
  then([this] {
    EXPECT_EQ(world_.deadlines.back(), Deadline::at(world_.time + kInterval + 4 * kMs));
    world_.die(kFirst, 0);
    world_.is_cut_off = true;
  });
  (void)run();
  EXPECT_THAT(world_.signals, IsEmpty());
}

TEST_F(SamSupervisor, ANudgeIsTakenBackSoThatTheNextCheckNudgesAgain) {
  then_start();
  then([this] {
    EXPECT_TRUE(world_.shared_page.claim_nudge());
    world_.send(Command::kHealthCheck, 0);
  });
  then([this] {
    EXPECT_TRUE(world_.shared_page.claim_nudge());  // and this one gets lost
    world_.shared_page.beat(++world_.time);
  });
  then([this] { EXPECT_TRUE(world_.shared_page.claim_nudge()); });
  (void)run();
}

// Wherever in the round it comes: as long as the clock is read after it.

TEST_F(SamSupervisor, AHealthCheckThatComesBeforeTheClockIsReadCounts) {
  int readings = 0;  // since the wait
  int beats = 0;
  std::size_t signals_before = 0;
  for (int beats_at = 1; beats_at < 8; ++beats_at) {
    world_.on_clock = [&, beats_at] {
      if (++readings != beats_at) return;
      world_.shared_page.beat(++world_.time);
      signals_before = world_.signals.size();
      ++beats;
    };
    world_.forks = {kFirst};
    world_.processes.clear();
    world_.signals.clear();
    then_start();
    then([&] {
      world_.time += kInterval + 4 * kMs;
      readings = 0;
    });
    then([&] { EXPECT_EQ(world_.signals.size(), signals_before) << beats_at; });
    then([this] { world_.die(kFirst, 0); });
    (void)run();
  }
  EXPECT_GE(beats, 3);
}

TEST_F(SamSupervisor, AHealthCheckOfATimeYetToComeIsNotPublished) {
  then_start();
  then([this] { world_.shared_page.beat(world_.time + 60'000 * kMs); });
  then([] {});
  (void)run(kQuit | SAM_RECOVERY_POLICY_CMAP);
  const std::string yet_to_come = std::to_string(world_.time + 60'000 * kMs);
  EXPECT_THAT(world_.asked, testing::Not(Contains(testing::HasSubstr(yet_to_come))));
}

TEST_F(SamSupervisor, TheInstanceMayChangeTheWarnSignal) {
  then([this] {
    world_.commands.push_back({Received::kFrame, {Command::kWarnSignal, SIGUSR2, 1, 1}});
  });
  (void)run();
  EXPECT_EQ(warn_signal_, SIGUSR2);
}

TEST_F(SamSupervisor, UnknownCommandsAndGarbageAreIgnored) {
  then([this] {
    world_.send(static_cast<Command>(77), 1);
    world_.commands.push_back({Received::kGarbage, {}});
    world_.send(Command::kStart, 2);
  });
  then([this] {
    ASSERT_EQ(world_.replies.size(), 1U);
    EXPECT_EQ(world_.replies[0].sequence, 2U);
  });
  (void)run();
}

TEST_F(SamSupervisor, CutOffFromTheInstanceItGivesUpAndKillsIt) {
  then([this] { world_.commands.push_back({Received::kBroken, {}}); });
  EXPECT_EQ(run().kind, Ending::Kind::kFailed);
  EXPECT_THAT(world_.signals, ElementsAre(Pair(kFirst, SIGKILL)));
  EXPECT_EQ(last_record().reason.kind, Reason::Kind::kBroken);
}

// What it tells the daemon then does not change that.
TEST_F(SamSupervisor, GivingUpKeepsErrnoThroughItsLastWords) {
  world_.daemon = [](const std::string&) {
    errno = EIO;
    return CS_OK;
  };
  then_start();
  EXPECT_EQ(run(kQuit | SAM_RECOVERY_POLICY_CMAP).kind, Ending::Kind::kFailed);
  EXPECT_EQ(errno, EBADF);
}

TEST_F(SamSupervisor, UnableToWaitItGivesUpWithErrno) {
  EXPECT_EQ(run().kind, Ending::Kind::kFailed);
  EXPECT_EQ(errno, EBADF);
  EXPECT_THAT(world_.signals, ElementsAre(Pair(kFirst, SIGKILL)));
}

// However many verdicts came before the last one: a round takes only so many.

TEST_F(SamSupervisor, AStartAfterLostQuorumWaits) {
  world_.has_quorum = world_.is_quorate_now = true;
  then([this] {
    world_.verdicts.assign(40, true);
    world_.verdicts.push_back(false);
    world_.send(Command::kStart, 1);
  });
  for (int rounds = 0; rounds < 3; ++rounds) {
    then([this] { EXPECT_THAT(world_.replies, IsEmpty()); });
  }
  then([this] { world_.verdicts = {true}; });
  then([this] { EXPECT_EQ(world_.replies.size(), 1U); });
  (void)run(kRestart | SAM_RECOVERY_POLICY_QUORUM);
}

TEST_F(SamSupervisor, ALostQuorumServiceIsConnectedToAgainAfterAPause) {
  world_.has_quorum = world_.is_quorate_now = true;
  then_start();
  then([this] { world_.has_quorum = world_.is_quorate_now = false; });
  (void)run(kRestart | SAM_RECOVERY_POLICY_QUORUM, 0);
  EXPECT_THAT(world_.asked, ElementsAre("connect"));
}

}  // namespace
}  // namespace cs::sam
