// SPDX-License-Identifier: BSD-3-Clause
// Events: unknown ones are as if they had not been, wrong ones are refused and harm nothing, many
// arrive all and in order.
#include <corosync/votequorum.h>
#include <gmock/gmock.h>

#include "votequorum_standin/stand_in_test.h"

namespace cs::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Events : public StandInTest {};
using EventsBeyondStock = Events;

const Message kNodelist = nodelist_event(7, 1, 5, {1, 2});
const char* const kNodelistLine = "nodelist context 7: 1 2";

// Of every length that fits, the longest known event's and more included.
std::vector<Message> unknown_events() {
  return {Message(8, 24), Message(6, 48), Message(1000, 4144), Message(-1, 4145),
          Message(9, 30000)};
}

TEST_F(Events, EachKindReachesItsCallback) {
  serve_events({kNodelist, quorum_event(8, 1, {{2, 1}, {1, 2}}), expected_votes_event(9, 3)});
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ALL), CS_OK);
  EXPECT_THAT(
      session_.take_events(),
      ElementsAre(kNodelistLine, "quorum context 8 quorate 1: 2/1 1/2", "expected context 9: 3"));
  EXPECT_EQ(session_.ring_id.nodeid, 1U);
  EXPECT_EQ(session_.ring_id.seq, 5U);
}

TEST_F(Events, LargestClusterArrivesWhole) {
  serve_events({quorum_event(1, 1, Nodes(386, {9, 1}))});
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE), CS_OK);
  ASSERT_EQ(session_.event_count(), 1U);
  EXPECT_EQ(session_.take_events()[0].size(),
            std::string("quorum context 1 quorate 1:").size() + 386 * 4);
}

TEST_F(EventsBeyondStock, UnknownOnesDoNotCountInOne) {
  std::vector<Message> events = unknown_events();
  events.push_back(kNodelist);
  serve_events(std::move(events));
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE), CS_OK);
  EXPECT_THAT(session_.take_events(), ElementsAre(kNodelistLine));
}

TEST_F(EventsBeyondStock, UnknownOnesAloneAreNothingToHandle) {
  serve_events(unknown_events());
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE_NONBLOCKING), CS_ERR_TRY_AGAIN);
  EXPECT_FALSE(session_.readable(0));
}

TEST_F(EventsBeyondStock, UnknownOnesAreSkippedInAll) {
  std::vector<Message> events = unknown_events();
  events.insert(events.begin() + 2, kNodelist);
  events.push_back(expected_votes_event(1, 2));
  serve_events(std::move(events));
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ALL), CS_OK);
  EXPECT_THAT(session_.take_events(), ElementsAre(kNodelistLine, "expected context 1: 2"));
}

std::vector<Message> wrong_events() {
  return {
      quorum_event(1, 1, {{1, 1}}).put32(40, 2),           // lists more than it holds
      quorum_event(1, 1, {{1, 1}}).put32(40, 0),           // or less
      quorum_event(1, 1, {{1, 1}}).put32(40, 0x20000001),  // or so many that 32 bits wrap
      quorum_event(1, 1, Nodes(387, {1, 1})),              // more nodes than there can be
      quorum_event(1, 1, {{1, 1}}).resize(40),
      quorum_event(1, 1, {{1, 1}}).claimed_size(48),
      nodelist_event(1, 1, 1, {1}).put32(48, 0xffffffff),
      nodelist_event(1, 1, 1, {1}).put32(48, 0x40000001),
      nodelist_event(1, 1, 1, {1}).resize(58),
      expected_votes_event(1, 1).resize(32),
      expected_votes_event(1, 1).resize(48),
      extra_info_event(1, 1, "abc").put32(40, 4),
      extra_info_event(1, 1, std::string(4097, 'x')),
      Message(5, 16),
      Message(3, 0),
      Message(8, 23),
      Message(3, 60000),
  };
}

TEST_F(EventsBeyondStock, WrongOneIsRefusedAndTheNextIsRead) {
  std::vector<Message> events;
  for (const Message& wrong : wrong_events()) {
    events.push_back(wrong);
    events.push_back(kNodelist);
  }
  serve_events(std::move(events));
  for (std::size_t i = 0; i < wrong_events().size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE), CS_ERR_MESSAGE_ERROR);
    EXPECT_THAT(session_.take_events(), IsEmpty());
    EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE), CS_OK);
    EXPECT_THAT(session_.take_events(), ElementsAre(kNodelistLine));
  }
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE_NONBLOCKING), CS_ERR_TRY_AGAIN);
  EXPECT_EQ(session_.getinfo(), CS_OK);
}

TEST_F(EventsBeyondStock, WrongOneEndsABlockingDispatchWithoutHarm) {
  serve_events({wrong_events()[0], kNodelist});
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_BLOCKING), CS_ERR_MESSAGE_ERROR);
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ALL), CS_OK);
  EXPECT_THAT(session_.take_events(), ElementsAre(kNodelistLine));
}

// Several times what the ring holds.
TEST_F(Events, UndrainedOnesArriveAllAndInOrder) {
  constexpr unsigned kCount = 5000;
  std::vector<Message> events;
  for (unsigned i = 0; i < kCount; ++i) events.push_back(expected_votes_event(1, i));
  serve_events(std::move(events));
  for (unsigned i = 0; i < kCount; ++i) ASSERT_EQ(session_.dispatch(CS_DISPATCH_ONE), CS_OK);
  const std::vector<std::string> lines = session_.take_events();
  ASSERT_EQ(lines.size(), kCount);
  for (unsigned i = 0; i < kCount; ++i) {
    ASSERT_EQ(lines[i], "expected context 1: " + std::to_string(i));
  }
}

TEST_F(Events, FullRingHoldsUpNoRequest) {
  serve_events(std::vector<Message>(5000, kNodelist));
  for (int i = 0; i < 100; ++i) ASSERT_EQ(session_.getinfo(), CS_OK);
}

TEST_F(EventsBeyondStock, NullCallbacksDropTheirEventsAndCountThem) {
  stand_in_.emplace([](Peer& peer, const Request&) {
    for (int i = 0; i < 2; ++i) {
      peer.event(kNodelist);
      peer.event(quorum_event(8, 1, {}));
      peer.event(expected_votes_event(9, 3));
      peer.event(extra_info_event(1, 1, "abc"));
    }
    peer.reply(status_reply());
  });
  votequorum_callbacks_t none{};
  votequorum_handle_t handle = 0;
  ASSERT_EQ(votequorum_initialize(&handle, &none), CS_OK);
  ASSERT_EQ(votequorum_trackstart(handle, 0, CS_TRACK_CURRENT), CS_OK);
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ(votequorum_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING), CS_OK);
  EXPECT_EQ(votequorum_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING), CS_ERR_TRY_AGAIN);
  EXPECT_EQ(votequorum_finalize(handle), CS_OK);
}

}  // namespace
}  // namespace cs::test
