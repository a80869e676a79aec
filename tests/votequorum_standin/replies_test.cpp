// SPDX-License-Identifier: BSD-3-Clause
// Answers to requests: the right one is read, a wrong one is refused without a byte written to the
// caller, and the next request is answered as if nothing had been.
#include <corosync/votequorum.h>

#include <climits>
#include <functional>

#include "votequorum_standin/stand_in_test.h"

namespace cs::test {
namespace {

// Node ids that make the stand-in answer rightly; any other is an index of the test's wrong
// answers.
constexpr unsigned kRight = 1000;

class Replies : public StandInTest {
 protected:
  // The stand-in answers getinfo of node N with answers[N].
  void answer_with(std::vector<Message> answers) {
    count_ = static_cast<unsigned>(answers.size());
    serve([answers = std::move(answers)](Peer& peer, const Request& request) {
      const unsigned asked = request.u32(16);
      peer.reply(asked < answers.size() ? answers[asked] : info_reply(asked));
    });
  }

  void expect_each(cs_error_t expected) {
    for (unsigned i = 0; i < count_; ++i) {
      SCOPED_TRACE("answer " + std::to_string(i));
      Pattern<votequorum_info> info;
      EXPECT_EQ(votequorum_getinfo(handle(), i, info.get()), expected);
      EXPECT_TRUE(info.untouched());
      expect_usable();
    }
  }

  void expect_usable() {
    votequorum_info info{};
    EXPECT_EQ(votequorum_getinfo(handle(), kRight, &info), CS_OK);
    EXPECT_EQ(info.node_id, kRight);
  }

  unsigned count_ = 0;
};
using RepliesBeyondStock = Replies;

TEST_F(Replies, RightAnswerIsReadWhole) {
  answer_with({});
  votequorum_info info{};
  ASSERT_EQ(votequorum_getinfo(handle(), kRight, &info), CS_OK);
  EXPECT_EQ(info.node_id, kRight);
  EXPECT_EQ(info.node_state, 1U);
  EXPECT_EQ(info.node_votes, 1U);
  EXPECT_EQ(info.node_expected_votes, 3U);
  EXPECT_EQ(info.highest_expected, 4U);
  EXPECT_EQ(info.total_votes, 5U);
  EXPECT_EQ(info.quorum, 2U);
  EXPECT_EQ(info.flags, 66U);
  EXPECT_EQ(info.qdevice_votes, 6U);
  EXPECT_STREQ(info.qdevice_name, "Qdevice");
}

TEST_F(Replies, LongestNameIsRead) {
  Message longest = info_reply(0);
  std::vector<std::byte> name(255, std::byte{'x'});
  name.back() = std::byte{0};
  longest.put_bytes(60, name);
  answer_with({longest});
  votequorum_info info{};
  ASSERT_EQ(votequorum_getinfo(handle(), 0, &info), CS_OK);
  EXPECT_EQ(std::string(info.qdevice_name), std::string(254, 'x'));
}

TEST_F(RepliesBeyondStock, EveryOtherLengthIsRefused) {
  std::vector<Message> answers;
  for (std::size_t size = 0; size < 320; ++size) answers.push_back(info_reply(1).resize(size));
  for (const std::size_t size : {321U, 328U, 1024U, 60000U}) {
    answers.push_back(info_reply(1).resize(size));
  }
  answer_with(std::move(answers));
  expect_each(CS_ERR_MESSAGE_ERROR);
}

TEST_F(RepliesBeyondStock, SizeFieldThatLiesIsRefused) {
  std::vector<Message> answers;
  for (const std::int32_t size : {0, 24, 319, 321, 65536, -1, -320, INT_MAX, INT_MIN}) {
    answers.push_back(info_reply(1).claimed_size(size));
  }
  answer_with(std::move(answers));
  expect_each(CS_ERR_MESSAGE_ERROR);
}

TEST_F(RepliesBeyondStock, ShortMessageThatClaimsToBeWholeIsRefused) {
  answer_with({info_reply(1).resize(24).claimed_size(320),
               info_reply(1).resize(60).claimed_size(320),
               info_reply(1).resize(319).claimed_size(320)});
  expect_each(CS_ERR_MESSAGE_ERROR);
}

TEST_F(RepliesBeyondStock, OtherIdIsRefused) {
  answer_with({info_reply(1).id(0), info_reply(1).id(2), info_reply(1).id(6), info_reply(1).id(-1),
               status_reply(), nodelist_event(1, 1, 1, {1})});
  expect_each(CS_ERR_MESSAGE_ERROR);
}

TEST_F(RepliesBeyondStock, UnterminatedNameIsRefused) {
  std::vector<std::byte> name(255, std::byte{'x'});
  Message unterminated = info_reply(1).put_bytes(60, name);
  // NULs in the padding behind the name do not end it.
  answer_with({unterminated, unterminated.put32(316, 0)});
  expect_each(CS_ERR_MESSAGE_ERROR);
}

TEST_F(RepliesBeyondStock, ErrorOfAWholeAnswerIsPassedOn) {
  answer_with({info_reply(1).error(CS_ERR_NOT_EXIST)});
  expect_each(CS_ERR_NOT_EXIST);
}

TEST_F(RepliesBeyondStock, ErrorOfAShorterAnswerIsPassedOn) {
  answer_with({Message(1, 24).error(CS_ERR_NOT_EXIST), Message(1, 100).error(CS_ERR_NOT_EXIST)});
  expect_each(CS_ERR_NOT_EXIST);
}

TEST_F(RepliesBeyondStock, BareErrorIsPassedOn) {
  answer_with({status_reply(CS_ERR_TRY_AGAIN)});
  expect_each(CS_ERR_TRY_AGAIN);
}

TEST_F(RepliesBeyondStock, CodeThatIsNoneIsRefused) {
  std::vector<Message> answers;
  for (const int code : {0, -1, -12, 101, INT_MAX, INT_MIN}) {
    answers.push_back(info_reply(1).error(code));
    answers.push_back(status_reply(code));
  }
  answer_with(std::move(answers));
  expect_each(CS_ERR_MESSAGE_ERROR);
}

// Every function that is answered by a status.
const std::vector<std::pair<const char*, std::function<cs_error_t(votequorum_handle_t)>>>
    kStatusCalls = {
        {"setexpected", [](auto h) { return votequorum_setexpected(h, 1); }},
        {"setvotes", [](auto h) { return votequorum_setvotes(h, 1, 1); }},
        {"trackstart", [](auto h) { return votequorum_trackstart(h, 1, 1); }},
        {"trackstop", [](auto h) { return votequorum_trackstop(h); }},
        {"register", [](auto h) { return votequorum_qdevice_register(h, "x"); }},
        {"unregister", [](auto h) { return votequorum_qdevice_unregister(h, "x"); }},
        {"update", [](auto h) { return votequorum_qdevice_update(h, "x", "y"); }},
        {"poll", [](auto h) { return votequorum_qdevice_poll(h, "x", 1, {}); }},
        {"master_wins", [](auto h) { return votequorum_qdevice_master_wins(h, "x", 1); }},
};

TEST_F(Replies, EveryStatusIsPassedOn) {
  for (const int code : {CS_OK, CS_ERR_INVALID_PARAM, CS_ERR_ACCESS, CS_ERR_NO_RESOURCES}) {
    serve([code](Peer& peer, const Request&) { peer.reply(status_reply(code)); });
    for (const auto& [name, call] : kStatusCalls) EXPECT_EQ(call(handle()), code) << name;
    EXPECT_EQ(session_.finalize(), CS_OK);
    stand_in_.reset();
  }
}

TEST_F(RepliesBeyondStock, EveryWrongStatusIsRefused) {
  const std::vector<Message> wrong = {
      Message(0, 16),
      Message(0, 23),
      Message(0, 25),
      Message(0, 32),
      Message(1, 24),
      Message(-1, 24),
      status_reply(0),
      status_reply(-5),
      info_reply(1),
      Message(0, 0),
      Message(0, 24).claimed_size(32),
  };
  // One right answer after each wrong one.
  serve([wrong](Peer& peer, const Request&) {
    const unsigned n = peer.requests() - 1;
    peer.reply(n % 2 == 0 ? wrong[n / 2 % wrong.size()] : status_reply());
  });
  for (const auto& [name, call] : kStatusCalls) {
    for (std::size_t i = 0; i < wrong.size(); ++i) {
      EXPECT_EQ(call(handle()), CS_ERR_MESSAGE_ERROR) << name << ", answer " << i;
      EXPECT_EQ(call(handle()), CS_OK) << name << ", after answer " << i;
    }
  }
}

// What arrives is what the protocol says, names filled to their ends.
TEST_F(RepliesBeyondStock, RequestsHaveTheProtocolsNumbersAndLengths) {
  serve([](Peer& peer, const Request& request) {
    const std::vector<std::size_t> lengths = {24, 24, 24, 32, 16, 272, 272, 528, 296, 280};
    const auto id = static_cast<std::size_t>(request.id());
    const bool right = id == peer.requests() && request.size() == lengths.at(id) &&
                       request.u32(8) == request.size() && request.u32(4) == 0 &&
                       request.u32(12) == 0;
    peer.reply(status_reply(right ? CS_OK : CS_ERR_LIBRARY));
  });
  for (const auto& [name, call] : kStatusCalls) EXPECT_EQ(call(handle()), CS_OK) << name;
}

TEST_F(RepliesBeyondStock, NamesAreFilledWithNulsToTheirEnds) {
  serve([](Peer& peer, const Request& request) {
    bool clean = true;
    const std::size_t end = request.id() == kUpdate ? 271 : request.size();
    for (std::size_t i = 17; i < end; ++i) clean &= request.bytes()[i] == std::byte{0};
    for (std::size_t i = 272; i < request.size(); ++i) clean &= request.bytes()[i] == std::byte{0};
    peer.reply(status_reply(clean ? CS_OK : CS_ERR_LIBRARY));
  });
  EXPECT_EQ(votequorum_qdevice_register(handle(), std::string(254, 'x').c_str()), CS_ERR_LIBRARY);
  EXPECT_EQ(votequorum_qdevice_register(handle(), "x"), CS_OK);
  EXPECT_EQ(votequorum_qdevice_update(handle(), "x", "y"), CS_OK);
}

// 256 would set one flag in the daemon and clear another, which has eight bits.
TEST_F(RepliesBeyondStock, VotesAndPermissionsAreSentAsZeroOrOne) {
  serve([](Peer& peer, const Request& request) {
    peer.reply(status_reply(request.u32(272) == peer.requests() % 2 ? CS_OK : CS_ERR_LIBRARY));
  });
  for (const unsigned value : {1U, 0U, 256U, 0U, 0x80000000U, 0U}) {
    EXPECT_EQ(votequorum_qdevice_master_wins(handle(), "x", value), CS_OK) << value;
  }
  for (const unsigned value : {1U, 0U, 256U, 0U, 0x80000000U, 0U}) {
    EXPECT_EQ(votequorum_qdevice_poll(handle(), "x", value, {}), CS_OK) << value;
  }
}

}  // namespace
}  // namespace cs::test
