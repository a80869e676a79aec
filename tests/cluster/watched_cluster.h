// SPDX-License-Identifier: BSD-3-Clause
// Fixture: one cluster of three nodes for all cases of a suite, with two tracking clients on each
// node that live as long as the suite. Every case leaves the cluster whole.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "cluster/tracking_client.h"
#include "support/cluster.h"

namespace cs::test {

inline constexpr unsigned kNodes = 3;
// A lost node is noticed when its token is; a new ring needs all to agree once more.
inline constexpr int kTokenTimeout = 1000;      // ms
inline constexpr int kConsensusTimeout = 1200;  // ms

class WatchedClusterTest : public testing::Test {
 protected:
  static const std::vector<unsigned> kAll;

  void SetUp() override;     // starts the cluster before the first case
  void TearDown() override;  // makes it whole again, whatever the case has left
  static void TearDownTestSuite();

  static Cluster& cluster() { return *cluster_; }
  static ClusterNode& node(unsigned id) { return cluster_->node(id); }
  [[nodiscard]] static std::vector<TrackingClient*> clients_of(const std::vector<unsigned>& nodes);

  // Waits until the daemons of these nodes, and all clients there, see exactly `members`; and until
  // each client has been told everything its daemon tells of itself, at any time.
  static void expect_members(const std::vector<unsigned>& on, const std::vector<unsigned>& members);
  // Kills the daemon. Its clients are told at once that it is lost; returns how long the slowest
  // took, in milliseconds.
  static std::int64_t kill_daemon(unsigned id);
  // After a restart: waits until the clients there have connected anew, since that time.
  static void expect_reconnected(unsigned id, Nanoseconds since);
  [[nodiscard]] static std::string stories();

 private:
  static void start_cluster();

  static std::unique_ptr<Cluster> cluster_;
  static std::vector<std::unique_ptr<TrackingClient>> clients_;
};

// A figure in milliseconds, for the report and for whoever reads the output.
void record(const std::string& what, std::int64_t time);

}  // namespace cs::test
