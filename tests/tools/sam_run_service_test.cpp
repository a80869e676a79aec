// SPDX-License-Identifier: BSD-3-Clause
// sam-run as a service: stopped, told to read its configuration, killed, in a crash loop, logged
// and noticed by a service manager.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <csignal>
#include <regex>
#include <sstream>

#include "common/unique_fd.h"
#include "tools/running.h"

namespace cs::test {
namespace {

// Says what it gets; ends by SIGTERM, with 5.
const std::vector<std::string> kService = shell(
    "trap 'echo bye; exit 5' TERM; trap 'echo reloaded' HUP; echo started $$; n=0; "
    "while [ $n -lt 1200 ]; do sleep 0.05; n=$((n + 1)); done");
const std::vector<std::string> kCrashing = shell("echo started $$; exit 9");

// With a checker and without one.
const std::vector<std::vector<std::string>> kKinds = {{},
                                                      {"-c", "true", "-i", "50", "-g", "100000"}};

// The rest of each line that begins with this.
std::vector<std::string> all_after(const std::string& text, const std::string& beginning) {
  std::vector<std::string> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(beginning)) found.push_back(line.substr(beginning.size()));
  }
  return found;
}

// The log's lines, without what differs from run to run: but each must have its time.
std::string without_times(const std::string& text) {
  const std::regex line(R"(^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z sam\[\d+\]: (.*)$)");
  const std::regex durations(R"( (uptime|next)=\d+\.\d{3}s)");
  std::string result;
  std::istringstream lines(text);
  for (std::string whole; std::getline(lines, whole);) {
    std::smatch match;
    if (!std::regex_match(whole, match, line)) continue;
    result += std::regex_replace(match[1].str(), durations, "") + "\n";
  }
  return result;
}

testing::AssertionResult is_gone(int pid) {
  if (eventually([&] { return !proc::exists(pid) || proc::state(pid) == 'Z'; })) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << pid << " is still there";
}

TEST(SamRunStop, IsTheCommandsOrderlyEnd) {
  for (const auto& options : kKinds) {
    Running run(options, kService);
    ASSERT_TRUE(run.comes_to(1, "started "));
    run.process().signal(SIGTERM);
    const Outcome outcome = run.wait();
    EXPECT_TRUE(outcome.exited_with(5)) << outcome;
    EXPECT_EQ(run.count("bye"), 1) << outcome;
    EXPECT_EQ(run.count("started "), 1) << outcome;
    EXPECT_NE(outcome.output.find("stop asked by SIGTERM"), std::string::npos) << outcome;
  }
}

// The checks fail from the first moment of the stop on, for longer than the warning and the kill
// would take.
TEST(SamRunStop, LongCleanUpIsNotKilledForItsChecks) {
  const ScratchFolder folder;
  const std::string closed = folder / "closed";
  Running run({"-c", "test ! -e " + closed, "-i", "400", "-g", "800"},
              shell("trap 'touch " + closed +
                    "; sleep 3; echo cleaned up; exit 4' TERM; echo started $$; n=0; "
                    "while [ $n -lt 1200 ]; do sleep 0.05; n=$((n + 1)); done"));
  ASSERT_TRUE(run.comes_to(1, "started "));
  run.process().signal(SIGTERM);
  const Outcome outcome = run.wait();
  EXPECT_TRUE(outcome.exited_with(4)) << outcome;
  EXPECT_EQ(run.count("cleaned up"), 1) << outcome;
  EXPECT_EQ(outcome.output.find(" warning instance"), std::string::npos) << outcome;
}

TEST(SamRunStop, CommandThatEndsByTheSignalHasStoppedInOrder) {
  for (const int number : {SIGTERM, SIGINT, SIGQUIT}) {
    Running run({}, shell("ulimit -c 0; echo started $$; exec sleep 60"));
    ASSERT_TRUE(run.comes_to(1, "started "));
    run.process().signal(number);
    EXPECT_TRUE(run.process().wait().exited_with(0)) << number;
  }
}

TEST(SamRunStop, AnotherSignalThatEndsTheCommandIsInTheStatus) {
  const Outcome killed = Running({"-p", "quit"}, shell("kill -KILL $$")).wait();
  EXPECT_TRUE(killed.exited_with(128 + SIGKILL)) << killed;
  Running run({}, kStubborn);
  ASSERT_TRUE(run.comes_to(1, "started "));
  run.process().signal(SIGTERM);
  EXPECT_TRUE(run.comes_to(1, "warned"));
  ASSERT_EQ(::kill(run.number_after("started "), SIGKILL), 0);
  EXPECT_TRUE(run.process().wait().exited_with(128 + SIGKILL));
}

TEST(SamRunStop, EndsThePauseBeforeARestart) {
  Running run({"-d", "600000"}, kCrashing);
  ASSERT_TRUE(eventually([&] { return run.output().find(" next=600") != std::string::npos; }));
  run.process().signal(SIGTERM);
  const Outcome outcome = run.wait();
  EXPECT_FALSE(outcome.timed_out) << outcome;
  EXPECT_EQ(run.count("started "), 1) << outcome;
}

TEST(SamRunSignals, ReachTheCommandAndLeaveTheSupervisor) {
  for (const auto& options : kKinds) {
    Running run(options, kService);
    ASSERT_TRUE(run.comes_to(1, "started "));
    run.process().signal(SIGHUP);
    EXPECT_TRUE(run.comes_to(1, "reloaded"));
    EXPECT_TRUE(run.process().running());
    EXPECT_EQ(run.count("started "), 1) << run.output();
  }
}

TEST(SamRunSignals, AreNotForwardedIfNotAskedFor) {
  Running run({"-f", "none"}, kService);
  ASSERT_TRUE(run.comes_to(1, "started "));
  run.process().signal(SIGTERM);
  EXPECT_TRUE(run.process().wait().killed_by(SIGTERM));
  EXPECT_TRUE(is_gone(run.number_after("started ")));
  EXPECT_EQ(run.count("bye"), 0) << run.output();
}

TEST(SamRunKilled, TakesTheCommandAndTheCheckerAlong) {
  const ScratchFolder folder;
  const std::string file = folder / "pid";
  Running run({"-c", "echo $PPID >" + file, "-i", "50", "-g", "100000"}, kService);
  int checker = 0;
  ASSERT_TRUE(eventually([&] { return bool(std::ifstream(file) >> checker); }));
  run.process().kill_and_reap();
  EXPECT_TRUE(is_gone(run.number_after("started ")));
  EXPECT_TRUE(is_gone(checker));
}

TEST(SamRunCrashLoop, EndsAtTheLimitAndCanBeReadInTheLog) {
  for (const auto& kind : kKinds) {
    std::vector<std::string> options = {"-r", "3/600", "-d", "1"};
    options.insert(options.end(), kind.begin(), kind.end());
    Running run(options, kCrashing);
    const Outcome outcome = run.wait();
    EXPECT_TRUE(outcome.exited_with(9)) << outcome;
    EXPECT_EQ(run.count("started "), 4) << outcome;
    EXPECT_NE(outcome.output.find("restart limit reached"), std::string::npos) << outcome;
    EXPECT_NE(outcome.output.find("exited with 9"), std::string::npos) << outcome;
  }
}

// When, why and how often: for each instance its start and its death, with the process id that the
// command itself knows, in the order in which they came.
TEST(SamRunCrashLoop, LogNamesEachInstanceByItsProcess) {
  for (const auto& kind : kKinds) {
    std::vector<std::string> options = {"-r", "3/600", "-d", "1"};
    options.insert(options.end(), kind.begin(), kind.end());
    Running run(options, shell("ulimit -c 0; echo started $$; sleep 0.2; kill -SEGV $$"));
    EXPECT_TRUE(run.wait().exited_with(128 + SIGSEGV));
    const std::string text = run.output();
    const std::vector<std::string> pids = all_after(text, "started ");
    ASSERT_EQ(pids.size(), 4U) << text;
    std::string expected;
    for (std::size_t i = 0; i < pids.size(); ++i) {
      const std::string instance = " instance=" + std::to_string(i + 1) + " pid=" + pids[i];
      expected += "start" + instance + "\n";
      expected += "death" + instance + " reason=\"killed by SIGSEGV\"\n";
    }
    expected += "end instance=4 reason=\"restart limit reached\" exit=139\n";
    EXPECT_EQ(without_times(text), expected) << text;
  }
}

TEST(SamRunSettings, VariableReplacesADefaultAndAnOptionReplacesIt) {
  const ProgramOptions limit = {.environment = {{"SAM_RESTART_LIMIT", "2/600"}}};
  Running by_variable({"-d", "0"}, kCrashing, limit);
  EXPECT_TRUE(by_variable.wait().exited_with(9));
  EXPECT_EQ(by_variable.count("started "), 3) << by_variable.output();
  Running by_option({"-d", "0", "-r", "1/600"}, kCrashing, limit);
  EXPECT_TRUE(by_option.wait().exited_with(9));
  EXPECT_EQ(by_option.count("started "), 2) << by_option.output();
}

ProgramOptions interval(const char* value) { return {.environment = {{"SAM_INTERVAL", value}}}; }

// The checks go by it, with which the library watches.
TEST(SamRunSettings, IntervalIsTheGraceOfACommandWithoutOptions) {
  Running run({"-p", "quit"}, shell("sleep 3; exit 3"), interval("1500"));
  const Outcome outcome = run.wait();
  EXPECT_TRUE(outcome.exited_with(3)) << outcome;
  EXPECT_EQ(outcome.output.find(" warning "), std::string::npos) << outcome;
}

TEST(SamRunSettings, GraceGoesBeforeTheInterval) {
  const Running run({"-c", "false", "-i", "50", "-g", "300"}, kYielding, interval("100000"));
  EXPECT_TRUE(run.comes_to(2, "started "));
}

TEST(SamRunSettings, IntervalIsHeldAgainstThatOfTheChecks) {
  const Outcome refused = Running({"-c", "true", "-i", "50"}, kYielding, interval("99")).wait();
  EXPECT_TRUE(refused.exited_with(125)) << refused;
  EXPECT_EQ(refused.output, "sam-run: SAM_INTERVAL must be at least twice --interval\n");
  const Running taken({"-c", "false", "-i", "50"}, kYielding, interval("300"));
  EXPECT_TRUE(taken.comes_to(2, "started "));
}

TEST(SamRunSettings, IntervalOfNoLimitMakesNoChecks) {
  Running run({"-p", "quit", "-c", "echo checked; false", "-i", "50"}, shell("sleep 1; exit 3"),
              interval("0"));
  EXPECT_TRUE(run.wait().exited_with(3)) << run.output();
  EXPECT_EQ(run.count("checked"), 0) << run.output();
}

TEST(SamRunSettings, IntervalThatIsNoneIsIgnored) {
  const Running run({"-c", "false", "-i", "50"}, kYielding, interval("soon"));
  EXPECT_TRUE(run.comes_to(2, "started "));
  EXPECT_EQ(run.count("sam: SAM_INTERVAL=soon is not understood"), 1) << run.output();
}

TEST(SamRunLog, GoesWhereItIsWanted) {
  Running silent({"-p", "quit", "-l", "none"}, kCrashing);
  EXPECT_TRUE(silent.wait().exited_with(9));
  EXPECT_EQ(silent.output().find("sam["), std::string::npos) << silent.output();

  const ScratchFolder folder;
  const std::string log = folder / "log";
  Running elsewhere({"-p", "quit", "-l", "57"}, kCrashing, {.before_exec = [&] {
                      const UniqueFd file(::open(log.c_str(), O_WRONLY | O_CREAT, 0600));
                      ::dup2(file.get(), 57);
                    }});
  EXPECT_TRUE(elsewhere.wait().exited_with(9));
  EXPECT_EQ(elsewhere.output().find("sam["), std::string::npos) << elsewhere.output();
  EXPECT_NE(read_file(log).find("exited with 9"), std::string::npos) << read_file(log);
}

TEST(SamRunNotify, ServiceManagerIsTold) {
  const ScratchFolder folder;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof(address.sun_path), "%s", (folder / "notify").c_str());
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  Running run({"-n"}, kService, {.environment = {{"NOTIFY_SOCKET", address.sun_path}}});
  char message[512] = "";
  std::string said;
  while (said.find("READY=1") == std::string::npos) {
    timeval patience{30, 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    const ssize_t size = ::recv(socket.get(), message, sizeof(message), 0);
    ASSERT_GT(size, 0) << said << run.output();
    said.append(message, static_cast<std::size_t>(size));
  }
  ASSERT_TRUE(run.comes_to(1, "started "));  // and not only on its way there
  run.process().signal(SIGTERM);
  EXPECT_TRUE(run.process().wait().exited_with(5));
}

}  // namespace
}  // namespace cs::test
