// SPDX-License-Identifier: BSD-3-Clause
// The active process's side of the channel; the test is the supervisor, and each instance a child.
#include "sam_units/active/active_support.h"

#include <sched.h>
#include <sys/ioctl.h>

#include "sam_units/counted_poll.h"

namespace cs::sam {
namespace {

TEST_F(SamActive, HealthCheckIsOnThePage) {
  EXPECT_EQ(channel_.heartbeat().last_beat(coarse_now()), 0);
  const Nanoseconds before = coarse_now() - heartbeat_resolution();
  run([](Active& active) { return active.health_check(); });
  EXPECT_EQ(wait_for_end(), CS_OK);
  EXPECT_GE(channel_.heartbeat().last_beat(coarse_now()), before);
}

TEST_F(SamActive, PublishedHealthCheckNudgesOnce) {
  run(
      [](Active& active) {
        for (int i = 0; i < 3; ++i) {
          if (const cs_error_t status = active.health_check(); status != CS_OK) return status;
        }
        return CS_OK;
      },
      SAM_RECOVERY_POLICY_CMAP | SAM_RECOVERY_POLICY_RESTART);
  EXPECT_EQ(wait_for_end(), CS_OK);
  const auto nudge = next_command();
  ASSERT_TRUE(nudge);
  EXPECT_EQ(nudge->command, Command::kHealthCheck);
  EXPECT_EQ(nudge->instance, kInstance);
  CommandFrame none;
  EXPECT_EQ(receive_frame(channel_.commands(), none), Received::kNothing);
  EXPECT_FALSE(channel_.heartbeat().claim_nudge());  // it still is on its way
}

TEST_F(SamActive, WhatItTellsArrivesAndWaitsForNothing) {
  run([](Active& active) { return active.tell(Command::kWarnSignal, SIGUSR2); });
  EXPECT_EQ(wait_for_end(), CS_OK);
  const auto told = next_command();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->command, Command::kWarnSignal);
  EXPECT_EQ(told->argument, SIGUSR2);
  EXPECT_EQ(told->instance, kInstance);
}

TEST_F(SamActive, OneOfAnEarlierInstanceIsTurnedAway) {
  channel_.heartbeat().begin_instance(kInstance + 1);
  run([](Active& active) {
    const bool refused = active.health_check() == CS_ERR_LIBRARY &&
                         active.check_supervisor() == CS_ERR_LIBRARY &&
                         active.tell(Command::kMarkFailed, 0) == CS_ERR_LIBRARY &&
                         ask(active, Command::kStart) == CS_ERR_LIBRARY;
    active.finish();
    return refused ? 0 : 1;
  });
  EXPECT_EQ(wait_for_end(), 0);
  EXPECT_EQ(channel_.heartbeat().last_beat(coarse_now()), 0);
  EXPECT_EQ(channel_.heartbeat().finisher(), 0);
  CommandFrame none;
  EXPECT_EQ(receive_frame(channel_.commands(), none), Received::kNothing);
}

// As a daemon does it; the numbers may stand for the application's files by then.
TEST_F(SamActive, ClosedDescriptorsAreNotWrittenTo) {
  run([](Active& active) {
    int ends[2];
    for (int fd = 3; fd < 256; ++fd) ::close(fd);
    if (::pipe(ends) != 0) return 1;
    while (::dup(ends[1]) < 64) {
    }
    if (active.tell(Command::kStop, 0) != CS_ERR_LIBRARY) return 2;
    pollfd written{ends[0], POLLIN, 0};
    if (::poll(&written, 1, 0) != 0) return 3;
    return active.health_check() == CS_OK ? 0 : 4;  // needs no pipe
  });
  EXPECT_EQ(wait_for_end(), 0);
}

TEST_F(SamActive, FinishIsSaidOnThePage) {
  run([](Active& active) {
    active.finish();
    return 0;
  });
  const pid_t instance = child_;
  EXPECT_EQ(wait_for_end(), 0);
  EXPECT_EQ(channel_.heartbeat().finisher(), instance);
}

// Its parent is never the supervisor, which it must not take for lost.
TEST_F(SamActive, ProcessThatTakesItsPlaceIsAnnounced) {
  run([](Active& active) {
    const pid_t next = ::fork();
    if (next == 0 && active.check_supervisor() != CS_OK) ::_exit(CS_ERR_LIBRARY);
    if (next == 0) ::_exit(active.tell(Command::kStop, 0));
    int status = -1;
    ::waitpid(next, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  });
  const pid_t instance = child_;
  EXPECT_EQ(wait_for_end(), CS_OK);
  const pid_t next = channel_.heartbeat().next_of(instance);
  EXPECT_GT(next, 0);
  EXPECT_EQ(channel_.heartbeat().announced(), next);
}

// Not only when its parent's next look would have been due.
TEST_F(SamActive, ProcessThatTakesItsPlaceIsAnnouncedByItsFirstHealthCheck) {
  run(
      [](Active& active) {
        EXPECT_EQ(active.health_check(), CS_OK);
        return in_child([&] { EXPECT_EQ(active.health_check(), CS_OK); });
      },
      SAM_RECOVERY_POLICY_RESTART, 60'000);
  const pid_t instance = child_;
  EXPECT_EQ(wait_for_end(), 0);
  EXPECT_GT(channel_.heartbeat().announced(), 0);
  EXPECT_EQ(channel_.heartbeat().announced(), channel_.heartbeat().next_of(instance));
}

TEST_F(SamActive, LossOfTheSupervisorIsSigpipeAndThenAnError) {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) GTEST_SKIP() << "no subreapers under an emulator";
  const auto lose_it = [&](Active& active) {
    static volatile sig_atomic_t signals = 0;
    struct sigaction action = {};
    action.sa_handler = [](int) { signals = signals + 1; };
    ::sigaction(SIGPIPE, &action, nullptr);
    const pid_t supervisor = ::getppid();
    if (::write(told_.write_end.get(), "r", 1) != 1) return false;
    while (::getppid() == supervisor) ::poll(nullptr, 0, 1);
    while (active.health_check() == CS_OK) ::poll(nullptr, 0, 1);
    const bool again = active.check_supervisor() == CS_ERR_LIBRARY;
    return signals >= 2 && again;
  };
  ASSERT_NO_FATAL_FAILURE(start_orphan(lose_it, [&] {
    char ready = '-';
    EXPECT_EQ(::read(told_.read_end.get(), &ready, 1), 1);
  }));
  channel_.close_all();
  expect_yes_of_orphan();
}

// Another process, which the supervisor has forked, still holds the pipes then: the test.
TEST_F(SamActive, QuestionEndsWithTheSupervisorWhoeverHoldsThePipes) {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) GTEST_SKIP() << "no subreapers under an emulator";
  ASSERT_NO_FATAL_FAILURE(
      start_orphan([](Active& active) { return ask(active, Command::kStart) == CS_ERR_LIBRARY; },
                   [&] { EXPECT_TRUE(next_command()); }));
  expect_yes_of_orphan();
}

// More than a pipe holds.
TEST_F(SamActive, FullPipeLosesNoCommand) {
  constexpr int kCommands = 10'000;
  run([](Active& active) {
    for (int i = 0; i < kCommands; ++i) {
      if (active.tell(Command::kWarnSignal, i) != CS_OK) return 1;
    }
    return 0;
  });
  int waiting = 0;  // bytes; nothing is read before the pipe is full
  const Deadline limit = Deadline::in_milliseconds(kPatienceMs);
  for (int before = -1; waiting != before && !limit.has_passed(monotonic_now());) {
    before = waiting;
    ::poll(nullptr, 0, 50);
    ASSERT_EQ(::ioctl(channel_.commands(), FIONREAD, &waiting), 0);
    if (waiting < PIPE_BUF) waiting = before - 1;  // it has hardly begun
  }
  for (int i = 0; i < kCommands; ++i) {
    const auto told = next_command();
    ASSERT_TRUE(told);
    ASSERT_EQ(told->argument, i);
  }
  EXPECT_EQ(wait_for_end(), 0);
}

// The supervisor is awake then; the next check, once there is room, must be able to wake it.
TEST_F(SamActive, NudgeWithoutRoomIsNotOnItsWay) {
  ActiveEnds ends = ends_without_room();
  HeartbeatPage& page = *ends.heartbeat;
  EXPECT_EQ(in_child([&] {
              static constinit Active active;
              active.begin(std::move(ends), kInstance,
                           Settings::from(*RecoveryPolicy::parse(SAM_RECOVERY_POLICY_CMAP |
                                                                 SAM_RECOVERY_POLICY_RESTART),
                                          0));
              EXPECT_EQ(active.health_check(), CS_OK);
            }),
            0);
  EXPECT_TRUE(page.claim_nudge());
}

// Its number is somebody else's where the supervisor is, who would be killed with the instance.
TEST_F(SamActive, ProcessOfAnotherNamespaceAnnouncesNothing) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make a namespace of process ids";
  EXPECT_EQ(in_child([this] {
              ASSERT_EQ(::unshare(CLONE_NEWPID), 0);
              run([](Active& active) {
                return in_child([&] {
                  EXPECT_EQ(active.tell(Command::kMarkFailed, 0), CS_OK);
                  active.finish();
                });
              });
              EXPECT_EQ(wait_for_end(), 0);
              EXPECT_TRUE(next_command());
            }),
            0);
  EXPECT_EQ(channel_.heartbeat().announced(), 0);
}

// As a daemon does it; whoever reads what it opens next is not the supervisor.
TEST_F(SamActive, AnotherPipeWithoutAReaderIsNoLostSupervisor) {
  ActiveEnds ends = channel_.take_active_ends();
  EXPECT_EQ(in_child([&] {
              static constinit Active active;
              const int commands = ends.commands.get();
              active.begin(std::move(ends), kInstance,
                           Settings::from(*RecoveryPolicy::parse(SAM_RECOVERY_POLICY_RESTART), 0));
              Pipe other = open_pipe();
              EXPECT_EQ(::dup2(other.write_end.get(), commands), commands);
              other.read_end.reset();
              EXPECT_EQ(active.health_check(), CS_OK);
            }),
            0);
}

TEST_F(SamActive, LooksForTheSupervisorOnceInAWhile) {
  EXPECT_EQ(in_child([&] {
              static constinit Active active;
              active.begin(
                  channel_.take_active_ends(), kInstance,
                  Settings::from(*RecoveryPolicy::parse(SAM_RECOVERY_POLICY_RESTART), 60'000));
              EXPECT_EQ(active.health_check(), CS_OK);
              const Nanoseconds begun = monotonic_now();
              g_polls = 0;
              for (int i = 0; i < 10'000; ++i) EXPECT_EQ(active.health_check(), CS_OK);
              // Once a second, on a machine that is as slow as it likes.
              EXPECT_LE(g_polls, 2 + (monotonic_now() - begun) / kNanosecondsPerSecond);
            }),
            0);
}

}  // namespace
}  // namespace cs::sam
