// SPDX-License-Identifier: BSD-3-Clause
// The three newest functions against a daemon that knows them, and lies about them.
#include <corosync/votequorum.h>
#include <gmock/gmock.h>

#include "votequorum_standin/stand_in_test.h"

namespace cs::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::size_t kMost = VOTEQUORUM_QDEVICE_MAX_EXTRA_INFO_LEN;

class ExtraInfo : public StandInTest {
 protected:
  // The stand-in answers get with the answer whose index is the node id.
  void answer_with(std::vector<Message> answers) {
    serve([answers = std::move(answers)](Peer& peer, const Request& request) {
      if (request.id() != kGetExtraInfo) return peer.reply(status_reply(CS_ERR_LIBRARY));
      peer.reply(answers.at(request.u32(16)));
    });
  }

  void expect_refused(unsigned node_id, std::size_t room, cs_error_t expected) {
    SCOPED_TRACE(node_id);
    Pattern<std::array<char, kMost + 64>> data;
    std::size_t length = room;
    EXPECT_EQ(votequorum_get_qdevice_extra_info(handle(), node_id, data.get(), &length), expected);
    EXPECT_EQ(length, room);
    EXPECT_TRUE(data.untouched());
  }
};

TEST_F(ExtraInfo, IsReadAndNothingBehindIt) {
  answer_with({extra_info_reply("some bytes")});
  Pattern<std::array<char, 11>> data;
  std::size_t length = 10;
  ASSERT_EQ(votequorum_get_qdevice_extra_info(handle(), 0, data.get(), &length), CS_OK);
  EXPECT_EQ(length, 10u);
  EXPECT_EQ(std::string(data.get()->data(), 10), "some bytes");
  EXPECT_EQ((*data.get())[10], '\xa5');
}

TEST_F(ExtraInfo, NothingSetIsLengthZero) {
  answer_with({extra_info_reply("")});
  Pattern<std::array<char, 8>> data;
  std::size_t length = 8;
  ASSERT_EQ(votequorum_get_qdevice_extra_info(handle(), 0, data.get(), &length), CS_OK);
  EXPECT_EQ(length, 0u);
  EXPECT_TRUE(data.untouched());
}

TEST_F(ExtraInfo, LongestIsRead) {
  answer_with({extra_info_reply(std::string(kMost, 'x'))});
  std::string data(kMost, '.');
  std::size_t length = kMost;
  ASSERT_EQ(votequorum_get_qdevice_extra_info(handle(), 0, data.data(), &length), CS_OK);
  EXPECT_EQ(length, kMost);
  EXPECT_EQ(data, std::string(kMost, 'x'));
}

TEST_F(ExtraInfo, TooLittleRoomIsRefused) {
  answer_with({extra_info_reply("some bytes")});
  expect_refused(0, 9, CS_ERR_TOO_BIG);
  expect_refused(0, 0, CS_ERR_TOO_BIG);
}

TEST_F(ExtraInfo, LyingLengthsAreRefused) {
  const Message right = extra_info_reply("some bytes");
  std::vector<Message> wrong;
  for (const std::uint32_t n : {0u, 9u, 11u, 14u, 4096u, 4097u, 0x80000000u, 0xffffffffu}) {
    wrong.push_back(Message(right).put32(24, n));
  }
  for (const std::size_t size : {0, 23, 24, 28, 31, 32, 41, 43, 46, 4200}) {
    wrong.push_back(Message(right).resize(size));
  }
  wrong.push_back(extra_info_reply(std::string(kMost + 1, 'x')));
  wrong.push_back(Message(right).id(1));
  wrong.push_back(Message(right).error(0));
  const auto count = static_cast<unsigned>(wrong.size());
  answer_with(std::move(wrong));
  for (unsigned i = 0; i < count; ++i) expect_refused(i, kMost + 64, CS_ERR_MESSAGE_ERROR);
}

// With an error the daemon leaves whatever there was in the length.
TEST_F(ExtraInfo, ErrorIsPassedOnWhateverTheLengthSays) {
  answer_with({extra_info_reply("").error(CS_ERR_NOT_EXIST).put32(24, 0xa5a5a5a5)});
  expect_refused(0, kMost, CS_ERR_NOT_EXIST);
}

TEST_F(ExtraInfo, OldDaemonsErrorIsPassedOn) {
  answer_with({status_reply(CS_ERR_INVALID_PARAM)});
  expect_refused(0, kMost, CS_ERR_INVALID_PARAM);
}

// Sent is as much as there is; the daemon believes the length without comparing.
TEST_F(ExtraInfo, SetSendsItsBytes) {
  serve([](Peer& peer, const Request& request) {
    const std::size_t n = request.u32(16);
    bool right = request.id() == kSetExtraInfo && request.size() == 24 + n &&
                 request.u32(8) == request.size();
    for (std::size_t i = 0; i < n; ++i) right &= request.bytes()[20 + i] == std::byte{'x'};
    for (std::size_t i = 20 + n; i < request.size(); ++i)
      right &= request.bytes()[i] == std::byte{0};
    peer.reply(status_reply(right ? CS_OK : CS_ERR_LIBRARY));
  });
  const std::string data(kMost + 1, 'x');
  for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{4}, kMost}) {
    EXPECT_EQ(votequorum_set_qdevice_extra_info(handle(), data.data(), length), CS_OK) << length;
  }
  EXPECT_EQ(votequorum_set_qdevice_extra_info(handle(), nullptr, 0), CS_OK);
  EXPECT_EQ(votequorum_set_qdevice_extra_info(handle(), data.data(), kMost + 1),
            CS_ERR_INVALID_PARAM);
  EXPECT_EQ(votequorum_set_qdevice_extra_info(handle(), data.data(), SIZE_MAX),
            CS_ERR_INVALID_PARAM);
  EXPECT_EQ(votequorum_set_qdevice_extra_info(handle(), nullptr, 1), CS_ERR_INVALID_PARAM);
}

TEST_F(ExtraInfo, SetPassesErrorsOn) {
  serve([](Peer& peer, const Request&) { peer.reply(status_reply(CS_ERR_ACCESS)); });
  EXPECT_EQ(votequorum_set_qdevice_extra_info(handle(), "x", 1), CS_ERR_ACCESS);
}

std::vector<std::string> lines;  // what the callback below was told

void on_extra_info(votequorum_handle_t, std::uint64_t context, std::uint32_t node_id,
                   std::uint32_t length, const void* data) {
  lines.push_back(std::to_string(context) + " node " + std::to_string(node_id) + " '" +
                  std::string(static_cast<const char*>(data), length) + "'");
}

class ExtraInfoEvents : public StandInTest {
 protected:
  void SetUp() override {
    StandInTest::SetUp();
    lines.clear();
  }
  void TearDown() override {
    if (handle_ != 0) {
      EXPECT_EQ(votequorum_finalize(handle_), CS_OK);
    }
  }

  void open(votequorum_model_v1_data_t* model, std::vector<Message> events) {
    stand_in_.emplace([events = std::move(events)](Peer& peer, const Request&) {
      for (const Message& event : events) peer.event(event);
      peer.reply(status_reply());
    });
    ASSERT_EQ(votequorum_model_initialize(&handle_, model), CS_OK);
    ASSERT_EQ(votequorum_trackstart(handle_, 5, CS_TRACK_CHANGES), CS_OK);
  }

  votequorum_handle_t handle_ = 0;
  votequorum_model_v1_data_t model_{};
};

TEST_F(ExtraInfoEvents, ReachTheirCallback) {
  model_.model = VOTEQUORUM_MODEL_V1;
  model_.votequorum_qdevice_extra_info_notify_fn = on_extra_info;
  open(&model_, {extra_info_event(5, 1, "some bytes"), extra_info_event(5, 2, ""),
                 extra_info_event(5, 3, std::string(kMost, 'x'))});
  EXPECT_EQ(votequorum_dispatch(handle_, CS_DISPATCH_ALL), CS_OK);
  EXPECT_THAT(lines, ElementsAre("5 node 1 'some bytes'", "5 node 2 ''",
                                 "5 node 3 '" + std::string(kMost, 'x') + "'"));
}

// As callers of today leave it.
TEST_F(ExtraInfoEvents, ModelNotSetIsTaken) {
  model_.votequorum_qdevice_extra_info_notify_fn = on_extra_info;
  open(&model_, {extra_info_event(5, 1, "abc")});
  EXPECT_EQ(votequorum_dispatch(handle_, CS_DISPATCH_ONE), CS_OK);
  EXPECT_THAT(lines, ElementsAre("5 node 1 'abc'"));
}

TEST_F(ExtraInfoEvents, NullModelDropsEveryEvent) {
  open(nullptr, {extra_info_event(5, 1, "abc"), nodelist_event(5, 1, 1, {1})});
  EXPECT_EQ(votequorum_dispatch(handle_, CS_DISPATCH_ONE_NONBLOCKING), CS_OK);
  EXPECT_EQ(votequorum_dispatch(handle_, CS_DISPATCH_ONE_NONBLOCKING), CS_OK);
  EXPECT_EQ(votequorum_dispatch(handle_, CS_DISPATCH_ONE_NONBLOCKING), CS_ERR_TRY_AGAIN);
}

TEST_F(ExtraInfoEvents, LyingLengthIsRefused) {
  model_.votequorum_qdevice_extra_info_notify_fn = on_extra_info;
  open(&model_, {extra_info_event(5, 1, "abc").put32(40, 4097),
                 extra_info_event(5, 1, "abc").put32(40, 0xffffffff),
                 extra_info_event(5, 1, "abc").put32(40, 2)});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(votequorum_dispatch(handle_, CS_DISPATCH_ONE), CS_ERR_MESSAGE_ERROR);
  }
  EXPECT_THAT(lines, IsEmpty());
}

TEST(ModelInitialize, BadParametersAreRefusedBeforeAnythingIsConnected) {
  votequorum_handle_t handle = 77;
  votequorum_model_v1_data_t model{};
  EXPECT_EQ(votequorum_model_initialize(nullptr, &model), CS_ERR_INVALID_PARAM);
  // As a C program may set it: to what is no enumerator.
  for (const unsigned wrong : {2u, 3u, 100u, 0x80000000u, 0xffffffffu}) {
    std::memcpy(&model.model, &wrong, sizeof(wrong));
    EXPECT_EQ(votequorum_model_initialize(&handle, &model), CS_ERR_INVALID_PARAM) << wrong;
  }
  EXPECT_EQ(handle, 77u);
}

}  // namespace
}  // namespace cs::test
