// SPDX-License-Identifier: BSD-3-Clause
// quorum-check with one real daemon, which has quorum, loses it, is stopped or is not there, and
// with one of ours that answers what a real one never would.
#include <corosync/corotypes.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "common/clock.h"
#include "support/corosync_daemon.h"
#include "support/paths_below.h"
#include "support/stand_in.h"

namespace cs::test {
namespace {

constexpr int kOk = 0;
constexpr int kWarning = 1;
constexpr int kCritical = 2;
constexpr int kUnknown = 3;

std::vector<std::string> command(const std::vector<std::string>& options) {
  std::vector<std::string> argv = {CS_QUORUM_CHECK};
  argv.insert(argv.end(), options.begin(), options.end());
  return argv;
}

Outcome check(const std::vector<std::string>& options = {}) {
  return run_program(command(options));
}

testing::AssertionResult says(const Outcome& outcome, int status, const std::string& text) {
  if (outcome.exited_with(status) && outcome.output.find(text) != std::string::npos) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "not " << status << " and '" << text << "': " << outcome;
}

std::size_t count_shared_memory() {
  std::size_t count = 0;
  for (const auto& path : paths_below("/dev/shm")) {
    count += path.filename().string().starts_with("qb-") ? 1U : 0U;
  }
  return count;
}

class QuorumCheck : public DaemonTest {};

TEST_F(QuorumCheck, OneNodeHasQuorumButNoVoteToLose) {
  EXPECT_TRUE(says(check(), kWarning,
                   "QUORUM WARNING - quorate: 1 of 1 vote, 1 needed, 1 node; no vote can be lost"));
  EXPECT_TRUE(says(check({"--margin", "0"}), kOk, "QUORUM OK - quorate: 1 of 1 vote"));
  EXPECT_TRUE(says(check({"-m0", "--json"}), kOk, "{\"status\":\"ok\",\"exit_status\":0,"));
  EXPECT_TRUE(says(check({"-m0", "--openmetrics"}), kOk, "corosync_node_votes{node=\"1\"} 1\n"));
}

TEST_F(QuorumCheck, JsonIsJsonInEveryState) {
  const std::string script = "import json, sys; json.loads(sys.argv[1])";
  const auto is_json = [&] {
    const std::string text = check({"--json"}).output;
    return run_program({"/usr/bin/env", "python3", "-c", script, text});
  };
  EXPECT_TRUE(is_json().exited_with(0));
  ASSERT_TRUE(daemon().set_expected_votes(2));
  EXPECT_TRUE(is_json().exited_with(0));
  daemon().kill_hard();
  EXPECT_TRUE(is_json().exited_with(0));
}

TEST_F(QuorumCheck, LostQuorumIsCriticalUntilItIsBack) {
  ASSERT_TRUE(daemon().set_expected_votes(2));
  EXPECT_TRUE(eventually([] { return check().exited_with(kCritical); }));
  EXPECT_TRUE(says(check(), kCritical, "not quorate: 1 of 2 votes, 2 needed, 1 node |"));
  ASSERT_TRUE(daemon().set_expected_votes(1));
  EXPECT_TRUE(eventually([] { return check({"-m0"}).exited_with(kOk); }));
}

TEST_F(QuorumCheck, WaitEndsWithQuorum) {
  ASSERT_TRUE(daemon().set_expected_votes(2));
  EXPECT_TRUE(eventually([] { return check().exited_with(kCritical); }));
  Child waiting = Child::exec(command({"--wait", "60", "-m0"}), {.capture = true});
  EXPECT_TRUE(says(check({"--wait", "0.5"}), kCritical, "not quorate"));
  EXPECT_TRUE(waiting.running());
  ASSERT_TRUE(daemon().set_expected_votes(1));
  EXPECT_TRUE(says(waiting.wait(), kOk, "QUORUM OK"));
}

TEST_F(QuorumCheck, WaitOutlastsTheDaemon) {
  daemon().kill_hard();
  EXPECT_TRUE(says(check(), kUnknown, "QUORUM UNKNOWN - corosync does not run here"));
  EXPECT_TRUE(says(check({"--wait", "0.5"}), kUnknown, "corosync does not run here"));
  Child waiting = Child::exec(command({"--wait", "60", "-m0"}), {.capture = true});
  ASSERT_TRUE(daemon().start());
  EXPECT_TRUE(says(waiting.wait(), kOk, "QUORUM OK"));

  ASSERT_TRUE(daemon().set_expected_votes(2));
  EXPECT_TRUE(eventually([] { return check().exited_with(kCritical); }));
  waiting = Child::exec(command({"--wait", "60", "-m0"}), {.capture = true});
  EXPECT_TRUE(says(check({"--wait", "0.5"}), kCritical, "not quorate"));  // it has connected by now
  ASSERT_TRUE(daemon().restart());
  EXPECT_TRUE(says(waiting.wait(), kOk, "QUORUM OK"));
}

TEST_F(QuorumCheck, StoppedDaemonIsUnknownWithinTheLimit) {
  daemon().pause();
  const Nanoseconds begin = monotonic_now();
  EXPECT_TRUE(says(check({"--timeout", "0.5"}), kUnknown,
                   "QUORUM UNKNOWN - corosync has not answered within 0.500 s"));
  EXPECT_TRUE(says(check({"-t1", "--wait", "0.5", "--json"}), kUnknown, "\"exit_status\":3"));
  EXPECT_TRUE(says(check({"-t0.5", "--openmetrics"}), kUnknown, "corosync_up 0\n"));
  EXPECT_LT(monotonic_now() - begin, 20'000 * kNanosecondsPerMillisecond);
  daemon().resume();
  EXPECT_TRUE(says(check({"-m0"}), kOk, "QUORUM OK"));
}

// Wherever the tool is at that moment: connecting, asking, between two questions, leaving.
TEST_F(QuorumCheck, DaemonStoppedAtAnyMomentDoesNotHoldItUp) {
  const std::size_t files = count_shared_memory();
  unsigned silent = 0;
  for (int i = 0; i < 60; ++i) {
    Child tool = Child::exec(command({"-m0", "--timeout", "0.2"}), {.capture = true});
    std::this_thread::sleep_for(std::chrono::microseconds(i * 150));
    daemon().pause();
    const Outcome outcome = tool.wait();
    daemon().resume();
    EXPECT_TRUE(outcome.exited_with(kOk) || outcome.exited_with(kUnknown)) << outcome;
    EXPECT_TRUE(outcome.output.starts_with("QUORUM ") && outcome.output.ends_with("\n")) << outcome;
    silent += outcome.exited_with(kUnknown) ? 1U : 0U;
  }
  EXPECT_GT(silent, 0U);
  // The daemon has noticed the end of those that were killed, and cleaned up behind them.
  EXPECT_TRUE(says(check({"-m0"}), kOk, "QUORUM OK"));
  EXPECT_TRUE(eventually([&] { return count_shared_memory() <= files; }))
      << count_shared_memory() << " files, not " << files;
}

TEST_F(QuorumCheck, StoppedDuringTheWaitIsUnknown) {
  ASSERT_TRUE(daemon().set_expected_votes(2));
  EXPECT_TRUE(eventually([] { return check().exited_with(kCritical); }));
  Child waiting = Child::exec(command({"--wait", "2", "-t1"}), {.capture = true});
  EXPECT_TRUE(says(check({"--wait", "0.5"}), kCritical, "not quorate"));  // it has connected by now
  daemon().pause();
  EXPECT_TRUE(says(waiting.wait(), kUnknown, "has not answered"));
  daemon().resume();
}

TEST_F(QuorumCheck, ResultThatCannotBeWrittenIsUnknown) {
  const Outcome full =
      run_program({"/bin/sh", "-c", "exec \"$0\" -m0 >/dev/full", CS_QUORUM_CHECK});
  EXPECT_TRUE(says(full, kUnknown, "quorum-check: cannot write: "));
}

// `redirections` are the shell's: they close some of the standard streams.
Outcome check_with(const std::string& redirections) {
  return run_program({"/bin/sh", "-c", "exec \"$0\" -m0 " + redirections, CS_QUORUM_CHECK});
}

TEST_F(QuorumCheck, StandardStreamsMayBeClosed) {
  for (const char* others : {"<&-", "2>&-", "<&- 2>&-"}) {
    EXPECT_TRUE(says(check_with(others), kOk, "QUORUM OK")) << others;
  }
  for (const char* with_output : {">&-", "<&- >&-"}) {
    EXPECT_TRUE(says(check_with(with_output), kUnknown, "quorum-check: cannot write: "))
        << with_output;
  }
  EXPECT_TRUE(says(check_with(">&- 2>&-"), kUnknown, ""));
  EXPECT_TRUE(says(check_with("<&- >&- 2>&-"), kUnknown, ""));
}

#ifndef CS_SANITIZED  // a sanitizer needs descriptors of its own
TEST(QuorumCheckStreams, WithoutRoomAboveThemItIsUnknown) {
  const char* script = "exec <&- 2>&-; ulimit -n 3; exec \"$0\"";
  EXPECT_TRUE(says(run_program({"/bin/sh", "-c", script, CS_QUORUM_CHECK}), kUnknown,
                   "QUORUM UNKNOWN - no process can be started to ask corosync"));
}
#endif

class QuorumCheckStandIn : public testing::Test {
 protected:
  void SetUp() override {
    if (!in_private_network()) skip_or_fail("not in private namespaces");
  }
};

Message device_reply(const std::string& name, unsigned flags) {
  return info_reply(1).put32(52, flags).put_bytes(60, as_bytes(name + std::string(1, '\0')));
}

void answer_all(Peer& peer, const Request& request, const Message& info) {
  if (request.id() == 3) {  // trackstart
    peer.event(nodelist_event(request.u32(24), 1, 7, {1}));
    peer.event(quorum_event(request.u32(24), 1, {{1, 1}, {0, 0}}));
    peer.reply(status_reply());
  } else {
    peer.reply(info);
  }
}

TEST_F(QuorumCheckStandIn, HostileNameReachesNoOutput) {
  const StandIn daemon([](Peer& peer, const Request& request) {
    const unsigned registered_and_quorate = 64 | 2;
    answer_all(peer, request, device_reply("\n| \"\\\x1b[2J", registered_and_quorate));
  });
  EXPECT_TRUE(says(check(), kWarning, "quorum device ?? ???[2J is not alive"));
  EXPECT_TRUE(says(check({"--json"}), kWarning, "\"name\":\"?? ???[2J\""));
  EXPECT_EQ(check().output.find('\x1b'), std::string::npos);
}

TEST_F(QuorumCheckStandIn, WrongAnswersAreUnknown) {
  const StandIn daemon([](Peer& peer, const Request&) { peer.reply(status_reply(22).resize(16)); });
  EXPECT_TRUE(says(check(), kUnknown, "QUORUM UNKNOWN - corosync cannot be asked"));
}

TEST_F(QuorumCheckStandIn, BusyDaemonIsAskedAgain) {
  const StandIn daemon([busy = 3](Peer& peer, const Request& request) mutable {
    if (busy-- > 0) return peer.reply(status_reply(CS_ERR_TRY_AGAIN));
    answer_all(peer, request, info_reply(1).put32(52, 2));
  });
  EXPECT_TRUE(says(check({"-m0"}), kOk, "QUORUM OK"));
}

TEST_F(QuorumCheckStandIn, EveryRequestMayRemainUnanswered) {
  for (unsigned answered = 0; answered < 3; ++answered) {
    const StandIn daemon([answered](Peer& peer, const Request& request) {
      if (peer.requests() <= answered) answer_all(peer, request, info_reply(1).put32(52, 2));
    });
    EXPECT_TRUE(says(check({"-t0.5"}), kUnknown, "has not answered within 0.500 s")) << answered;
  }
}

TEST(QuorumCheckOptions, MistakesAreToldInOneLine) {
  const std::pair<std::vector<std::string>, const char*> mistakes[] = {
      {{"--nonsense"}, "quorum-check: no such option: '--nonsense' (see --help)\n"},
      {{"-jx"}, "quorum-check: no such option: '-x' (see --help)\n"},
      {{"--timeout"}, "quorum-check: option '--timeout' wants a value\n"},
      {{"--json=1"}, "quorum-check: option '--json=1' takes no value\n"},
      {{"-t", "0"}, "quorum-check: --timeout wants a number of seconds above 0, not '0'\n"},
      {{"-w", "x\ny"}, "quorum-check: --wait wants a number of seconds, not 'x?y'\n"},
      {{"-m", "-1"}, "quorum-check: --margin wants a number of votes, not '-1'\n"},
      {{"extra"}, "quorum-check: there is nothing to do with 'extra' (see --help)\n"},
  };
  for (const auto& [options, text] : mistakes) {
    const Outcome outcome = check(options);
    EXPECT_TRUE(outcome.exited_with(kUnknown)) << outcome;
    EXPECT_EQ(outcome.output, text);
  }
}

TEST(QuorumCheckOptions, HelpAndVersionArePrinted) {
  EXPECT_TRUE(says(check({"--help"}), 0, "Usage: quorum-check [OPTIONS]\n"));
  EXPECT_TRUE(says(check({"-V"}), 0, "quorum-check (corosync-clients) "));
}

}  // namespace
}  // namespace cs::test
