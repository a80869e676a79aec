// SPDX-License-Identifier: BSD-3-Clause
// quorum-check on every node of a cluster that comes apart and together again, and with a quorum
// device that votes, stops voting and goes.
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <filesystem>

#include "support/cluster.h"

namespace cs::test {
namespace {

constexpr int kOk = 0;
constexpr int kWarning = 1;
constexpr int kCritical = 2;
constexpr int kUnknown = 3;

Outcome check(const ClusterNode& node, const std::vector<std::string>& options = {}) {
  std::vector<std::string> argv = {CS_QUORUM_CHECK, "--timeout", "2"};
  argv.insert(argv.end(), options.begin(), options.end());
  return node.run_program(argv);
}

// Once the node has noticed: what it says then, and how it ends.
testing::AssertionResult comes_to_say(const ClusterNode& node, int status,
                                      const std::string& text) {
  Outcome outcome;
  const bool said = eventually([&] {
    outcome = check(node);
    return outcome.exited_with(status) && outcome.output.find(text) != std::string::npos;
  });
  if (said) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << node.name() << " does not say " << status << " '" << text << "' but " << outcome;
}

class QuorumCheckCluster : public ClusterTest {};

TEST_F(QuorumCheckCluster, EveryStateOfThreeNodes) {
  Cluster cluster(3);
  ASSERT_TRUE(cluster.start());
  const auto& node = [&](unsigned id) -> ClusterNode& { return cluster.node(id); };
  for (const unsigned id : {1U, 2U, 3U}) {
    EXPECT_TRUE(comes_to_say(node(id), kOk, "quorate: 3 of 3 votes, 2 needed, 3 nodes |"));
  }
  cluster.cut(3);
  EXPECT_TRUE(comes_to_say(node(1), kWarning, "quorate: 2 of 3 votes, 2 needed, 2 nodes; no vote"));
  EXPECT_TRUE(comes_to_say(node(3), kCritical, "not quorate: 1 of 3 votes, 2 needed, 1 node |"));
  Child waiting = node(3).exec({CS_QUORUM_CHECK, "--wait", "100"}, {.capture = true});
  EXPECT_TRUE(check(node(3), {"--wait", "0.5"}).exited_with(kCritical));
  EXPECT_TRUE(waiting.running());
  cluster.heal(3);
  const Outcome waited = waiting.wait();
  EXPECT_TRUE(waited.exited_with(kOk) || waited.exited_with(kWarning)) << waited;
  EXPECT_TRUE(comes_to_say(node(3), kOk, "3 nodes |"));

  node(2).daemon().kill_hard();
  EXPECT_TRUE(comes_to_say(node(2), kUnknown, "corosync does not run here"));
  EXPECT_TRUE(comes_to_say(node(1), kWarning, "2 nodes; no vote can be lost |"));
  node(3).daemon().pause();
  EXPECT_TRUE(comes_to_say(node(3), kUnknown, "has not answered within 2.000 s"));
  EXPECT_TRUE(comes_to_say(node(1), kCritical, "not quorate: 1 of 3 votes"));
  node(3).daemon().resume();
  ASSERT_TRUE(node(2).daemon().restart());
  for (const unsigned id : {1U, 2U, 3U}) EXPECT_TRUE(comes_to_say(node(id), kOk, "3 nodes |"));
}

TEST_F(QuorumCheckCluster, PartitionIntoSingleNodesIsCriticalOnEach) {
  Cluster cluster(3);
  ASSERT_TRUE(cluster.start());
  cluster.partition({{1}, {2}, {3}});
  for (const unsigned id : {1U, 2U, 3U}) {
    EXPECT_TRUE(comes_to_say(cluster.node(id), kCritical, "1 node |"));
  }
  cluster.partition({});
  for (const unsigned id : {1U, 2U, 3U}) {
    EXPECT_TRUE(comes_to_say(cluster.node(id), kOk, "3 nodes |"));
  }
}

TEST_F(QuorumCheckCluster, TwoNodesMayBeOneBelow) {
  Cluster cluster(2, {.two_node = true});
  ASSERT_TRUE(cluster.start());
  EXPECT_TRUE(comes_to_say(cluster.node(1), kOk, "quorate: 2 of 2 votes, 1 needed, 2 nodes |"));
  EXPECT_NE(check(cluster.node(1), {"--json"}).output.find("[\"two_node\",\"wait_for_all\"]"),
            std::string::npos);
  cluster.node(2).daemon().kill_hard();
  EXPECT_TRUE(comes_to_say(cluster.node(1), kWarning, "1 of 2 votes, 1 needed, 1 node; no vote"));
  cluster.node(1).daemon().kill_hard();
  ASSERT_TRUE(cluster.node(1).daemon().restart());  // alone, it waits for the other
  EXPECT_TRUE(comes_to_say(cluster.node(1), kCritical, "; not all nodes have been seen yet |"));
}

// Timeouts that notice a lost node in seconds, where the defaults take half a minute.
DaemonOptions options_with_device() {
  return {.qdevice =
              std::string("    model: net\n    votes: 1\n    timeout: 2000\n"
                          "    sync_timeout: 4000\n    net {\n      tls: off\n"
                          "      algorithm: ffsplit\n      tie_breaker: lowest\n      host: ") +
              Cluster::kHostAddress + "\n    }"};
}

TEST_F(QuorumCheckCluster, DeviceThatDoesNotVoteIsAWarning) {
  Cluster cluster(2, options_with_device());
  ASSERT_TRUE(cluster.start());
  std::filesystem::create_directories("/run/corosync-qnetd");
  Child server =
      Child::exec({CorosyncDaemon::root() + "/usr/bin/corosync-qnetd", "-f", "-4", "-s", "off"},
                  {.environment = {{"LD_LIBRARY_PATH", CorosyncDaemon::stock_library_path()}}});
  std::array<Child, 2> devices;
  for (unsigned id = 1; id <= 2; ++id) {
    const ClusterNode& node = cluster.node(id);
    EXPECT_TRUE(comes_to_say(node, kWarning, "2 of 3 votes, 2 needed, 2 nodes; no vote"));
    ASSERT_TRUE(node.run_program({"/bin/mkdir", "-p", "/run/corosync-qdevice"}).exited_with(0));
    devices[id - 1] = cluster.node(id).daemon().start_tool({"corosync-qdevice", "-f"});
  }
  for (unsigned id = 1; id <= 2; ++id) {
    EXPECT_TRUE(comes_to_say(cluster.node(id), kOk, "quorate: 3 of 3 votes, 2 needed, 2 nodes |"));
  }
  devices[0].signal(SIGSTOP);  // it polls no more
  EXPECT_TRUE(comes_to_say(cluster.node(1), kWarning, "; quorum device Qdevice is not alive"));
  devices[0].signal(SIGCONT);
  EXPECT_TRUE(comes_to_say(cluster.node(1), kOk, " device_votes=1;;;0;1 "));
  server.kill_and_reap();  // the device lives, but knows nothing
  EXPECT_TRUE(comes_to_say(cluster.node(1), kWarning, "; quorum device Qdevice does not vote"));
  EXPECT_NE(check(cluster.node(1), {"--json"}).output.find("\"casts_vote\":false"),
            std::string::npos);
}

}  // namespace
}  // namespace cs::test
