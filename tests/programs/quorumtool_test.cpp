// SPDX-License-Identifier: BSD-3-Clause
// corosync-quorumtool, every option: what it prints and returns is the same on stock's libraries
// and on ours. Each set of libraries gets a daemon of its own, as some options change it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <sstream>

#include "common/unique_fd.h"
#include "programs/libraries.h"
#include "programs/transcript.h"
#include "support/cluster.h"
#include "support/corosync_daemon.h"

namespace cs::test {
namespace {

// A pseudo terminal to print on, so that the program flushes each line, as it does for its user.
class Terminal {
 public:
  Terminal() : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    EXPECT_EQ(::grantpt(master_.get()), 0);
    EXPECT_EQ(::unlockpt(master_.get()), 0);
    char name[64];
    EXPECT_EQ(::ptsname_r(master_.get(), name, sizeof(name)), 0);
    name_ = name;
  }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& text() const { return text_; }

  // Reads until `done` is true of all that was printed so far.
  [[nodiscard]] testing::AssertionResult read_until(
      const std::function<bool(const std::string&)>& done) {
    char buffer[4096];
    while (!done(text_)) {
      pollfd source{master_.get(), POLLIN, 0};
      const bool ready = ::poll(&source, 1, static_cast<int>(kPatience.count())) > 0;
      const ssize_t got = ready ? ::read(master_.get(), buffer, sizeof(buffer)) : -1;
      if (got <= 0) return testing::AssertionFailure() << "nothing more came after:\n" << text_;
      text_.append(buffer, static_cast<std::size_t>(got));
    }
    return testing::AssertionSuccess();
  }

 private:
  UniqueFd master_;
  std::string name_;
  std::string text_;
};

class Quorumtool : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = CorosyncDaemon::unavailable()) skip_or_fail(*reason);
  }
};

std::vector<std::string> quorumtool(const std::string& options) {
  std::istringstream in(options);
  std::vector<std::string> command = {"corosync-quorumtool"};
  for (std::string word; in >> word;) command.push_back(word);
  return command;
}

struct Command {
  const char* options;
  unsigned total_votes = 0;  // what it changes them to; the change may come after its end
};

// Reports, changes and mistakes, in an order in which each change shows in the reports after it.
constexpr Command kCommands[] = {
    {"-s"},        {"-l"},        {"-s -p"},     {"-l -p"},   {"-i -l"},        {"-i -s"},
    {"-a -l"},     {"-H -s"},     {"-o i -l"},   {"-o n -l"}, {"-e 1"},         {"-e 2"},
    {"-e 0"},      {"-e x"},      {"-v 3", 3},   {"-s"},      {"-n 1 -v 2", 2}, {"-l"},
    {"-n 7 -v 1"}, {"-n 0 -v 1"}, {"-n x -v 1"}, {"-v -1"},   {"-e 5"},         {"-s"},
    {"-e 3"},      {"-s"},        {"-e 100"},    {"-v 1"},    {"-s -p"},        {"-v 70000", 70000},
    {"-s"},        {"-f"},        {"-V"},        {"-h"},      {"-x"},           {"-o z"},
    {"-s extra"},  {""},
};

testing::AssertionResult wait_for_votes(const CorosyncDaemon& daemon, unsigned votes) {
  const std::string line = "Total votes:      " + std::to_string(votes) + "\n";
  Outcome report;
  const bool seen = eventually([&] {
    report = daemon.run_tool(quorumtool("-s"));
    return report.output.find(line) != std::string::npos;
  });
  if (seen) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "no " << line << report;
}

void record_commands(Libraries libraries, Transcript& transcript) {
  CorosyncDaemon daemon;
  ASSERT_TRUE(daemon.start());
  for (const Command& command : kCommands) {
    transcript.add(command.options,
                   daemon.run_tool(quorumtool(command.options), library_path(libraries)));
    ASSERT_TRUE(command.total_votes == 0 || wait_for_votes(daemon, command.total_votes));
  }
  daemon.kill_hard();
  for (const char* options : {"-s", "-e 2", "-m"}) {
    transcript.add(std::string("no daemon: ") + options,
                   daemon.run_tool(quorumtool(options), library_path(libraries)));
  }
}

TEST_F(Quorumtool, EveryOptionDoesTheSame) {
  Transcript stock;
  Transcript ours;
  ASSERT_NO_FATAL_FAILURE(record_commands(Libraries::kStock, stock));
  ASSERT_NO_FATAL_FAILURE(record_commands(Libraries::kOurs, ours));
  EXPECT_NE(stock.text().find("Total votes:      3"), std::string::npos) << stock.text();
  EXPECT_EQ(stock.text(), ours.text());
}

// What the monitor showed last has these lines, and is complete.
bool last_report_has(const std::string& text, const std::vector<std::string>& lines) {
  const std::string report = text.substr(std::min(text.rfind("Quorum information"), text.size()));
  const bool complete = report.find("(local)") != std::string::npos && report.ends_with("\n\r\n");
  return complete && std::all_of(lines.begin(), lines.end(), [&](const std::string& line) {
           return report.find(line) != std::string::npos;
         });
}

// Without reports that repeat the one before: a merge may take one ring or two to succeed.
std::string distinct_reports(const std::string& text) {
  const std::string all = normalized(text);
  std::string result;
  std::string previous;
  for (std::size_t begin = 0, end = 0; begin < all.size(); begin = end) {
    end = std::min(all.find("Quorum information", begin + 1), all.size());
    const std::string report = all.substr(begin, end - begin);
    if (report != previous) result += report;
    previous = report;
  }
  return result;
}

// The monitor reports when the membership changes, with the votes as they are then.
void record_monitor(Libraries libraries, Transcript& transcript) {
  Cluster cluster(2);
  ASSERT_TRUE(cluster.start());
  const CorosyncDaemon& daemon = cluster.node(1).daemon();
  Terminal terminal;
  Child monitor = daemon.start_tool(quorumtool("-m"), library_path(libraries),
                                    {.output_file = terminal.name()});
  const auto shows = [&](const std::vector<std::string>& lines) {
    return terminal.read_until(
        [=](const std::string& text) { return last_report_has(text, lines); });
  };
  ASSERT_TRUE(shows({"Total votes:      2", "1 n2"}));
  EXPECT_TRUE(runs_on(monitor.pid(), libraries));
  ASSERT_TRUE(daemon.run_tool(quorumtool("-n 2 -v 3"), library_path(libraries)).exited_with(0));
  for (unsigned id = 1; id <= 2; ++id) {  // the change is on its way when the tool has ended
    ASSERT_TRUE(eventually([&] { return cluster.node(id).view().total_votes == 4; }));
  }
  cluster.cut(2);
  ASSERT_TRUE(shows({"Total votes:      1", "Expected votes:   4", "Quorate:          No"}));
  cluster.heal(2);
  ASSERT_TRUE(shows({"Total votes:      4", "Quorate:          Yes", "3 n2"}));
  monitor.signal(SIGTERM);
  transcript.add("monitor", distinct_reports(terminal.text()));
  transcript.add("its end", monitor.wait());
}

class QuorumtoolInACluster : public ClusterTest {};

TEST_F(QuorumtoolInACluster, MonitorSeesTheSameChanges) {
  Transcript stock;
  Transcript ours;
  ASSERT_NO_FATAL_FAILURE(record_monitor(Libraries::kStock, stock));
  ASSERT_NO_FATAL_FAILURE(record_monitor(Libraries::kOurs, ours));
  EXPECT_EQ(stock.text(), ours.text());
}

}  // namespace
}  // namespace cs::test
