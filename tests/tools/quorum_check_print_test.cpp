// SPDX-License-Identifier: BSD-3-Clause
// What quorum-check makes of an answer, and the text that it prints, without a daemon.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <string>

extern "C" {
#include "common/arguments.h"
#include "quorum-check/print.h"
}

namespace cs::test {
namespace {

constexpr unsigned kDevice = VOTEQUORUM_INFO_QDEVICE_REGISTERED | VOTEQUORUM_INFO_QDEVICE_ALIVE |
                             VOTEQUORUM_INFO_QDEVICE_CAST_VOTE;

answer make_answer(unsigned total, unsigned needed, unsigned flags) {
  answer result{};
  result.error = CS_OK;
  result.info.node_id = 1;
  result.info.highest_expected = 3;
  result.info.total_votes = total;
  result.info.quorum = needed;
  result.info.flags = flags;
  result.info.qdevice_votes = 1;
  std::strcpy(result.info.qdevice_name, "Qdevice");
  result.ring = {1, 12};
  result.node_count = 2;
  result.nodes[0] = {1, VOTEQUORUM_NODESTATE_MEMBER, 1, true};
  result.nodes[1] = {4294967295U, VOTEQUORUM_NODESTATE_DEAD, 0, false};
  return result;
}

report make_report(const answer& answer, long least_margin = 1) {
  report result{};
  judge(&answer, least_margin, &result.verdict);
  result.answer = answer.error == CS_OK ? &answer : nullptr;
  result.least_margin = least_margin;
  result.milliseconds = 12;
  result.limit = 10'000;
  return result;
}

std::string printed(void (*print)(FILE*, const report*), const report& report) {
  char* text = nullptr;
  std::size_t size = 0;
  FILE* const out = ::open_memstream(&text, &size);
  print(out, &report);
  std::fclose(out);
  const std::string result(text, size);
  std::free(text);
  return result;
}

std::string line_of(const answer& answer, long least_margin = 1) {
  return printed(print_line, make_report(answer, least_margin));
}

TEST(QuorumCheckLine, QuorateWithAMarginIsOk) {
  const answer answer = make_answer(3, 2, VOTEQUORUM_INFO_QUORATE);
  EXPECT_EQ(line_of(answer),
            "QUORUM OK - quorate: 3 of 3 votes, 2 needed, 1 node | votes=3;3:;2:;0;3 "
            "quorum=2;;;0; margin=1;1:;0:;; nodes=1;;;0;2 time=0.012s;;;0;10.000\n");
}

TEST(QuorumCheckLine, NothingToSpareIsAWarningUnlessNothingIsAskedFor) {
  const answer answer = make_answer(2, 2, VOTEQUORUM_INFO_QUORATE);
  EXPECT_TRUE(line_of(answer).starts_with(
      "QUORUM WARNING - quorate: 2 of 3 votes, 2 needed, 1 node; no vote can be lost | votes=2;"));
  EXPECT_TRUE(line_of(answer, 0).starts_with("QUORUM OK - "));
}

TEST(QuorumCheckLine, SmallerMarginThanWantedIsAWarning) {
  const answer answer = make_answer(3, 2, VOTEQUORUM_INFO_QUORATE);
  EXPECT_NE(line_of(answer, 2).find("; only 1 vote can be lost |"), std::string::npos);
}

// The tie breaker leaves one half of an even split quorate.
TEST(QuorumCheckLine, QuorateWithFewerVotesThanNeededIsAWarning) {
  const answer answer = make_answer(2, 3, VOTEQUORUM_INFO_QUORATE);
  EXPECT_TRUE(
      line_of(answer).starts_with("QUORUM WARNING - quorate: 2 of 3 votes, 3 needed, 1 "
                                  "node; 1 vote fewer than needed | "));
}

TEST(QuorumCheckLine, NotQuorateIsCritical) {
  EXPECT_TRUE(line_of(make_answer(1, 2, 0))
                  .starts_with("QUORUM CRITICAL - not quorate: 1 of 3 votes, 2 needed, 1 node | "));
  EXPECT_NE(line_of(make_answer(2, 2, VOTEQUORUM_INFO_WAIT_FOR_ALL)).find("not all nodes"),
            std::string::npos);
}

TEST(QuorumCheckLine, DeviceThatVotesIsNoWarning) {
  const answer answer = make_answer(3, 2, VOTEQUORUM_INFO_QUORATE | kDevice);
  EXPECT_TRUE(line_of(answer).starts_with("QUORUM OK - "));
  EXPECT_NE(line_of(answer).find(" device_votes=1;;;0;1 "), std::string::npos);
}

TEST(QuorumCheckLine, DeviceThatIsDeadOrDoesNotVoteIsAWarning) {
  const unsigned silent = kDevice & ~static_cast<unsigned>(VOTEQUORUM_INFO_QDEVICE_CAST_VOTE);
  const std::string line = line_of(make_answer(3, 2, VOTEQUORUM_INFO_QUORATE | silent));
  EXPECT_TRUE(line.starts_with("QUORUM WARNING")) << line;
  EXPECT_NE(line.find("; quorum device Qdevice does not vote |"), std::string::npos) << line;
  EXPECT_NE(line.find(" device_votes=0;;;0;1 "), std::string::npos) << line;
  const answer dead =
      make_answer(3, 2, VOTEQUORUM_INFO_QUORATE | VOTEQUORUM_INFO_QDEVICE_REGISTERED);
  EXPECT_NE(line_of(dead).find("; quorum device Qdevice is not alive |"), std::string::npos);
}

TEST(QuorumCheckLine, HostileNameOfADeviceStaysOnItsLine) {
  answer answer = make_answer(3, 2, VOTEQUORUM_INFO_QUORATE | VOTEQUORUM_INFO_QDEVICE_REGISTERED);
  std::strcpy(answer.info.qdevice_name, "a|b\n\"c\\\x1b[2J'\xc3\xa9 d");
  EXPECT_NE(line_of(answer).find("; quorum device a?b??c??[2J??? d is not alive |"),
            std::string::npos)
      << line_of(answer);
  std::memset(answer.info.qdevice_name, 'x', sizeof(answer.info.qdevice_name) - 1);
  EXPECT_NE(line_of(answer).find(std::string(254, 'x') + " is not alive"), std::string::npos);
}

TEST(QuorumCheckLine, ErrorsAreUnknownAndSayWhatToDo) {
  answer answer{};
  answer.error = CS_ERR_LIBRARY;
  answer.error_number = ECONNREFUSED;
  EXPECT_EQ(line_of(answer),
            "QUORUM UNKNOWN - corosync does not run here, or not with votequorum "
            "(CS_ERR_LIBRARY: Connection refused)\n");
  answer.error = CS_ERR_ACCESS;
  answer.error_number = 0;
  EXPECT_EQ(line_of(answer),
            "QUORUM UNKNOWN - corosync does not let this user in (CS_ERR_ACCESS)\n");
}

TEST(QuorumCheckLine, SilenceIsUnknown) {
  report report{};
  judge_silence(1500, &report.verdict);
  EXPECT_EQ(printed(print_line, report),
            "QUORUM UNKNOWN - corosync has not answered within 1.500 s\n");
}

TEST(QuorumCheckJson, TellsEverything) {
  answer answer = make_answer(
      2, 2, VOTEQUORUM_INFO_QUORATE | VOTEQUORUM_INFO_TWONODE | VOTEQUORUM_INFO_WAIT_FOR_ALL);
  EXPECT_EQ(printed(print_json, make_report(answer)),
            "{\"status\":\"warning\",\"exit_status\":1,\"problems\":[\"no vote can be lost\"],"
            "\"quorate\":true,\"node\":1,\"votes\":{\"total\":2,\"expected\":3,\"quorum\":2,"
            "\"margin\":0},\"ring\":{\"node\":1,\"sequence\":12},\"flags\":[\"two_node\","
            "\"wait_for_all\"],\"nodes\":[{\"id\":1,\"state\":\"member\",\"votes\":1},"
            "{\"id\":4294967295,\"state\":\"dead\"}],\"device\":null,\"seconds\":0.012}\n");
  answer.info.flags |= kDevice;
  const std::string text = printed(print_json, make_report(answer));
  EXPECT_NE(text.find("\"device\":{\"name\":\"Qdevice\",\"votes\":1,\"alive\":true,"
                      "\"casts_vote\":true,\"master_wins\":false},"),
            std::string::npos)
      << text;
}

TEST(QuorumCheckJson, WithoutAnAnswerThereIsOnlyTheProblem) {
  report report{};
  judge_silence(10'000, &report.verdict);
  EXPECT_EQ(printed(print_json, report),
            "{\"status\":\"unknown\",\"exit_status\":3,\"problems\":[\"corosync has not answered "
            "within 10.000 s\"],\"seconds\":0.000}\n");
}

TEST(QuorumCheckOpenmetrics, EveryFamilyHasItsTypeAndTheTextItsEnd) {
  const answer answer = make_answer(3, 2, VOTEQUORUM_INFO_QUORATE | kDevice);
  const std::string text = printed(print_openmetrics, make_report(answer));
  for (const char* line :
       {"corosync_quorum_check_status 0\n", "corosync_up 1\n", "corosync_quorate 1\n",
        "corosync_votes 3\n", "corosync_votes_expected 3\n", "corosync_votes_needed 2\n",
        "corosync_node_member{node=\"1\"} 1\n", "corosync_node_member{node=\"4294967295\"} 0\n",
        "corosync_node_votes{node=\"1\"} 1\n# TYPE ", "corosync_device_casts_vote 1\n",
        "# TYPE corosync_device_votes gauge\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
  EXPECT_TRUE(text.ends_with("\n# EOF\n"));
}

TEST(QuorumCheckOpenmetrics, WithoutAnAnswerThereIsStillAStatus) {
  report report{};
  judge_silence(10'000, &report.verdict);
  const std::string text = printed(print_openmetrics, report);
  EXPECT_NE(text.find("corosync_quorum_check_status 3\n"), std::string::npos) << text;
  EXPECT_NE(text.find("corosync_up 0\n# EOF\n"), std::string::npos) << text;
}

TEST(ToolArguments, SecondsAreDecimalNumbersAndNothingElse) {
  std::int64_t time = -1;
  EXPECT_TRUE(parse_seconds("0.5", 1, &time));
  EXPECT_EQ(time, 500);
  EXPECT_TRUE(parse_seconds("10", 1, &time));
  EXPECT_EQ(time, 10'000);
  for (const char* text : {"", ".", "-1", "+1", " 1", "1 ", "1e3", "0x10", "inf", "nan", "1.2.3",
                           "1s", "99999999999999999999", "0", "0.0001"}) {
    EXPECT_FALSE(parse_seconds(text, 1, &time)) << text;
  }
  EXPECT_EQ(time, 10'000);
}

TEST(ToolArguments, NumbersAreWithinTheirBounds) {
  long number = -1;
  EXPECT_TRUE(parse_number("7", 0, 10, &number));
  EXPECT_EQ(number, 7);
  for (const char* text : {"", "-1", "+1", " 1", "11", "1x", "99999999999999999999"}) {
    EXPECT_FALSE(parse_number(text, 0, 10, &number)) << text;
  }
}

}  // namespace
}  // namespace cs::test
