// SPDX-License-Identifier: BSD-3-Clause
// The page shared over a fork, and the clock whose time is written there.
#include "sam/heartbeat.h"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace cs::sam {
namespace {

TEST(SamHeartbeat, ChildsBeatIsSeenByTheParent) {
  const SharedHeartbeat page = SharedHeartbeat::make();
  ASSERT_TRUE(page);
  EXPECT_EQ(page->last_beat(), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    page->beat(12345);
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(page->last_beat(), 12345);
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
  EXPECT_EQ(page->last_beat(), 0);
  EXPECT_TRUE(page->claim_nudge());
}

TEST(SamHeartbeat, TimeNeverGoesBack) {
  const SharedHeartbeat page = SharedHeartbeat::make();
  page->beat(20);
  page->beat(10);
  EXPECT_EQ(page->last_beat(), 20);
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
  EXPECT_EQ(page->last_beat(), kLast);
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
