// SPDX-License-Identifier: BSD-3-Clause
// What is published, and above all in which order: the daemon's watchdog looks when the state is
// created or changes, and may reset the machine over a last_updated that is too old by then.
#include "sam/supervisor/publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "sam_units/supervisor/scripted_world.h"

namespace cs::sam {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Nanoseconds kMs = kNanosecondsPerMillisecond;
constexpr Nanoseconds kBound = 500 * kMs;
constexpr pid_t kPid = 4711;
constexpr unsigned kQuit = SAM_RECOVERY_POLICY_QUIT;
constexpr unsigned kQuitCmap = kQuit | SAM_RECOVERY_POLICY_CMAP;
constexpr unsigned kRestartCmap = SAM_RECOVERY_POLICY_RESTART | SAM_RECOVERY_POLICY_CMAP;

class SamPublisher : public testing::Test {
 protected:
  Publisher make(unsigned policy = kQuitCmap, Nanoseconds interval = 2000 * kMs) {
    return {{*RecoveryPolicy::parse(policy), interval}, kPid, world_, kBound};
  }
  Publisher make_begun(unsigned policy = kQuitCmap, Nanoseconds interval = 2000 * kMs) {
    Publisher publisher = make(policy, interval);
    EXPECT_EQ(publisher.begin(Deadline::at(world_.time + kBound)), CS_OK);
    (void)take_asked();
    return publisher;
  }
  // What the daemon was asked since the last look; the keys without their prefix.
  std::vector<std::string> take_asked() {
    const std::string prefix = "resources.process.4711.";
    std::vector<std::string> taken;
    for (std::string& request : std::exchange(world_.asked, {})) {
      taken.push_back(request.starts_with(prefix) ? request.substr(prefix.size()) : request);
    }
    return taken;
  }
  [[nodiscard]] std::string now() const { return std::to_string(world_.time); }
  void fail_at(const std::string& part, cs_error_t status) {
    world_.daemon = [part, status](const std::string& request) {
      return request.find(part) != std::string::npos ? status : CS_OK;
    };
  }

  ScriptedWorld world_;
};

TEST_F(SamPublisher, BeginningConnectsAndCreatesTheStateLast) {
  Publisher publisher = make();
  EXPECT_EQ(publisher.begin(Deadline::at(world_.time + kBound)), CS_OK);
  EXPECT_THAT(take_asked(), ElementsAre("connect", "recovery=quit", "poll_period=2000",
                                        "last_updated=0", "state=stopped"));
  EXPECT_TRUE(publisher.next_attempt().is_never());
}

TEST_F(SamPublisher, RestartIsNamed) {
  Publisher publisher = make(kRestartCmap, 0);
  EXPECT_EQ(publisher.begin(Deadline::at(world_.time + kBound)), CS_OK);
  EXPECT_THAT(take_asked(), ElementsAre("connect", "recovery=restart", "poll_period=0",
                                        "last_updated=0", "state=stopped"));
}

TEST_F(SamPublisher, WithoutTheFlagNothingIsAsked) {
  Publisher publisher = make(kQuit);
  EXPECT_EQ(publisher.begin(Deadline::at(world_.time + kBound)), CS_OK);
  publisher.show(ProcessState::kRunning, world_.time);
  publisher.note_health_check(world_.time + 1);
  publisher.catch_up(world_.time + 1);
  publisher.end_failed(world_.time);
  publisher.end_stopped();
  EXPECT_THAT(take_asked(), IsEmpty());
  EXPECT_TRUE(publisher.next_attempt().is_never());
}

TEST_F(SamPublisher, RunningIsShownAfterItsTime) {
  Publisher publisher = make_begun();
  publisher.show(ProcessState::kRunning, world_.time);
  EXPECT_THAT(take_asked(), ElementsAre("last_updated=" + now(), "state=running"));
  EXPECT_EQ(publisher.last_updated(), world_.time);
}

TEST_F(SamPublisher, TimeIsZeroBeforeTheStateLeavesRunning) {
  Publisher publisher = make_begun();
  publisher.show(ProcessState::kRunning, world_.time);
  (void)take_asked();
  publisher.show(ProcessState::kStopped, world_.time + kMs);
  EXPECT_THAT(take_asked(), ElementsAre("last_updated=0", "state=stopped"));
}

TEST_F(SamPublisher, WithoutATimeLimitTheTimeStaysZero) {
  Publisher publisher = make_begun(kQuitCmap, 0);
  publisher.show(ProcessState::kRunning, world_.time);
  EXPECT_THAT(take_asked(), ElementsAre("state=running"));
}

TEST_F(SamPublisher, WaitingForQuorumOwesNoHealthChecks) {
  Publisher publisher = make_begun();
  publisher.show(ProcessState::kWaitingForQuorum, world_.time);
  EXPECT_THAT(take_asked(), ElementsAre("state=waiting for quorum"));
}

TEST_F(SamPublisher, WhatHasNotChangedIsNotSentAgain) {
  Publisher publisher = make_begun();
  publisher.show(ProcessState::kStopped, world_.time);
  publisher.catch_up(world_.time);
  EXPECT_THAT(take_asked(), IsEmpty());
}

TEST_F(SamPublisher, HealthChecksBetweenTwoPublicationsAreOne) {
  Publisher publisher = make_begun();
  publisher.show(ProcessState::kRunning, world_.time);
  (void)take_asked();
  publisher.note_health_check(world_.time + 1);
  publisher.note_health_check(world_.time + 2);
  EXPECT_TRUE(publisher.next_attempt().has_passed(world_.time));
  publisher.catch_up(world_.time + 3);
  EXPECT_THAT(take_asked(), ElementsAre("last_updated=" + std::to_string(world_.time + 2)));
  EXPECT_TRUE(publisher.next_attempt().is_never());
}

TEST_F(SamPublisher, TimeIsZeroWhileThereIsAnExcuse) {
  Publisher publisher = make_begun();
  publisher.show(ProcessState::kRunning, world_.time);
  (void)take_asked();
  for (int round = 0; round < 3; ++round) {
    publisher.note_excuse(world_.time + 1);
    publisher.catch_up(world_.time);
  }
  EXPECT_THAT(take_asked(), ElementsAre("last_updated=0"));
  EXPECT_EQ(publisher.last_noted(), world_.time + 1);
  publisher.note_health_check(world_.time + 2);
  publisher.catch_up(world_.time);
  EXPECT_THAT(take_asked(), ElementsAre("last_updated=" + std::to_string(world_.time + 2)));
  EXPECT_EQ(publisher.last_noted(), world_.time + 2);
}

TEST_F(SamPublisher, StateIsNotToldWhileItsTimeCannotBe) {
  Publisher publisher = make_begun();
  fail_at("last_updated", CS_ERR_TRY_AGAIN);
  publisher.show(ProcessState::kRunning, world_.time);
  EXPECT_THAT(take_asked(), ElementsAre("last_updated=" + now()));
  world_.daemon = nullptr;
  publisher.catch_up(world_.time + 10 * kMs);
  EXPECT_THAT(take_asked(), ElementsAre("last_updated=" + now(), "state=running"));
}

TEST_F(SamPublisher, OnlyWhatWasNotToldIsMadeUpFor) {
  Publisher publisher = make_begun();
  fail_at("state", CS_ERR_TRY_AGAIN);
  publisher.show(ProcessState::kRunning, world_.time);
  (void)take_asked();
  world_.daemon = nullptr;
  publisher.catch_up(world_.time + 10 * kMs);
  EXPECT_THAT(take_asked(), ElementsAre("state=running"));
}

TEST_F(SamPublisher, FailuresAreRetriedAfterGrowingPauses) {
  Publisher publisher = make_begun();
  fail_at("last_updated", CS_ERR_TRY_AGAIN);
  publisher.show(ProcessState::kRunning, world_.time);
  for (const Nanoseconds pause : {10, 20, 40, 80, 160, 320, 640, 1000, 1000}) {
    EXPECT_EQ(publisher.next_attempt(), Deadline::at(world_.time + pause * kMs));
    (void)take_asked();
    publisher.catch_up(world_.time + pause * kMs - 1);
    EXPECT_THAT(take_asked(), IsEmpty());
    world_.time += pause * kMs;
    publisher.catch_up(world_.time);
    EXPECT_EQ(take_asked().size(), 1U);
  }
}

TEST_F(SamPublisher, ARetryMayNotTakeLongerThanThePauseBeforeIt) {
  Publisher publisher = make_begun();
  fail_at("last_updated", CS_ERR_TRY_AGAIN);
  publisher.show(ProcessState::kRunning, world_.time);
  EXPECT_EQ(world_.limits.back(), kBound);
  for (const Nanoseconds pause : {10, 20, 40}) {
    world_.time += pause * kMs;
    publisher.catch_up(world_.time);
    EXPECT_EQ(world_.limits.back(), pause * kMs);
  }
}

// The new daemon knows nothing; again the state comes last.
TEST_F(SamPublisher, ALostDaemonsSuccessorIsToldEverything) {
  Publisher publisher = make_begun();
  publisher.show(ProcessState::kRunning, world_.time);
  world_.has_cmap = false;
  publisher.check(world_.time);
  (void)take_asked();
  EXPECT_EQ(publisher.next_attempt(), Deadline::at(world_.time + 10 * kMs));
  publisher.catch_up(world_.time + 10 * kMs);
  EXPECT_THAT(take_asked(), ElementsAre("connect", "recovery=quit", "poll_period=2000",
                                        "last_updated=" + now(), "state=running"));
}

TEST_F(SamPublisher, AConnectionFoundLostWhilePublishingIsMadeAgain) {
  Publisher publisher = make_begun();
  fail_at("state", CS_ERR_LIBRARY);
  publisher.show(ProcessState::kRunning, world_.time);
  EXPECT_FALSE(world_.has_cmap);
  (void)take_asked();
  world_.daemon = nullptr;
  publisher.catch_up(world_.time + 10 * kMs);
  EXPECT_THAT(take_asked(), ElementsAre("connect", "recovery=quit", "poll_period=2000",
                                        "last_updated=" + now(), "state=running"));
}

TEST_F(SamPublisher, AHealthCheckWhileDisconnectedIsToldAfterwards) {
  Publisher publisher = make_begun();
  publisher.show(ProcessState::kRunning, world_.time);
  world_.has_cmap = false;
  publisher.check(world_.time);
  publisher.note_health_check(world_.time + 5 * kMs);
  (void)take_asked();
  publisher.catch_up(world_.time + 10 * kMs);
  EXPECT_THAT(take_asked(),
              testing::Contains("last_updated=" + std::to_string(world_.time + 5 * kMs)));
}

TEST_F(SamPublisher, ACheckThatFindsTheDaemonChangesNothing) {
  Publisher publisher = make_begun();
  publisher.check(world_.time);
  EXPECT_TRUE(publisher.next_attempt().is_never());
}

TEST_F(SamPublisher, WhatAFailedBeginningHasPublishedIsDeleted) {
  Publisher publisher = make();
  world_.daemon = [](const std::string& request) {
    errno = 0;
    if (!request.ends_with("state=stopped")) return CS_OK;
    errno = EAGAIN;
    return CS_ERR_TRY_AGAIN;
  };
  EXPECT_EQ(publisher.begin(Deadline::at(world_.time + kBound)), CS_ERR_TRY_AGAIN);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(world_.asked.back(), "delete resources.process.4711.");
  EXPECT_FALSE(world_.has_cmap);
}

TEST_F(SamPublisher, AfterAFailureTheKeysStay) {
  Publisher publisher = make_begun();
  publisher.show(ProcessState::kRunning, world_.time);
  world_.time += 7 * kMs;
  (void)take_asked();
  publisher.end_failed(world_.time);
  EXPECT_THAT(take_asked(), ElementsAre("last_updated=" + now(), "state=failed"));
  EXPECT_FALSE(world_.has_cmap);
}

TEST_F(SamPublisher, AfterAnOrderlyEndTheKeysGo) {
  Publisher publisher = make_begun();
  publisher.end_stopped();
  EXPECT_THAT(take_asked(), ElementsAre("delete resources.process.4711."));
  EXPECT_FALSE(world_.has_cmap);
}

TEST_F(SamPublisher, AnOrderlyEndConnectsAgainToDelete) {
  Publisher publisher = make_begun();
  world_.has_cmap = false;
  publisher.end_stopped();
  EXPECT_THAT(take_asked(), ElementsAre("connect", "delete resources.process.4711."));
}

// Not even where every attempt before has failed: there is no other.
TEST_F(SamPublisher, TheLastCallTriesAtOnceAndForAsLongAsTheBound) {
  Publisher publisher = make_begun();
  fail_at("last_updated", CS_ERR_TRY_AGAIN);
  publisher.show(ProcessState::kRunning, world_.time);
  world_.daemon = nullptr;
  (void)take_asked();
  publisher.end_failed(world_.time);
  EXPECT_THAT(take_asked(), ElementsAre("last_updated=" + now(), "state=failed"));
  EXPECT_EQ(world_.limits.back(), kBound);
}

}  // namespace
}  // namespace cs::sam
