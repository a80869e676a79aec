// SPDX-License-Identifier: BSD-3-Clause
// corosync-qdevice, unmodified, voting in a cluster of two: the node that the device server can
// still reach keeps quorum when the other is cut off. The same on stock's libraries and on ours.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>

#include "programs/libraries.h"
#include "programs/transcript.h"
#include "support/cluster.h"

namespace cs::test {
namespace {

constexpr unsigned kNodes = 2;
using Lines = std::vector<std::string>;

bool has_lines(const std::string& text, const Lines& lines) {
  return std::all_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return text.find(line) != std::string::npos; });
}

// Timeouts that notice a lost node in seconds, where the defaults take half a minute.
DaemonOptions options_with_device() {
  return {.qdevice =
              std::string("    model: net\n    votes: 1\n    timeout: 2000\n"
                          "    sync_timeout: 4000\n    net {\n      tls: off\n"
                          "      algorithm: ffsplit\n      tie_breaker: lowest\n      host: ") +
              Cluster::kHostAddress + "\n    }"};
}

// The cluster, the server on the bridge's host, and a device on each node.
class DeviceCluster {
 public:
  explicit DeviceCluster(Libraries libraries)
      : libraries_(libraries), cluster_(kNodes, options_with_device()) {}

  void start() {
    ASSERT_TRUE(cluster_.start());
    std::filesystem::create_directories("/run/corosync-qnetd");
    server_ =
        Child::exec({CorosyncDaemon::root() + "/usr/bin/corosync-qnetd", "-f", "-4", "-s", "off"},
                    {.environment = {{"LD_LIBRARY_PATH", CorosyncDaemon::stock_library_path()}}});
    for (unsigned id = 1; id <= kNodes; ++id) {
      const ClusterNode& node = cluster_.node(id);
      ASSERT_TRUE(node.run_program({"/bin/mkdir", "-p", "/run/corosync-qdevice"}).exited_with(0));
      devices_[id - 1] = cluster_.node(id).daemon().start_tool({"corosync-qdevice", "-f"},
                                                               library_path(libraries_));
    }
  }

  // Waits until the tool's report on each node has the node's lines, and records that report.
  void record(const std::string& moment, const std::array<Lines, kNodes>& awaited,
              Transcript& into) {
    for (unsigned id = 1; id <= kNodes; ++id) {
      const std::string where = moment + ", n" + std::to_string(id);
      Outcome report;
      ASSERT_TRUE(eventually([&] {
        report = run_tool(id, {"corosync-quorumtool", "-s", "-p"});
        return has_lines(report.output, awaited[id - 1]);
      })) << where
          << ": " << report << "\n"
          << cluster_.logs();
      ASSERT_TRUE(runs_on(devices_[id - 1].pid(), libraries_));
      into.add(where, report);
    }
  }

  // The device says goodbye: its vote goes with it.
  void stop_device(unsigned id, Transcript& into) {
    devices_[id - 1].signal(SIGTERM);
    into.add("device stopped", devices_[id - 1].wait());
    into.add("without its device", run_tool(id, {"corosync-quorumtool", "-s"}));
  }

  [[nodiscard]] const Cluster& cluster() const { return cluster_; }

 private:
  Outcome run_tool(unsigned id, const std::vector<std::string>& command) {
    return cluster_.node(id).daemon().run_tool(command, library_path(libraries_));
  }

  Libraries libraries_;
  Cluster cluster_;
  Child server_;
  std::array<Child, kNodes> devices_;
};

// A: the device is alive, V: it votes, NV: it does not.
const Lines kBothVote = {"Total votes:      3", "Flags:            Quorate Qdevice", "  A,V,NMW n1",
                         "  A,V,NMW n2"};
const Lines kKeepsQuorum = {"Nodes:            1", "Total votes:      2",
                            "Flags:            Quorate Qdevice", "  A,V,NMW n1"};
const Lines kLosesQuorum = {"Nodes:            1", "Total votes:      1", "Activity blocked",
                            "  A,NV,NMW n2"};

void record_life(Libraries libraries, Transcript& transcript) {
  DeviceCluster nodes(libraries);
  ASSERT_NO_FATAL_FAILURE(nodes.start());
  ASSERT_NO_FATAL_FAILURE(nodes.record("device votes", {kBothVote, kBothVote}, transcript));
  nodes.cluster().cut(2);
  ASSERT_NO_FATAL_FAILURE(nodes.record("n2 cut off", {kKeepsQuorum, kLosesQuorum}, transcript));
  nodes.cluster().heal(2);
  ASSERT_NO_FATAL_FAILURE(nodes.record("healed", {kBothVote, kBothVote}, transcript));
  nodes.cluster().partition({{1}, {2}});  // both reach the server, which must choose one
  ASSERT_NO_FATAL_FAILURE(nodes.record("split", {kKeepsQuorum, kLosesQuorum}, transcript));
  nodes.stop_device(1, transcript);
}

class QdeviceProgram : public ClusterTest {};

TEST_F(QdeviceProgram, KeepsTheReachableNodeQuorate) {
  Transcript stock;
  Transcript ours;
  ASSERT_NO_FATAL_FAILURE(record_life(Libraries::kStock, stock));
  ASSERT_NO_FATAL_FAILURE(record_life(Libraries::kOurs, ours));
  EXPECT_NE(stock.text().find("Qdevice"), std::string::npos) << stock.text();
  EXPECT_EQ(stock.text(), ours.text());
}

}  // namespace
}  // namespace cs::test
