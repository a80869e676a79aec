// SPDX-License-Identifier: BSD-3-Clause
// One instance: what it says, what it is told, who is signalled, and when it is over.
#include "sam/supervisor/instance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "sam_units/supervisor/scripted_world.h"

namespace cs::sam {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr Nanoseconds kMs = kNanosecondsPerMillisecond;
constexpr pid_t kChild = 100;
constexpr pid_t kDaemon = 200;
constexpr std::uint32_t kId = 3;

int exited_with(int code) { return code << 8; }

class SamInstance : public testing::Test {
 protected:
  SamInstance() {
    world_.processes[kChild];
    world_.shared_page.begin_instance(kId);
    world_.shared_page.begin_line(kChild);
    instance_.emplace(kChild, kId, world_);
  }
  void fork_daemon() {
    world_.processes[kDaemon];
    world_.shared_page.note_fork(kChild, kDaemon);
  }
  void fork_announced_daemon() {
    fork_daemon();
    world_.shared_page.announce(kDaemon);
  }
  Received next_command() {
    CommandFrame frame;
    return instance_->next_command(frame);
  }

  ScriptedWorld world_;
  std::optional<Instance> instance_;
};

TEST_F(SamInstance, CommandsOfThisInstanceAreTaken) {
  world_.send(Command::kStop, 9, kId);
  CommandFrame frame;
  EXPECT_EQ(instance_->next_command(frame), Received::kFrame);
  EXPECT_EQ(frame.command, Command::kStop);
  EXPECT_EQ(frame.sequence, 9U);
  EXPECT_EQ(next_command(), Received::kNothing);
}

TEST_F(SamInstance, CommandsOfAnotherInstanceAreGarbage) {
  world_.send(Command::kStop, 9, kId - 1);
  EXPECT_EQ(next_command(), Received::kGarbage);
}

TEST_F(SamInstance, AClosedPipeSaysNothingAndABrokenOneIsBroken) {
  world_.has_let_go = world_.is_cut_off = true;
  EXPECT_EQ(next_command(), Received::kNothing);
  world_.commands.push_back({Received::kBroken, {}});
  EXPECT_EQ(next_command(), Received::kBroken);
}

TEST_F(SamInstance, ReplyNamesTheInstanceAndTheCommand) {
  EXPECT_TRUE(instance_->reply(5, CS_ERR_FAILED_OPERATION));
  ASSERT_EQ(world_.replies.size(), 1U);
  EXPECT_EQ(world_.replies[0].instance, kId);
  EXPECT_EQ(world_.replies[0].sequence, 5U);
  EXPECT_EQ(world_.replies[0].status, CS_ERR_FAILED_OPERATION);
  EXPECT_TRUE(instance_->next_attempt().is_never());
}

TEST_F(SamInstance, AReplyWithoutRoomIsOwedAndSentLater) {
  world_.sent = Sent::kFull;
  EXPECT_FALSE(instance_->reply(5, CS_OK));
  EXPECT_EQ(instance_->next_attempt(), Deadline::at(world_.time + 10 * kMs));
  EXPECT_FALSE(instance_->catch_up(world_.time + 10 * kMs));
  EXPECT_EQ(instance_->next_attempt(), Deadline::at(world_.time + 20 * kMs));
  world_.sent = Sent::kDone;
  EXPECT_FALSE(instance_->catch_up(world_.time + 20 * kMs - 1));
  EXPECT_THAT(world_.replies, IsEmpty());
  EXPECT_TRUE(instance_->catch_up(world_.time + 20 * kMs));
  ASSERT_EQ(world_.replies.size(), 1U);
  EXPECT_EQ(world_.replies[0].sequence, 5U);
  EXPECT_TRUE(instance_->next_attempt().is_never());
  EXPECT_FALSE(instance_->catch_up(world_.time + 1000 * kMs));
}

TEST_F(SamInstance, TheNextReplyTakesThePlaceOfOneThatIsOwed) {
  world_.sent = Sent::kFull;
  EXPECT_FALSE(instance_->reply(5, CS_OK));
  world_.sent = Sent::kDone;
  EXPECT_TRUE(instance_->reply(6, CS_OK));
  EXPECT_FALSE(instance_->catch_up(world_.time + 1000 * kMs));
  EXPECT_EQ(world_.replies.size(), 1U);
}

TEST_F(SamInstance, AReplyToADeadInstanceIsLostAndNotOwed) {
  world_.sent = Sent::kBroken;
  EXPECT_TRUE(instance_->reply(5, CS_OK));
  EXPECT_TRUE(instance_->next_attempt().is_never());
}

TEST_F(SamInstance, LivesUntilItsChildDies) {
  EXPECT_FALSE(instance_->has_ended());
  EXPECT_EQ(instance_->child(), kChild);
  world_.die(kChild, exited_with(7));
  EXPECT_TRUE(instance_->has_ended());
  EXPECT_EQ(instance_->exit_code(), 7);
  EXPECT_EQ(instance_->end_signal(), 0);
  EXPECT_EQ(instance_->how_it_ended().kind, Reason::Kind::kDeath);
}

TEST_F(SamInstance, DeathBySignalIsNamed) {
  world_.die(kChild, SIGSEGV);
  EXPECT_TRUE(instance_->has_ended());
  EXPECT_EQ(instance_->end_signal(), SIGSEGV);
  EXPECT_EQ(instance_->exit_code(), 0);
  EXPECT_EQ(instance_->how_it_ended().value, SIGSEGV);
}

TEST_F(SamInstance, AStatusTakenElsewhereCounts) {
  instance_->note_status(exited_with(9));
  EXPECT_TRUE(instance_->has_ended());
  EXPECT_EQ(instance_->exit_code(), 9);
}

TEST_F(SamInstance, AnExitWithZeroIsTheEndWhereNobodyHoldsThePipe) {
  world_.is_cut_off = true;
  world_.die(kChild, 0);
  EXPECT_TRUE(instance_->has_ended());
  EXPECT_TRUE(world_.has_let_go);
}

// Whoever fails is dead, even if a helper of it still holds the pipe.
TEST_F(SamInstance, AFailureIsTheEndWhoeverHoldsThePipe) {
  fork_announced_daemon();
  world_.die(kChild, exited_with(1));
  EXPECT_TRUE(instance_->has_ended());
  EXPECT_FALSE(world_.has_let_go);
}

TEST_F(SamInstance, GoesOnInTheDaemonThatHasAnnouncedItself) {
  fork_announced_daemon();
  world_.die(kChild, 0);
  EXPECT_FALSE(instance_->has_ended());
  EXPECT_EQ(instance_->process().pid(), kDaemon);
  EXPECT_EQ(instance_->child(), 0);
  world_.die(kDaemon, exited_with(4));
  EXPECT_TRUE(instance_->has_ended());
  EXPECT_EQ(instance_->exit_code(), 4);
}

TEST_F(SamInstance, GoesOnInTheLastForkedProcessUntilOneIsAnnounced) {
  fork_daemon();
  world_.die(kChild, 0);
  EXPECT_FALSE(instance_->has_ended());
  EXPECT_EQ(instance_->process().pid(), kDaemon);
  world_.is_cut_off = true;  // it has called exec
  EXPECT_TRUE(instance_->has_ended());
}

TEST_F(SamInstance, WhoeverHoldsThePipeWithoutBeingKnownGoesOn) {
  world_.die(kChild, 0);
  EXPECT_FALSE(instance_->has_ended());
  EXPECT_EQ(instance_->process().pid(), 0);
  EXPECT_EQ(instance_->how_it_ended().kind, Reason::Kind::kUnknownEnd);
  world_.is_cut_off = true;
  EXPECT_TRUE(instance_->has_ended());
}

TEST_F(SamInstance, APipeThatAnEarlierInstanceMayHoldSaysNothing) {
  world_.is_held_by_others = true;
  world_.die(kChild, 0);
  EXPECT_TRUE(instance_->has_ended());
}

TEST_F(SamInstance, EndsWithTheProcessThatHasFinished) {
  fork_announced_daemon();
  world_.shared_page.finish(kChild);
  world_.die(kChild, 0);
  EXPECT_TRUE(instance_->has_ended());
}

TEST_F(SamInstance, ADaemonsEndThatNobodyCanTellIsUnknown) {
  fork_announced_daemon();
  world_.die(kChild, 0);
  EXPECT_FALSE(instance_->has_ended());
  world_.is_cut_off = true;
  world_.processes[kDaemon].is_known = false;
  world_.die(kDaemon, exited_with(4));
  EXPECT_TRUE(instance_->has_ended());
  EXPECT_EQ(instance_->exit_code(), 0);
  EXPECT_EQ(instance_->how_it_ended().kind, Reason::Kind::kUnknownEnd);
}

TEST_F(SamInstance, AWarningGoesToTheWatchedProcessAlone) {
  fork_announced_daemon();
  instance_->send_signal(SIGTERM);
  EXPECT_THAT(world_.signals, ElementsAre(Pair(kChild, SIGTERM)));
}

TEST_F(SamInstance, SigkillLeavesNoAnnouncedDaemonAtWork) {
  fork_announced_daemon();
  instance_->send_signal(SIGKILL);
  EXPECT_THAT(world_.signals, UnorderedElementsAre(Pair(kChild, SIGKILL), Pair(kDaemon, SIGKILL)));
}

TEST_F(SamInstance, ADaemonAnnouncedWhileSigkillWasOnItsWayIsKilledToo) {
  instance_->send_signal(SIGKILL);
  fork_announced_daemon();
  world_.die(kChild, SIGKILL);
  EXPECT_TRUE(instance_->has_ended());
  EXPECT_THAT(world_.signals, ElementsAre(Pair(kChild, SIGKILL), Pair(kDaemon, SIGKILL)));
}

// So the next instance finds what it held, a port for example, free.
TEST_F(SamInstance, IsNotOverBeforeAnAnnouncedDaemonThatIsKilledHasEnded) {
  fork_announced_daemon();
  instance_->send_signal(SIGKILL);
  EXPECT_THAT(world_.awaited, IsEmpty());
  world_.die(kChild, SIGKILL);
  EXPECT_TRUE(instance_->has_ended());
  EXPECT_THAT(world_.awaited, ElementsAre(kDaemon));
}

TEST_F(SamInstance, EndWaitsForAnAnnouncedDaemonToo) {
  fork_announced_daemon();
  instance_->end();
  EXPECT_THAT(world_.signals, IsSupersetOf({Pair(kChild, SIGKILL), Pair(kDaemon, SIGKILL)}));
  EXPECT_THAT(world_.awaited, ElementsAre(kChild, kDaemon));
}

// Its number may be another's.
TEST_F(SamInstance, ADeadProcessIsSentNothing) {
  world_.die(kChild, SIGSEGV);
  EXPECT_TRUE(instance_->has_ended());
  instance_->send_signal(SIGTERM);
  instance_->pass_on(SIGHUP);
  EXPECT_THAT(world_.signals, IsEmpty());
}

// It may have ended the parent alone.
TEST_F(SamInstance, AWarningThatEndsTheParentIsTheEndOfTheDaemonToo) {
  fork_announced_daemon();
  instance_->send_signal(SIGTERM);
  world_.die(kChild, SIGTERM);
  EXPECT_TRUE(instance_->has_ended());
  EXPECT_THAT(world_.signals, ElementsAre(Pair(kChild, SIGTERM), Pair(kDaemon, SIGKILL)));
}

TEST_F(SamInstance, AHelperThatFinalizesIsNotTheEndOfWhoGoesOn) {
  fork_announced_daemon();
  world_.shared_page.finish(kDaemon + 1);
  world_.die(kChild, 0);
  EXPECT_FALSE(instance_->has_ended());
}

TEST_F(SamInstance, AFailureWithoutAVerdictKillsNobody) {
  fork_announced_daemon();
  world_.die(kChild, SIGSEGV);
  EXPECT_TRUE(instance_->has_ended());
  EXPECT_THAT(world_.signals, IsEmpty());
}

TEST_F(SamInstance, ASignalIsPassedOnToTheDaemonOnceItIsKnown) {
  fork_daemon();
  world_.die(kChild, 0);
  EXPECT_FALSE(instance_->has_ended());
  world_.processes[kDaemon + 1];
  world_.shared_page.announce(kDaemon + 1);
  instance_->pass_on(SIGHUP);
  EXPECT_THAT(world_.signals, ElementsAre(Pair(kDaemon + 1, SIGHUP)));
}

TEST_F(SamInstance, OnlyAnAnnouncedDaemonMayHangUpAndLive) {
  world_.has_let_go = world_.is_cut_off = true;
  EXPECT_TRUE(instance_->may_send_commands());
  fork_announced_daemon();
  world_.die(kChild, 0);
  EXPECT_FALSE(instance_->has_ended());
  EXPECT_FALSE(instance_->may_send_commands());
  world_.is_cut_off = false;
  EXPECT_TRUE(instance_->may_send_commands());
}

// A helper that has called SAM, for example.
TEST_F(SamInstance, SigkillSparesWhoHasTheNumberOfADeadProcessByNow) {
  fork_announced_daemon();
  EXPECT_FALSE(instance_->has_ended());
  world_.die(kDaemon, 0);
  world_.processes[kDaemon].has_new_owner = true;
  instance_->send_signal(SIGKILL);
  EXPECT_THAT(world_.signals, ElementsAre(Pair(kChild, SIGKILL)));
}

TEST_F(SamInstance, WithoutAPidfdADeadProcessThatWasSeenIsNotMistakenEither) {
  fork_announced_daemon();
  world_.processes[kDaemon].has_pidfd = false;
  world_.die(kDaemon, 0);
  EXPECT_FALSE(instance_->has_ended());
  world_.processes[kDaemon].has_new_owner = true;
  instance_->send_signal(SIGKILL);
  EXPECT_THAT(world_.signals, ElementsAre(Pair(kChild, SIGKILL)));
}

TEST_F(SamInstance, DoesNotGoOnInWhoHasTheNumberOfADeadProcessByNow) {
  fork_announced_daemon();
  EXPECT_FALSE(instance_->has_ended());
  world_.die(kDaemon, 0);
  world_.processes[kDaemon].has_new_owner = true;
  world_.is_cut_off = true;
  world_.die(kChild, 0);
  EXPECT_TRUE(instance_->has_ended());
}

TEST_F(SamInstance, NoPidfdIsLeftBehind) {
  fork_announced_daemon();
  instance_->send_signal(SIGKILL);
  world_.die(kChild, 0);
  (void)instance_->has_ended();
  EXPECT_EQ(world_.open_pidfds, 1);
  instance_.reset();
  EXPECT_EQ(world_.open_pidfds, 0);
}

}  // namespace
}  // namespace cs::sam
