// SPDX-License-Identifier: BSD-3-Clause
// getinfo, setexpected and setvotes on one real node, and every error that one node can provoke.
#include <corosync/votequorum.h>

#include "votequorum_daemon/daemon_session.h"

namespace cs::test {
namespace {

using testing::ElementsAre;

class Requests : public SharedDaemonTest {};

TEST_F(Requests, GetinfoOfTheLocalNode) {
  for (const unsigned node_id : {0U, 1U}) {
    votequorum_info info{};
    ASSERT_EQ(votequorum_getinfo(handle(), node_id, &info), CS_OK) << node_id;
    EXPECT_EQ(info.node_id, 1U);
    EXPECT_EQ(info.node_state, static_cast<unsigned>(VOTEQUORUM_NODESTATE_MEMBER));
    EXPECT_EQ(info.node_votes, 1U);
    EXPECT_EQ(info.node_expected_votes, 1U);
    EXPECT_EQ(info.highest_expected, 1U);
    EXPECT_EQ(info.total_votes, 1U);
    EXPECT_EQ(info.quorum, 1U);
    EXPECT_EQ(info.flags, static_cast<unsigned>(VOTEQUORUM_INFO_QUORATE));
    EXPECT_EQ(info.qdevice_votes, 0U);
    EXPECT_STREQ(info.qdevice_name, "");
  }
}

TEST_F(Requests, GetinfoOfAnUnknownNode) {
  votequorum_info info{};
  EXPECT_EQ(votequorum_getinfo(handle(), 2, &info), CS_ERR_NOT_EXIST);
  EXPECT_EQ(votequorum_getinfo(handle(), 0xffffffff, &info), CS_ERR_NOT_EXIST);
}

TEST_F(Requests, SetexpectedBelowTheVotesPresentIsRefused) {
  EXPECT_EQ(votequorum_setexpected(handle(), 0), CS_ERR_INVALID_PARAM);
}

TEST_F(Requests, SetexpectedThatWouldLoseQuorumIsRefused) {
  EXPECT_EQ(votequorum_setexpected(handle(), 2), CS_ERR_INVALID_PARAM);
  EXPECT_EQ(votequorum_setexpected(handle(), 100), CS_ERR_INVALID_PARAM);
}

TEST_F(Requests, SetexpectedToWhatIsSucceeds) {
  EXPECT_EQ(votequorum_setexpected(handle(), 1), CS_OK);
}

TEST_F(Requests, SetvotesOfAnUnknownNode) {
  EXPECT_EQ(votequorum_setvotes(handle(), 2, 1), CS_ERR_NAME_NOT_FOUND);
}

class Votes : public OwnDaemonTest {
 protected:
  [[nodiscard]] votequorum_info info() const {
    votequorum_info info{};
    EXPECT_EQ(votequorum_getinfo(handle(), 0, &info), CS_OK);
    return info;
  }
};

TEST_F(Votes, MoreVotesRaiseTheTotalAndWhatIsExpected) {
  ASSERT_EQ(votequorum_setvotes(handle(), 1, 3), CS_OK);
  EXPECT_TRUE(eventually([this] { return info().quorum == 2; }));
  EXPECT_EQ(info().node_votes, 3U);
  EXPECT_EQ(info().total_votes, 3U);
  EXPECT_TRUE(eventually([this] { return info().highest_expected == 3; }));
  EXPECT_EQ(votequorum_setexpected(handle(), 2), CS_ERR_INVALID_PARAM);
}

TEST_F(Votes, ChangesAreToldToTrackers) {
  ASSERT_EQ(votequorum_trackstart(handle(), 7, CS_TRACK_CHANGES_ONLY), CS_OK);
  ASSERT_EQ(votequorum_setvotes(handle(), 0 + 1, 3), CS_OK);
  ASSERT_EQ(session_.dispatch(CS_DISPATCH_ONE), CS_OK);
  EXPECT_THAT(session_.take_events(), ElementsAre("expected context 7: 3"));
}

TEST_F(Votes, QuorumIsLostAndFoundAgain) {
  ASSERT_EQ(votequorum_trackstart(handle(), 7, CS_TRACK_CHANGES_ONLY), CS_OK);
  ASSERT_TRUE(daemon().set_expected_votes(2));
  ASSERT_TRUE(eventually([this] { return (info().flags & VOTEQUORUM_INFO_QUORATE) == 0; }));
  ASSERT_TRUE(daemon().set_expected_votes(1));
  ASSERT_TRUE(eventually([this] { return (info().flags & VOTEQUORUM_INFO_QUORATE) != 0; }));
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ALL), CS_OK);
  std::vector<std::string> verdicts;
  for (const std::string& line : session_.take_events()) {
    if (line.starts_with("quorum")) verdicts.push_back(line);
  }
  EXPECT_THAT(verdicts,
              ElementsAre("quorum context 7 quorate 0: 1/1", "quorum context 7 quorate 1: 1/1"));
}

class TwoNode : public OwnDaemonTest {
 protected:
  [[nodiscard]] DaemonOptions options() const override {
    return {.expected_votes = 2, .node_id = 3, .two_node = true};
  }
};

TEST_F(TwoNode, FlagsAndNodeIdAreTheConfigurations) {
  votequorum_info info{};
  ASSERT_EQ(votequorum_getinfo(handle(), 0, &info), CS_OK);
  EXPECT_EQ(info.node_id, 3U);
  EXPECT_EQ(info.highest_expected, 2U);
  EXPECT_EQ(info.quorum, 1U);
  EXPECT_NE(info.flags & VOTEQUORUM_INFO_TWONODE, 0U);
  EXPECT_NE(info.flags & VOTEQUORUM_INFO_WAIT_FOR_ALL, 0U);
  EXPECT_EQ(info.flags & VOTEQUORUM_INFO_QUORATE, 0U);
}

// The same calls with the daemon's other way of talking, over sockets alone.
class SocketMode : public OwnDaemonTest {
 protected:
  [[nodiscard]] DaemonOptions options() const override { return {.qb_ipc_type = "socket"}; }
};

TEST_F(SocketMode, RequestsEventsAndEndAreTheSame) {
  EXPECT_EQ(session_.getinfo(), CS_OK);
  EXPECT_EQ(session_.getinfo(2), CS_ERR_NOT_EXIST);
  ASSERT_EQ(votequorum_trackstart(handle(), 9, CS_TRACK_CHANGES), CS_OK);
  EXPECT_TRUE(session_.readable(10000));
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE), CS_OK);
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE), CS_OK);
  EXPECT_THAT(session_.take_events(),
              ElementsAre("nodelist context 9: 1", "quorum context 9 quorate 1: 1/1"));
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE_NONBLOCKING), CS_ERR_TRY_AGAIN);
  {
    const EventLater event;
    EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE), CS_OK);
  }
  EXPECT_THAT(session_.take_events(), ElementsAre("expected context 9: 1"));
  daemon().kill_hard();
  EXPECT_EQ(session_.getinfo(), CS_ERR_LIBRARY);
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_BLOCKING), CS_ERR_LIBRARY);
  EXPECT_EQ(session_.finalize(), CS_OK);
}

}  // namespace
}  // namespace cs::test
