// SPDX-License-Identifier: BSD-3-Clause
// A real cluster for a test: nodes n1..nK, each with its own network, /run, /dev/shm and corosync,
// joined by a bridge in the private network that scripts/in-namespaces made. Links can be cut.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/child.h"
#include "support/corosync_daemon.h"

namespace cs::test {

// What `corosync-quorumtool -s` says on one node.
struct View {
  bool answered = false;  // false: the daemon did not answer, and the rest is empty
  bool quorate = false;
  unsigned total_votes = 0;
  std::string ring_id;
  std::vector<unsigned> members;  // ascending; a quorum device is none

  bool operator==(const View&) const = default;
};
std::ostream& operator<<(std::ostream& out, const View& view);

// One node. Whatever runs "on" it is a process in its namespaces.
class ClusterNode {
 public:
  ClusterNode(unsigned id, DaemonOptions options);
  ClusterNode(const ClusterNode&) = delete;
  ClusterNode& operator=(const ClusterNode&) = delete;

  [[nodiscard]] unsigned id() const { return id_; }
  [[nodiscard]] std::string name() const { return "n" + std::to_string(id_); }
  [[nodiscard]] std::string address() const;
  // Killed, paused, restarted like any other; its tools run on the node.
  [[nodiscard]] CorosyncDaemon& daemon() { return daemon_; }
  [[nodiscard]] View view() const;

  [[nodiscard]] Child run(const std::function<int()>& body) const;  // a fork of ours, on the node
  [[nodiscard]] Child exec(const std::vector<std::string>& argv, ProgramOptions options = {}) const;
  [[nodiscard]] Outcome run_program(const std::vector<std::string>& argv) const;
  // For a forked child that something else has started: from here on it is on the node.
  void enter() const;

 private:
  unsigned id_;
  CorosyncDaemon daemon_;
  Child keeper_;  // holds the namespaces open
};

// The nodes and the links between them. The host of the bridge, where the test itself runs, has an
// address on it too, for a quorum device server; partition() leaves that one reachable.
class Cluster {
 public:
  static constexpr const char* kHostAddress = "10.77.0.254";

  // Why no cluster can be made in this process; none when it can.
  [[nodiscard]] static std::optional<std::string> unavailable();

  // `options` go to every node, but for its id and the nodelist, which are made here; a token
  // timeout of 1000 ms is used where no totem_lines are given.
  explicit Cluster(unsigned nodes, const DaemonOptions& options = {});
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;
  ~Cluster();

  // Starts all daemons and waits until each sees all nodes; a failure tells their logs.
  [[nodiscard]] testing::AssertionResult start();
  [[nodiscard]] ClusterNode& node(unsigned id) { return *nodes_.at(id - 1); }
  [[nodiscard]] unsigned size() const { return static_cast<unsigned>(nodes_.size()); }
  [[nodiscard]] std::string logs() const;

  // The node's cable pulled, and put back: it reaches neither nodes nor host, and notices.
  void cut(unsigned id) const;
  void heal(unsigned id) const;
  // What `from` sends to `to` is lost, silently; the other direction is untouched.
  void lose(unsigned from, unsigned to) const;
  void restore(unsigned from, unsigned to) const;
  // Nothing passes between nodes of different groups; partition({}) undoes it.
  void partition(const std::vector<std::vector<unsigned>>& groups) const;

  // Waits until the daemon of each of these nodes sees exactly `members`.
  [[nodiscard]] testing::AssertionResult wait_for_members(const std::vector<unsigned>& on,
                                                          const std::vector<unsigned>& members);

 private:
  std::vector<std::unique_ptr<ClusterNode>> nodes_;
};

// Fixture: skips (or fails, see skip_or_fail) where no cluster can be made.
class ClusterTest : public testing::Test {
 protected:
  void SetUp() override;
};

}  // namespace cs::test
