// SPDX-License-Identifier: BSD-3-Clause
// The page shared over a fork, and the clock whose time is written there.
#include "sam/shared/heartbeat.h"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <cstring>
#include <thread>
#include <unistd.h>
#include <vector>

namespace cs::sam {
namespace {

TEST(SamHeartbeat, ChildsBeatIsSeenByTheParent) {
  const SharedHeartbeat page = SharedHeartbeat::make();
  ASSERT_TRUE(page);
  EXPECT_EQ(page->last_beat(0), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    page->beat(12345);
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(page->last_beat(0), 12345);
}

TEST(SamHeartbeat, NothingIsLeftForTheNextInstance) {
  const SharedHeartbeat page = SharedHeartbeat::make();
  page->begin_instance(1);
  page->beat(7);
  (void)page->claim_nudge();
  EXPECT_TRUE(page->belongs_to(1));
  page->begin_instance(2);
  EXPECT_FALSE(page->belongs_to(1));
  EXPECT_TRUE(page->belongs_to(2));
  EXPECT_EQ(page->last_beat(0), 0);
  EXPECT_TRUE(page->claim_nudge());
}

TEST(SamHeartbeat, TimeNeverGoesBack) {
  const SharedHeartbeat page = SharedHeartbeat::make();
  page->beat(20);
  page->beat(10);
  EXPECT_EQ(page->last_beat(0), 20);
}

TEST(SamHeartbeat, TheLatestOfManyThreadsStays) {
  const SharedHeartbeat page = SharedHeartbeat::make();
  constexpr Nanoseconds kLast = 20000;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&page, thread] {
      for (Nanoseconds now = 1 + thread; now <= kLast; now += 4) page->beat(now);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(page->last_beat(0), kLast);
}

TEST(SamHeartbeat, TimeFarAheadIsReplaced) {
  const SharedHeartbeat page = SharedHeartbeat::make();
  constexpr Nanoseconds kNow = 5'000'000'000;
  page->beat(kNow + 3'000'000'000);
  page->beat(kNow);
  EXPECT_EQ(page->last_beat(0), kNow);
}

TEST(SamHeartbeat, ProcessesOfAnInstanceAreForgottenWithIt) {
  const SharedHeartbeat page = SharedHeartbeat::make();
  page->begin_line(10);
  page->note_fork(10, 11);
  page->announce(12);
  page->finish(13);
  EXPECT_EQ(page->next_of(10), 11);
  EXPECT_EQ(page->announced(), 12);
  EXPECT_EQ(page->finisher(), 13);
  page->begin_instance(2);
  EXPECT_EQ(page->next_of(10), 0);
  EXPECT_EQ(page->announced(), 0);
  EXPECT_EQ(page->finisher(), 0);
}

// What a daemon forks does not come in between it and its parent.
TEST(SamHeartbeat, LineFollowsTheLastForkOfEach) {
  const SharedHeartbeat page = SharedHeartbeat::make();
  page->begin_line(10);
  page->note_fork(10, 20);
  page->note_fork(20, 30);
  page->note_fork(20, 31);
  page->note_fork(31, 40);
  page->note_fork(99, 50);  // forked by nobody in it
  EXPECT_EQ(page->next_of(10), 20);
  EXPECT_EQ(page->next_of(20), 31);
  EXPECT_EQ(page->next_of(31), 40);
  EXPECT_EQ(page->next_of(40), 0);
  page->note_fork(10, 60);
  EXPECT_EQ(page->next_of(10), 60);
  EXPECT_EQ(page->next_of(60), 0);
  EXPECT_EQ(page->next_of(20), 0);
}

TEST(SamHeartbeat, LineThatIsFullGoesNoFurther) {
  const SharedHeartbeat page = SharedHeartbeat::make();
  page->begin_line(10);
  for (pid_t pid = 10; pid < 100; ++pid) page->note_fork(pid, pid + 1);
  EXPECT_EQ(page->next_of(10), 11);
  EXPECT_EQ(page->next_of(50), 0);
}

// Signals go to the processes it names: what a wild pointer writes must not name any.
TEST(SamHeartbeat, StrayWritesNameNoProcess) {
  for (const int byte : {0x00, 0x01, 0x20, 0x41, 0x55, 0x7f, 0xaa, 0xff}) {
    SealedPid pid;
    std::memset(static_cast<void*>(&pid), byte, sizeof(pid));
    EXPECT_EQ(pid.get(), 0) << byte;
  }
  for (const std::int32_t number : {1, 2, 100, 54'321, -1, 4'194'303}) {
    SealedPid pid;
    std::memcpy(static_cast<void*>(&pid), &number, sizeof(number));
    EXPECT_EQ(pid.get(), 0) << number;
  }
}

TEST(SamHeartbeat, NamesEveryProcessButTheFirst) {
  SealedPid pid;
  for (const pid_t number : {2, 3, 300, 32'768, 4'194'303}) {
    pid.set(number);
    EXPECT_EQ(pid.get(), number);
  }
  pid.set(1);
  EXPECT_EQ(pid.get(), 0);
}

// The page of machines without atomic access to eight bytes, here as well.
class SamNarrowHeartbeat : public testing::Test {
 protected:
  static constexpr Nanoseconds kMs = kNanosecondsPerMillisecond;
  static constexpr Nanoseconds kWrap = (Nanoseconds{1} << 32) * kMs;

  BasicHeartbeatPage<NarrowStamp> page_;
};

TEST_F(SamNarrowHeartbeat, TimeIsKnownToTheMillisecondBelow) {
  EXPECT_EQ(page_.last_beat(70 * kMs), 0);
  page_.beat(70 * kMs + 999'999);
  EXPECT_EQ(page_.last_beat(100 * kMs), 70 * kMs);
  EXPECT_EQ(page_.last_beat(60 * kMs), 70 * kMs);  // by a clock read somewhat before
}

TEST_F(SamNarrowHeartbeat, TimeGoesOnWhereTheWordBeginsAgain) {
  page_.beat(kWrap - kMs);
  EXPECT_EQ(page_.last_beat(kWrap + 5 * kMs), kWrap - kMs);
  page_.beat(kWrap + 2 * kMs);
  EXPECT_EQ(page_.last_beat(kWrap + 5 * kMs), kWrap + 2 * kMs);
  page_.beat(kWrap + kMs);
  EXPECT_EQ(page_.last_beat(kWrap + 5 * kMs), kWrap + 2 * kMs);
}

TEST_F(SamNarrowHeartbeat, BeatWhereTheWordIsZeroIsOne) {
  page_.beat(kWrap);
  EXPECT_NE(page_.last_beat(kWrap), 0);
}

TEST(SamHeartbeat, OneNudgeAtATime) {
  const SharedHeartbeat page = SharedHeartbeat::make();
  EXPECT_TRUE(page->claim_nudge());
  EXPECT_FALSE(page->claim_nudge());
  page->clear_nudge();
  EXPECT_TRUE(page->claim_nudge());
}

TEST(SamHeartbeat, CoarseTimeLagsByItsResolutionAtMost) {
  EXPECT_GT(coarse_resolution(), 0);
  for (int i = 0; i < 1000; ++i) {
    const Nanoseconds before = monotonic_now();
    const Nanoseconds coarse = coarse_now();
    EXPECT_LE(coarse, monotonic_now());
    // Twice: the tick itself may come late when the processor is taken from us.
    EXPECT_GE(coarse, before - 2 * coarse_resolution());
  }
}

}  // namespace
}  // namespace cs::sam
