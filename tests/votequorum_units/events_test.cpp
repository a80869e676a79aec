// SPDX-License-Identifier: BSD-3-Clause
// The decoder of events on bytes made by hand: what is right is read, what is wrong is refused, and
// nothing outside the message is looked at (each message ends where its memory ends).
#include "votequorum/events.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "support/votequorum_messages.h"

namespace cs::votequorum {
namespace {

using test::Message;

constexpr std::uint64_t kContext = 0x1122334455667788;

template <typename Kind>
Kind decode_as(Message& message) {
  const Result<Event> event = decode_event(message.bytes());
  EXPECT_TRUE(event) << "refused with " << event.status();
  return std::get<Kind>(*event);
}

void expect_refused(Message message) {
  const Result<Event> event = decode_event(message.bytes());
  EXPECT_FALSE(event);
  EXPECT_EQ(event.status(), CS_ERR_MESSAGE_ERROR);
}

Message from_words(const std::vector<std::uint32_t>& words) {
  Message message(0, words.size() * 4);
  for (std::size_t i = 0; i < words.size(); ++i) message.put32(4 * i, words[i]);
  return message;
}

// What a real daemon sent (3.1.7, one node, ring 1.5), word by word.
TEST(DecodeEvent, BytesOfARealNodelist) {
  const auto context = test::halves(kContext);
  const auto sequence = test::halves(5);
  Message message = from_words(
      {5, 0, 0x3c, 0, 1, 0, context[0], context[1], 1, 0, sequence[0], sequence[1], 1, 0, 1});
  const auto event = decode_as<Nodelist>(message);
  EXPECT_EQ(event.context, kContext);
  EXPECT_EQ(event.ring_id.nodeid, 1U);
  EXPECT_EQ(event.ring_id.seq, 5U);
  ASSERT_EQ(event.nodes.size(), 1U);
  EXPECT_EQ(event.nodes[0], 1U);
}

TEST(DecodeEvent, BytesOfARealQuorumState) {
  const auto context = test::halves(kContext);
  Message message = from_words({3, 0, 0x38, 0, 1, 0, 1, 0, context[0], context[1], 1, 0, 1, 1});
  const auto event = decode_as<QuorumState>(message);
  EXPECT_EQ(event.context, kContext);
  EXPECT_EQ(event.quorate, 1U);
  ASSERT_EQ(event.nodes.size(), 1U);
  EXPECT_EQ(event.nodes[0].nodeid, 1U);
  EXPECT_EQ(event.nodes[0].state, static_cast<unsigned>(VOTEQUORUM_NODESTATE_MEMBER));
}

TEST(DecodeEvent, QuorumStateOfSeveralNodes) {
  Message message = test::quorum_event(kContext, 0, {{2, 1}, {3, 2}, {1, 1}, {0, 0}});
  const auto event = decode_as<QuorumState>(message);
  EXPECT_EQ(event.quorate, 0U);
  ASSERT_EQ(event.nodes.size(), 4U);
  EXPECT_EQ(event.nodes[1].nodeid, 3U);
  EXPECT_EQ(event.nodes[1].state, 2U);
  EXPECT_EQ(event.nodes[3].nodeid, 0U);
}

TEST(DecodeEvent, ExpectedVotes) {
  Message message = test::expected_votes_event(kContext, 17);
  const auto event = decode_as<ExpectedVotes>(message);
  EXPECT_EQ(event.context, kContext);
  EXPECT_EQ(event.expected_votes, 17U);
}

TEST(DecodeEvent, NodelistWithALongSequence) {
  Message message = test::nodelist_event(kContext, 7, 0xfedcba9876543210, {1, 2, 0xffffffff});
  const auto event = decode_as<Nodelist>(message);
  EXPECT_EQ(event.ring_id.nodeid, 7U);
  EXPECT_EQ(event.ring_id.seq, 0xfedcba9876543210U);
  ASSERT_EQ(event.nodes.size(), 3U);
  EXPECT_EQ(event.nodes[2], 0xffffffffU);
}

TEST(DecodeEvent, ExtraInfo) {
  Message message = test::extra_info_event(kContext, 5, "some bytes");
  const auto event = decode_as<ExtraInfo>(message);
  EXPECT_EQ(event.context, kContext);
  EXPECT_EQ(event.node_id, 5U);
  ASSERT_EQ(event.data.size(), 10U);
  EXPECT_EQ(std::memcmp(event.data.data(), "some bytes", 10), 0);
}

TEST(DecodeEvent, EmptyListsAreRight) {
  Message quorum = test::quorum_event(kContext, 1, {});
  EXPECT_TRUE(decode_as<QuorumState>(quorum).nodes.empty());
  Message nodelist = test::nodelist_event(kContext, 1, 1, {});
  EXPECT_TRUE(decode_as<Nodelist>(nodelist).nodes.empty());
  Message cleared = test::extra_info_event(kContext, 1, "");
  EXPECT_TRUE(decode_as<ExtraInfo>(cleared).data.empty());
}

struct Kind {
  const char* name;
  std::size_t fixed_size;
  std::size_t count_offset;
  std::size_t entry_size;
  std::size_t most;  // entries
  std::function<Message(std::size_t entries)> make;
};

const std::vector<Kind> kLists = {
    {"quorum state", 48, 40, 8, 386,
     [](std::size_t n) {
       return test::quorum_event(1, 1, test::Nodes(n, {1, 1}));
     }},
    {"nodelist", 56, 48, 4, 386,
     [](std::size_t n) { return test::nodelist_event(1, 1, 1, std::vector<std::uint32_t>(n, 9)); }},
    {"extra info", 48, 40, 1, 4096,
     [](std::size_t n) { return test::extra_info_event(1, 1, std::string(n, 'x')); }},
};

TEST(DecodeEvent, LongestListIsRightAndOneMoreEntryIsNot) {
  for (const Kind& kind : kLists) {
    SCOPED_TRACE(kind.name);
    Message longest = kind.make(kind.most);
    EXPECT_TRUE(decode_event(longest.bytes()));
    expect_refused(kind.make(kind.most + 1));
  }
}

// The daemon's own limit is 384 nodes; two more entries are what it keeps room for.
TEST(DecodeEvent, AllNodesOfTheLargestClusterAreRead) {
  Message message = test::quorum_event(1, 1, test::Nodes(384, {1, 1}));
  EXPECT_EQ(decode_as<QuorumState>(message).nodes.size(), 384U);
}

TEST(DecodeEvent, EveryOtherLengthIsRefused) {
  for (const Kind& kind : kLists) {
    SCOPED_TRACE(kind.name);
    const std::size_t right = kind.make(3).size();
    for (std::size_t size = 0; size < right + 40; ++size) {
      if (size == right) continue;
      SCOPED_TRACE(size);
      expect_refused(kind.make(3).resize(size));
    }
  }
}

TEST(DecodeEvent, ExpectedVotesOfEveryOtherLengthIsRefused) {
  for (std::size_t size = 0; size < 100; ++size) {
    SCOPED_TRACE(size);
    if (size != 40) expect_refused(test::expected_votes_event(1, 1).resize(size));
  }
}

TEST(DecodeEvent, EveryOtherCountIsRefused) {
  for (const Kind& kind : kLists) {
    SCOPED_TRACE(kind.name);
    for (const std::uint32_t count : {0U, 1U, 2U, 4U, 5U, 386U, 387U, 4096U, 4097U, 65536U}) {
      SCOPED_TRACE(count);
      expect_refused(kind.make(3).put32(kind.count_offset, count));
    }
  }
}

// Counts whose product with the entry's size, in 32 bits, is what the length asks for.
TEST(DecodeEvent, OverflowingCountIsRefused) {
  for (const Kind& kind : kLists) {
    SCOPED_TRACE(kind.name);
    const auto wrap = static_cast<std::uint32_t>(0x100000000U / kind.entry_size);
    if (kind.entry_size > 1) expect_refused(kind.make(3).put32(kind.count_offset, wrap + 3));
    expect_refused(kind.make(3).put32(kind.count_offset, 0xffffffff));
    expect_refused(kind.make(3).put32(kind.count_offset, 0x80000003));
    expect_refused(kind.make(3).put32(kind.count_offset, 0x7fffffff));
  }
}

TEST(DecodeEvent, LyingSizeFieldIsRefused) {
  for (const Kind& kind : kLists) {
    SCOPED_TRACE(kind.name);
    const auto right = static_cast<std::int32_t>(kind.make(3).size());
    for (const std::int32_t size : {0, -1, 24, right - 1, right + 1, 65536, INT32_MAX, INT32_MIN}) {
      SCOPED_TRACE(size);
      expect_refused(kind.make(3).claimed_size(size));
    }
  }
  expect_refused(test::expected_votes_event(1, 1).claimed_size(48));
}

TEST(DecodeEvent, UnknownNumberIsSkippedWhateverItHolds) {
  for (const std::int32_t id : {0, 1, 2, 6, 8, 9, 1000, -1, INT32_MIN, INT32_MAX}) {
    SCOPED_TRACE(id);
    for (const std::size_t size : {24U, 25U, 40U, 48U, 4144U}) {
      Message message = Message(id, size);
      decode_as<UnknownEvent>(message);
    }
  }
}

// What a connection leaves of an event that is longer than any that is known.
TEST(DecodeEvent, HeaderOfALongerMessageIsUnknownOrRefused) {
  Message unknown = Message(1000, 24).claimed_size(60000);
  decode_as<UnknownEvent>(unknown);
  for (const std::int32_t id : {3, 4, 5, 7}) expect_refused(Message(id, 24).claimed_size(60000));
}

}  // namespace
}  // namespace cs::votequorum
