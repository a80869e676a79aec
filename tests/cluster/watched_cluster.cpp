// SPDX-License-Identifier: BSD-3-Clause
// The cluster that the cases of a suite share, and what is asked of its clients after each fault.
#include "cluster/watched_cluster.h"

#include <algorithm>
#include <iostream>
#include <sstream>

#include "cluster/daemon_story.h"
#include "common/clock.h"

namespace cs::test {
namespace {

DaemonOptions quick() {
  DaemonOptions options;
  // No coefficient: the timeout is the same whatever the number of nodes.
  options.totem_lines =
      "  token: " + std::to_string(kTokenTimeout) +
      "\n  token_coefficient: 0\n  consensus: " + std::to_string(kConsensusTimeout) + "\n";
  return options;
}

// A minority is never told that it is quorate, not even in passing.
testing::AssertionResult only_majorities_are_quorate(const std::vector<Notice>& notices) {
  for (const Notice& notice : notices) {
    if (notice.kind != Notice::Kind::kQuorum || notice.quorate == 0) continue;
    if (2 * notice.member_count <= kNodes) return testing::AssertionFailure() << notice;
  }
  return testing::AssertionSuccess();
}

testing::AssertionResult audit(TrackingClient& client, ClusterNode& node) {
  const auto& notices = client.notices();  // before the log, which then has no less than these
  const auto told = told_everything(notices, memberships_in(node.daemon().log()));
  return told ? only_majorities_are_quorate(notices) : told;
}

}  // namespace

const std::vector<unsigned> WatchedClusterTest::kAll = {1, 2, 3};
std::unique_ptr<Cluster> WatchedClusterTest::cluster_;
std::vector<std::unique_ptr<TrackingClient>> WatchedClusterTest::clients_;

void WatchedClusterTest::SetUp() {
  if (const auto reason = Cluster::unavailable()) return skip_or_fail(*reason);
  if (!cluster_) {
    ASSERT_NO_FATAL_FAILURE(start_cluster());
  }
  ASSERT_NO_FATAL_FAILURE(expect_members(kAll, kAll));
}

void WatchedClusterTest::start_cluster() {
  cluster_ = std::make_unique<Cluster>(kNodes, quick());
  ASSERT_TRUE(cluster_->start());
  for (const unsigned id : kAll) {
    for (const auto style : {TrackingClient::Style::kBlocking, TrackingClient::Style::kPolling}) {
      clients_.push_back(std::make_unique<TrackingClient>(node(id), style));
    }
  }
}

void WatchedClusterTest::TearDown() {
  if (!cluster_) return;
  if (HasFailure()) std::cout << stories() << cluster_->logs();
  cluster_->partition({});
  for (const unsigned id : kAll) {
    cluster_->heal(id);
    node(id).daemon().resume();
    if (node(id).daemon().running()) continue;
    EXPECT_TRUE(node(id).daemon().restart());
  }
  expect_members(kAll, kAll);
}

void WatchedClusterTest::TearDownTestSuite() {
  for (const auto& client : clients_) {
    const Outcome outcome = client->stop();
    EXPECT_TRUE(outcome.exited_with(0)) << outcome << "\n" << client->story();
  }
  clients_.clear();
  cluster_.reset();
}

std::vector<TrackingClient*> WatchedClusterTest::clients_of(const std::vector<unsigned>& nodes) {
  std::vector<TrackingClient*> result;
  for (const auto& client : clients_) {
    if (std::find(nodes.begin(), nodes.end(), client->node()) == nodes.end()) continue;
    result.push_back(client.get());
  }
  return result;
}

void WatchedClusterTest::expect_members(const std::vector<unsigned>& on,
                                        const std::vector<unsigned>& members) {
  ASSERT_TRUE(cluster_->wait_for_members(on, members));
  for (TrackingClient* client : clients_of(on)) {
    ClusterNode& home = node(client->node());
    View of_client;
    View of_daemon;
    const bool agreed = eventually([&] {
      of_client = client->view();
      of_daemon = home.view();
      return of_daemon.members == members && of_client == of_daemon;
    });
    EXPECT_TRUE(agreed) << "told: " << of_client << "\ndaemon: " << of_daemon << "\n"
                        << client->story();
    EXPECT_EQ(of_client.quorate, 2 * members.size() > kNodes) << client->story();
    EXPECT_TRUE(eventually([&] { return bool(audit(*client, home)); }))
        << audit(*client, home).message() << "\n"
        << client->story();
  }
}

std::int64_t WatchedClusterTest::kill_daemon(unsigned id) {
  const Nanoseconds killed = monotonic_now();
  node(id).daemon().kill_hard();
  Nanoseconds slowest = 0;
  for (TrackingClient* client : clients_of({id})) {
    EXPECT_TRUE(eventually([&] { return client->last(Notice::Kind::kLost) > killed; }))
        << "not told that the daemon is gone\n"
        << client->story();
    slowest = std::max(slowest, client->last(Notice::Kind::kLost) - killed);
  }
  return slowest / kNanosecondsPerMillisecond;
}

void WatchedClusterTest::expect_reconnected(unsigned id, Nanoseconds since) {
  for (TrackingClient* client : clients_of({id})) {
    EXPECT_TRUE(eventually([&] { return client->last(Notice::Kind::kConnected) > since; }))
        << "not connected anew\n"
        << client->story();
  }
}

std::string WatchedClusterTest::stories() {
  std::string text;
  for (const auto& client : clients_) text += client->story();
  return text;
}

void record(const std::string& what, std::int64_t time) {
  testing::Test::RecordProperty(what, std::to_string(time));
  std::cout << "  " << what << ": " << time << " ms" << std::endl;
}

}  // namespace cs::test
