// SPDX-License-Identifier: BSD-3-Clause
// Fixture of the cases that need the real daemon: quorum lost and found, keys in cmap.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "support/corosync_daemon.h"
#include "support/sam_process.h"

namespace cs::test {

class SamDaemonTest : public DaemonTest {
 protected:
  using Keys = std::map<std::string, std::string>;  // "state" -> "running", without the prefix

  void lose_quorum() { change_quorum(2, "No"); }
  void find_quorum() { change_quorum(1, "Yes"); }

  // What is published for the supervisor of this pid.
  [[nodiscard]] Keys keys(pid_t supervisor) {
    const std::string prefix = "resources.process." + std::to_string(supervisor) + ".";
    const Outcome listing = daemon().run_tool({"corosync-cmapctl", prefix});
    Keys found;
    for (std::size_t at = 0; at < listing.output.size();) {
      const std::size_t end = std::min(listing.output.find('\n', at), listing.output.size());
      const std::string line = listing.output.substr(at, end - at);  // key (type) = value
      const std::size_t name_end = line.find(" (");
      const std::size_t value = line.find(") = ");
      if (line.starts_with(prefix) && value != std::string::npos) {
        found[line.substr(prefix.size(), name_end - prefix.size())] = line.substr(value + 4);
      }
      at = end + 1;
    }
    return found;
  }

  [[nodiscard]] std::string key(pid_t supervisor, const std::string& name) {
    const Keys found = keys(supervisor);
    const auto entry = found.find(name);
    return entry == found.end() ? "(none)" : entry->second;
  }

  // For what follows an event on its own; what precedes a return is there at once.
  void expect_key_becomes(pid_t supervisor, const std::string& name, const std::string& value) {
    EXPECT_TRUE(eventually([&] { return key(supervisor, name) == value; },
                           milliseconds(patience() / 1'000'000)))
        << name << " stays " << key(supervisor, name) << " and does not become " << value;
  }

  // The change goes round the ring first; done when the daemon says so, to SAM before to this tool.
  void change_quorum(unsigned expected_votes, const std::string& quorate) {
    ASSERT_TRUE(daemon().set_expected_votes(expected_votes));
    ASSERT_TRUE(eventually([&] {
      const std::string text = daemon().run_tool({"corosync-quorumtool", "-s"}).output;
      const std::size_t line = text.find("Quorate:");
      return line != std::string::npos &&
             text.substr(line, text.find('\n', line) - line).ends_with(" " + quorate);
    }));
  }

  // Lets a scenario go on: it waits in `wait_for_go`, which its signal handler ends.
  static void go(pid_t pid) { ::kill(pid, SIGUSR2); }
};

inline volatile sig_atomic_t go_signals = 0;

inline void accept_go() {
  app::handle(SIGUSR2, [](int) { go_signals = go_signals + 1; });
}

// Once per go(); made ready by accept_go before sam_register.
inline void wait_for_go() {
  while (go_signals == 0) app::pause_for(2);
  go_signals = go_signals - 1;
}

inline void report_warning(int) { app::report("warned"); }

}  // namespace cs::test
