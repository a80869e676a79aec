// SPDX-License-Identifier: BSD-3-Clause
// The distribution's corosync, unpacked by scripts/fetch-corosync, run for a test: one private
// node, in the private namespaces that scripts/in-namespaces made, never in the machine's own.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "support/child.h"

namespace cs::test {

// Whether we are in a network that scripts/in-namespaces made (it tells which one it left), where
// nobody is harmed by a daemon, or by what takes its name.
[[nodiscard]] bool in_private_network();

// Whether daemons that are not told otherwise offer sockets instead of shared memory.
[[nodiscard]] bool daemon_uses_sockets();

// What goes into the generated configuration. The `_lines` are put as they are into the section of
// their name, one setting a line.
struct DaemonOptions {
  unsigned expected_votes = 1;  // 0: left to the nodelist
  unsigned node_id = 1;
  bool two_node = false;
  std::string qb_ipc_type = {};  // "shm" or "socket"; empty: $CS_IPC_TYPE, or the daemon's choice
  std::string qdevice = {};      // body of quorum { device { ... } }; empty: no device
  std::string quorum_lines = {};
  std::string totem_lines = {};
  std::string system_lines = {};
  std::string logging_lines = {};
  std::string node_lines = {};
  std::string nodelist = {};  // body of nodelist { ... }; empty: this node alone, on the loopback
  std::string sections = {};  // more of them, each as a whole
  std::function<void()> enter = {};  // runs in the daemon and its tools before their programs do
};

// One daemon and its temporary folder; when this object goes, both are gone. The daemon also dies
// with the thread that called start().
class CorosyncDaemon {
 public:
  // Why no private daemon can run in this process; none when it can.
  [[nodiscard]] static std::optional<std::string> unavailable();
  // The unpacked tree: $CS_COROSYNC_ROOT, by default build/corosync-root of the source folder.
  [[nodiscard]] static std::string root();
  // What LD_LIBRARY_PATH must be for the distribution's libraries to be used.
  [[nodiscard]] static std::string stock_library_path();

  explicit CorosyncDaemon(DaemonOptions options = {});
  CorosyncDaemon(const CorosyncDaemon&) = delete;
  CorosyncDaemon& operator=(const CorosyncDaemon&) = delete;
  ~CorosyncDaemon();

  // Starts the daemon and waits until it serves clients; a failure tells its log.
  [[nodiscard]] testing::AssertionResult start();
  // The two halves of start(), for daemons that start together.
  void launch();
  [[nodiscard]] testing::AssertionResult wait_until_ready();
  [[nodiscard]] testing::AssertionResult restart();  // kills it first, if it runs
  void kill_hard();                                  // SIGKILL, reaped on return
  [[nodiscard]] Outcome stop();                      // SIGTERM, and how it ended
  void pause() const;                                // SIGSTOP: it answers nothing ...
  void resume() const;                               // ... until SIGCONT
  [[nodiscard]] bool running() { return process_.running(); }
  [[nodiscard]] pid_t pid() const { return process_.pid(); }

  // Runs one of the distribution's programs, e.g. {"corosync-cmapctl", "-b", "some.key"}. With
  // `library_path`, that folder's libraries are taken before the distribution's.
  [[nodiscard]] Outcome run_tool(std::vector<std::string> command,
                                 const std::string& library_path = {},
                                 milliseconds limit = kPatience) const;
  // The same for a program that goes on.
  [[nodiscard]] Child start_tool(std::vector<std::string> command,
                                 const std::string& library_path = {},
                                 ProgramOptions options = {}) const;
  // As `corosync-quorumtool -e` does it: loses quorum on one node when 2, regains it when 1.
  [[nodiscard]] testing::AssertionResult set_expected_votes(unsigned votes) const;
  [[nodiscard]] std::string log() const;  // what the daemon printed since the first start
  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] const std::string& config_file() const { return config_file_; }

 private:
  void write_config() const;

  DaemonOptions options_;
  std::string folder_;
  std::string config_file_;
  Child process_;
};

// Fixture: a daemon made with `options()`, running when the test begins, its log shown on failure.
class DaemonTest : public testing::Test {
 protected:
  [[nodiscard]] virtual DaemonOptions options() const { return {}; }
  void SetUp() override;
  void TearDown() override;
  [[nodiscard]] CorosyncDaemon& daemon() { return *daemon_; }

 private:
  std::optional<CorosyncDaemon> daemon_;
};

// Ends the current test as skipped, or as failed when CS_NO_SKIPS=1 (as in CI). For SetUp(),
// which the test's body does not follow then; elsewhere the caller returns right after it.
void skip_or_fail(const std::string& reason);

}  // namespace cs::test
