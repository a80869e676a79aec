// SPDX-License-Identifier: BSD-3-Clause
// Tracking clients in a cluster that suffers: whatever happens, each is told every change, in
// order, and ends with the view of its daemon. See WatchedClusterTest::expect_members for what is
// checked.
#include <gtest/gtest.h>

#include "cluster/watched_cluster.h"
#include "common/clock.h"

namespace cs::test {
namespace {

constexpr std::int64_t kPromptly = 5000;  // ms; it takes one or two on an idle machine

class ClusterFaults : public WatchedClusterTest {};

TEST_F(ClusterFaults, KilledNodeIsMissedAndComesBack) {
  const Nanoseconds begin = monotonic_now();
  const std::int64_t delay = kill_daemon(2);
  record("lost_daemon_told_after", delay);
  EXPECT_LT(delay, kPromptly);
  expect_members({1, 3}, {1, 3});
  ASSERT_TRUE(node(2).daemon().restart());
  expect_reconnected(2, begin);
  expect_members(kAll, kAll);
}

TEST_F(ClusterFaults, CutLinkIsolatesANodeUntilItIsMended) {
  cluster().cut(3);
  expect_members({1, 2}, {1, 2});
  expect_members({3}, {3});
  cluster().heal(3);
  expect_members(kAll, kAll);
}

TEST_F(ClusterFaults, PartitionHasOneQuorateSide) {
  cluster().partition({{1}, {2, 3}});
  expect_members({1}, {1});
  expect_members({2, 3}, {2, 3});
  cluster().partition({});
  expect_members(kAll, kAll);
}

TEST_F(ClusterFaults, PartitionIntoSingleNodesHasNone) {
  cluster().partition({{1}, {2}, {3}});
  for (const unsigned id : kAll) expect_members({id}, {id});
  cluster().partition({});
  expect_members(kAll, kAll);
}

TEST_F(ClusterFaults, PausedNodeIsMissedAndComesBack) {
  node(1).daemon().pause();
  expect_members({2, 3}, {2, 3});
  node(1).daemon().resume();
  expect_members(kAll, kAll);
}

// The polling client is in the middle of a request then, which the paused daemon will never answer.
TEST_F(ClusterFaults, DeathOfAPausedDaemonEndsTheRequestsItHasNotAnswered) {
  const Nanoseconds begin = monotonic_now();
  node(2).daemon().pause();
  expect_members({1, 3}, {1, 3});
  const std::int64_t delay = kill_daemon(2);
  record("lost_daemon_told_after", delay);
  EXPECT_LT(delay, kPromptly);
  ASSERT_TRUE(node(2).daemon().restart());
  expect_reconnected(2, begin);
  expect_members(kAll, kAll);
}

TEST_F(ClusterFaults, DaemonThatIsRestartedTwentyTimesIsFoundEachTime) {
  constexpr int kRestarts = 20;
  constexpr int kRejoins = 4;  // in between it is killed before it has joined the others
  std::int64_t slowest = 0;
  for (int i = 1; i <= kRestarts; ++i) {
    const Nanoseconds begin = monotonic_now();
    slowest = std::max(slowest, kill_daemon(3));
    ASSERT_TRUE(node(3).daemon().restart());
    expect_reconnected(3, begin);
    if (i % (kRestarts / kRejoins) == 0) expect_members(kAll, kAll);
    ASSERT_FALSE(HasFailure()) << "restart " << i;
  }
  record("lost_daemon_told_after_at_most", slowest);
  EXPECT_LT(slowest, kPromptly);
}

}  // namespace
}  // namespace cs::test
