// SPDX-License-Identifier: BSD-3-Clause
// sam-run --quorum and --cmap on the nodes of a cluster that comes apart, with a daemon that dies
// and comes back, and without a daemon at first.
#include <gtest/gtest.h>

#include "support/cluster.h"
#include "tools/running.h"

namespace cs::test {
namespace {

constexpr const char* kGrace = "1000";  // ms

class SamRunCluster : public ClusterTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(ClusterTest::SetUp());
    if (!IsSkipped()) cluster_.emplace(3);
  }

  [[nodiscard]] Cluster& cluster() { return *cluster_; }
  [[nodiscard]] ClusterNode& node(unsigned id) { return cluster_->node(id); }
  [[nodiscard]] ProgramOptions on(unsigned id) {
    return {.before_exec = [this, id] { node(id).enter(); }};
  }

 private:
  std::optional<Cluster> cluster_;
};

// The command is not there; and is not started while the node is as it is.
testing::AssertionResult stays_away(const Running& run) {
  const int before = run.count("started ");
  const bool came = eventually([&] { return run.count("started ") > before; }, milliseconds(1500));
  if (came) return testing::AssertionFailure() << "started again: " << run.output();
  return testing::AssertionSuccess();
}

testing::AssertionResult has_gone(const Running& run) {
  const int pid = run.number_after("started ");
  if (eventually([&] { return !proc::exists(pid); })) return testing::AssertionSuccess();
  return testing::AssertionFailure() << pid << " is still there: " << run.output();
}

TEST_F(SamRunCluster, RunsOnlyWhereTheClusterIsQuorate) {
  ASSERT_TRUE(cluster().start());
  const std::vector<std::string> options = {"--quorum", "--grace", kGrace, "-d", "0"};
  const Running majority(options, kYielding, on(1));
  const Running yielding(options, kYielding, on(3));
  const Running stubborn(options, kStubborn, on(3));
  for (const Running* run : {&majority, &yielding, &stubborn}) {
    ASSERT_TRUE(run->comes_to(1, "started "));
  }
  cluster().cut(3);
  EXPECT_TRUE(has_gone(yielding));
  EXPECT_TRUE(has_gone(stubborn));
  for (const Running* run : {&yielding, &stubborn}) {
    EXPECT_NE(run->output().find("quorum lost"), std::string::npos) << run->output();
  }
  EXPECT_EQ(stubborn.count("warned"), 1) << stubborn.output();
  EXPECT_TRUE(stays_away(yielding));
  EXPECT_EQ(stubborn.count("started "), 1) << stubborn.output();
  cluster().heal(3);
  EXPECT_TRUE(yielding.comes_to(2, "started "));
  EXPECT_TRUE(stubborn.comes_to(2, "started "));
  ASSERT_TRUE(cluster().wait_for_members({1, 2, 3}, {1, 2, 3}));
  EXPECT_TRUE(proc::exists(majority.number_after("started "))) << majority.output();
}

TEST_F(SamRunCluster, DaemonThatDiesAndComesBackIsWaitedFor) {
  ASSERT_TRUE(cluster().start());
  const Running run({"--quorum", "--grace", kGrace, "-c", "true", "-i", "100"}, kYielding, on(2));
  ASSERT_TRUE(run.comes_to(1, "started "));
  node(2).daemon().kill_hard();
  EXPECT_TRUE(has_gone(run));
  EXPECT_TRUE(stays_away(run));
  ASSERT_TRUE(node(2).daemon().restart());
  EXPECT_TRUE(run.comes_to(2, "started "));
}

TEST_F(SamRunCluster, StartedBeforeTheDaemonItWaits) {
  const Running run({"--quorum", "--cmap"}, kYielding, on(1));
  EXPECT_TRUE(run.comes_to(1, "sam-run: waits for corosync (CS_ERR_LIBRARY)"));
  EXPECT_TRUE(stays_away(run));
  ASSERT_TRUE(cluster().start());
  EXPECT_TRUE(run.comes_to(1, "started "));
  EXPECT_EQ(run.count("sam-run: waits"), 1) << run.output();
}

TEST_F(SamRunCluster, StartedWithoutQuorumItWaits) {
  node(1).daemon().launch();
  ASSERT_TRUE(node(1).daemon().wait_until_ready());
  const Running run({"--quorum"}, kYielding, on(1));
  EXPECT_TRUE(stays_away(run));
  node(2).daemon().launch();
  EXPECT_TRUE(run.comes_to(1, "started "));
}

TEST_F(SamRunCluster, StoppedWhileItWaitsItEnds) {
  Running for_daemon({"--quorum"}, kYielding, on(1));
  EXPECT_TRUE(for_daemon.comes_to(1, "sam-run: waits for corosync"));
  for_daemon.process().signal(SIGTERM);
  EXPECT_TRUE(for_daemon.process().wait().exited_with(0));

  node(1).daemon().launch();
  ASSERT_TRUE(node(1).daemon().wait_until_ready());
  const auto stop_leaves_no_keys = [&] {
    Running for_quorum({"--quorum", "--cmap"}, kYielding, on(1));
    const std::string keys = "resources.process." + std::to_string(for_quorum.process().pid());
    const auto get_keys = [&] {
      return node(1).daemon().run_tool({"corosync-cmapctl", "resources.process."}).output;
    };
    EXPECT_TRUE(eventually([&] {
      return get_keys().find(keys + ".state (str) = waiting for quorum") != std::string::npos;
    }));
    for_quorum.process().signal(SIGTERM);
    EXPECT_TRUE(for_quorum.process().wait().exited_with(0));
    EXPECT_EQ(for_quorum.count("started "), 0) << for_quorum.output();
    return get_keys().find(keys) == std::string::npos;
  };
  // The daemon has half a second to take them away, which on a busy machine may be too little.
  EXPECT_TRUE(stop_leaves_no_keys() || stop_leaves_no_keys() || stop_leaves_no_keys());
}

bool catches(pid_t pid, int number) {
  const std::uint64_t caught = std::stoull("0" + proc::status(pid, "SigCgt"), nullptr, 16);
  return (caught >> (number - 1) & 1) != 0;
}

// The daemon is there, but does not let it in.
TEST_F(SamRunCluster, StoppedWhileItRegistersItEnds) {
  node(1).daemon().launch();
  ASSERT_TRUE(node(1).daemon().wait_until_ready());
  node(1).daemon().pause();
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{"--cmap"}, {"--cmap", "--forward", "none"}}) {
    for (const int number : {SIGTERM, SIGINT, SIGQUIT}) {
      Running run(options, kYielding, on(1));
      const pid_t pid = run.process().pid();
      EXPECT_TRUE(eventually([&] { return catches(pid, number) && proc::state(pid) == 'S'; }));
      run.process().signal(number);
      EXPECT_TRUE(run.process().wait().exited_with(0)) << number << run.output();
      EXPECT_EQ(run.count("started "), 0) << run.output();
    }
  }
  node(1).daemon().resume();
}

TEST_F(SamRunCluster, StateIsInCmap) {
  ASSERT_TRUE(cluster().start());
  Running run({"--cmap", "-c", "echo checked", "-i", "50", "-g", "100000"}, kYielding, on(1));
  ASSERT_TRUE(run.comes_to(5, "checked"));
  const std::string key =
      "resources.process." + std::to_string(run.process().pid()) + ".state (str) = running";
  EXPECT_TRUE(eventually([&] {
    const Outcome keys = node(1).daemon().run_tool({"corosync-cmapctl", "resources.process."});
    return keys.output.find(key) != std::string::npos;
  })) << key;
}

}  // namespace
}  // namespace cs::test
