// SPDX-License-Identifier: BSD-3-Clause
// The three newest functions against a daemon that knows them, and lies about them; and more extra
// info than a connection holds at once.
#include <corosync/votequorum.h>
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <cstring>
#include <numeric>

#include "votequorum_standin/stand_in_test.h"

namespace cs::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint32_t kMost = VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE;

class ExtraInfo : public StandInTest {
 protected:
  // The stand-in answers get with the answer whose index is the node id.
  void answer_with(std::vector<Message> answers) {
    serve([answers = std::move(answers)](Peer& peer, const Request& request) {
      if (request.id() != kGetExtraInfo) return peer.reply(status_reply(CS_ERR_LIBRARY));
      peer.reply(answers.at(request.u32(16)));
    });
  }

  void expect_refused(unsigned node_id, cs_error_t expected) {
    SCOPED_TRACE(node_id);
    Pattern<std::array<char, kMost + 64>> data;
    std::uint32_t size = 77;
    EXPECT_EQ(votequorum_get_qdevice_extra_info(handle(), node_id, &size, data.get()), expected);
    EXPECT_EQ(size, 77U);
    EXPECT_TRUE(data.untouched());
  }
};

TEST_F(ExtraInfo, IsReadAndNothingBehindIt) {
  answer_with({extra_info_reply("some bytes")});
  Pattern<std::array<char, kMost>> data;
  std::uint32_t size = 0;
  ASSERT_EQ(votequorum_get_qdevice_extra_info(handle(), 0, &size, data.get()), CS_OK);
  EXPECT_EQ(size, 10U);
  EXPECT_EQ(std::string(data.get()->data(), 10), "some bytes");
  EXPECT_EQ((*data.get())[10], '\xa5');
}

TEST_F(ExtraInfo, NothingSetIsSizeZero) {
  answer_with({extra_info_reply("")});
  Pattern<std::array<char, kMost>> data;
  std::uint32_t size = 8;
  ASSERT_EQ(votequorum_get_qdevice_extra_info(handle(), 0, &size, data.get()), CS_OK);
  EXPECT_EQ(size, 0U);
  EXPECT_TRUE(data.untouched());
}

TEST_F(ExtraInfo, LongestIsRead) {
  answer_with({extra_info_reply(std::string(kMost, 'x'))});
  std::string data(kMost, '.');
  std::uint32_t size = 0;
  ASSERT_EQ(votequorum_get_qdevice_extra_info(handle(), 0, &size, data.data()), CS_OK);
  EXPECT_EQ(size, kMost);
  EXPECT_EQ(data, std::string(kMost, 'x'));
}

TEST_F(ExtraInfo, LyingLengthsAreRefused) {
  const Message right = extra_info_reply("some bytes");
  std::vector<Message> wrong;
  for (const std::uint32_t n : {0U, 9U, 11U, 14U, 4096U, 4097U, 0x80000000U, 0xffffffffU}) {
    wrong.push_back(Message(right).put32(24, n));
  }
  for (const std::size_t size : {0U, 23U, 24U, 28U, 31U, 32U, 41U, 43U, 46U, 4200U}) {
    wrong.push_back(Message(right).resize(size));
  }
  wrong.push_back(extra_info_reply(std::string(kMost + 1, 'x')));
  wrong.push_back(Message(right).id(1));
  wrong.push_back(Message(right).error(0));
  const auto count = static_cast<unsigned>(wrong.size());
  answer_with(std::move(wrong));
  for (unsigned i = 0; i < count; ++i) expect_refused(i, CS_ERR_MESSAGE_ERROR);
}

// With an error the daemon leaves whatever there was in the length.
TEST_F(ExtraInfo, ErrorIsPassedOnWhateverTheLengthSays) {
  answer_with({extra_info_reply("").error(CS_ERR_NOT_EXIST).put32(24, 0xa5a5a5a5)});
  expect_refused(0, CS_ERR_NOT_EXIST);
}

TEST_F(ExtraInfo, OldDaemonsErrorIsPassedOn) {
  answer_with({status_reply(CS_ERR_INVALID_PARAM)});
  expect_refused(0, CS_ERR_INVALID_PARAM);
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
  const std::string data(kMost, 'x');
  for (const std::uint32_t size : {1U, 3U, 4U, 5U, kMost - 1, kMost}) {
    EXPECT_EQ(votequorum_set_qdevice_extra_info(handle(), size, data.data()), CS_OK) << size;
  }
}

TEST_F(ExtraInfo, NullOrSizeZeroClears) {
  serve([](Peer& peer, const Request& request) {
    const bool clears = request.id() == kSetExtraInfo && request.size() == 24 &&
                        request.u32(8) == 24 && request.u32(16) == 0;
    peer.reply(status_reply(clears ? CS_OK : CS_ERR_LIBRARY));
  });
  EXPECT_EQ(votequorum_set_qdevice_extra_info(handle(), 0, "x"), CS_OK);
  for (const std::uint32_t size : {0U, 1U, kMost, kMost + 1, UINT32_MAX}) {
    EXPECT_EQ(votequorum_set_qdevice_extra_info(handle(), size, nullptr), CS_OK) << size;
  }
}

TEST_F(ExtraInfo, SetOfTooMuchIsNotSent) {
  serve([](Peer& peer, const Request&) { peer.reply(status_reply(CS_ERR_LIBRARY)); });
  for (const std::uint32_t size : {kMost + 1, 0x80000000U, UINT32_MAX}) {
    EXPECT_EQ(votequorum_set_qdevice_extra_info(handle(), size, "x"), CS_ERR_INVALID_PARAM) << size;
  }
}

TEST_F(ExtraInfo, SetPassesErrorsOn) {
  serve([](Peer& peer, const Request&) { peer.reply(status_reply(CS_ERR_ACCESS)); });
  EXPECT_EQ(votequorum_set_qdevice_extra_info(handle(), 1, "x"), CS_ERR_ACCESS);
}

std::vector<std::string> lines;  // what the callback below was told

void on_extra_info(votequorum_handle_t, std::uint64_t context, std::uint32_t node_id,
                   std::uint32_t size, void* data) {
  lines.push_back(std::to_string(context) + " node " + std::to_string(node_id) + " '" +
                  std::string(static_cast<const char*>(data), size) + "'");
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

  void open(const votequorum_model_v1_data_t* model, std::vector<Message> events) {
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
  model_.votequorum_qdevice_extra_info_fn = on_extra_info;
  open(&model_, {extra_info_event(5, 1, "some bytes"), extra_info_event(5, 2, ""),
                 extra_info_event(5, 3, std::string(kMost, 'x'))});
  EXPECT_EQ(votequorum_dispatch(handle_, CS_DISPATCH_ALL), CS_OK);
  EXPECT_THAT(lines, ElementsAre("5 node 1 'some bytes'", "5 node 2 ''",
                                 "5 node 3 '" + std::string(kMost, 'x') + "'"));
}

// Callers leave it as their stack was, to what is no enumerator.
TEST_F(ExtraInfoEvents, ModelIsNotLookedAt) {
  for (const unsigned left : {0U, 2U, 100U, 0x80000000U, 0xffffffffU}) {
    SCOPED_TRACE(left);
    std::memcpy(&model_.model, &left, sizeof(left));
    model_.votequorum_qdevice_extra_info_fn = on_extra_info;
    open(&model_, {extra_info_event(5, 1, "abc")});
    EXPECT_EQ(votequorum_dispatch(handle_, CS_DISPATCH_ONE), CS_OK);
    EXPECT_THAT(std::exchange(lines, {}), ElementsAre("5 node 1 'abc'"));
    EXPECT_EQ(votequorum_finalize(std::exchange(handle_, 0)), CS_OK);
  }
}

// The bytes are the callback's for as long as it runs.
TEST_F(ExtraInfoEvents, BytesMayBeWrittenTo) {
  model_.votequorum_qdevice_extra_info_fn = [](votequorum_handle_t, std::uint64_t, std::uint32_t,
                                               std::uint32_t size, void* data) {
    lines.emplace_back(static_cast<const char*>(data), size);
    std::memset(data, 'y', size);
  };
  open(&model_, {extra_info_event(5, 1, "abc"), extra_info_event(5, 1, "abcdef")});
  EXPECT_EQ(votequorum_dispatch(handle_, CS_DISPATCH_ALL), CS_OK);
  EXPECT_THAT(lines, ElementsAre("abc", "abcdef"));
}

TEST_F(ExtraInfoEvents, NullModelDropsEveryEvent) {
  open(nullptr, {extra_info_event(5, 1, "abc"), nodelist_event(5, 1, 1, {1})});
  EXPECT_EQ(votequorum_dispatch(handle_, CS_DISPATCH_ONE_NONBLOCKING), CS_OK);
  EXPECT_EQ(votequorum_dispatch(handle_, CS_DISPATCH_ONE_NONBLOCKING), CS_OK);
  EXPECT_EQ(votequorum_dispatch(handle_, CS_DISPATCH_ONE_NONBLOCKING), CS_ERR_TRY_AGAIN);
}

TEST_F(ExtraInfoEvents, LyingLengthIsRefused) {
  model_.votequorum_qdevice_extra_info_fn = on_extra_info;
  open(&model_, {extra_info_event(5, 1, "abc").put32(40, 4097),
                 extra_info_event(5, 1, "abc").put32(40, 0xffffffff),
                 extra_info_event(5, 1, "abc").put32(40, 2)});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(votequorum_dispatch(handle_, CS_DISPATCH_ONE), CS_ERR_MESSAGE_ERROR);
  }
  EXPECT_THAT(lines, IsEmpty());
}

class ExtraInfoPortions : public ExtraInfoEvents, public testing::WithParamInterface<qb_ipc_type> {
 protected:
  static constexpr std::uint32_t kNodes = 40;

  // A cluster where each node has as much extra info as it may; the state of now is asked for.
  void ask_for_all() {
    const auto answer = [](Peer& peer, const Request&) {
      std::vector<std::uint32_t> nodes(kNodes);
      std::iota(nodes.begin(), nodes.end(), 1U);
      peer.event(nodelist_event(5, 1, 1, nodes));
      for (const std::uint32_t node : nodes) {
        peer.event(extra_info_event(5, node, std::string(kMost, 'x')));
      }
      peer.reply(status_reply());
    };
    stand_in_.emplace(answer, StandInOptions{.type = GetParam()});
    model_.votequorum_nodelist_notify_fn =
        [](votequorum_handle_t, std::uint64_t, votequorum_ring_id_t, std::uint32_t count,
           std::uint32_t*) { lines.push_back(std::to_string(count) + " nodes"); };
    model_.votequorum_qdevice_extra_info_fn = on_extra_info;
    ASSERT_EQ(votequorum_model_initialize(&handle_, &model_), CS_OK);
    ASSERT_EQ(votequorum_trackstart(handle_, 5, CS_TRACK_CURRENT), CS_OK);
  }

  // The daemon does nothing more until resumed.
  void stop_daemon() {
    stand_in_->pause();
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(stand_in_->pid()), &info, WSTOPPED | WNOWAIT), 0);
  }

  [[nodiscard]] bool readable(int limit_ms) const {
    pollfd event{.fd = -1, .events = POLLIN, .revents = 0};
    EXPECT_EQ(votequorum_fd_get(handle_, &event.fd), CS_OK);
    return ::poll(&event, 1, limit_ms) == 1;
  }
};

TEST_P(ExtraInfoPortions, FirstHasArrivedAndTheOthersFollow) {
  ASSERT_NO_FATAL_FAILURE(ask_for_all());
  ASSERT_NO_FATAL_FAILURE(stop_daemon());
  EXPECT_EQ(votequorum_dispatch(handle_, CS_DISPATCH_ALL), CS_OK);
  EXPECT_FALSE(readable(0));
  // As votequorum_trackstart(3) says; what a socket holds is the system's choice.
  EXPECT_GE(lines.size(), GetParam() == QB_IPC_SHM ? 16U : 2U);
  EXPECT_LT(lines.size(), kNodes + 1);

  stand_in_->resume();
  while (lines.size() < kNodes + 1) {
    ASSERT_TRUE(readable(static_cast<int>(kPatience.count()))) << lines.size();
    ASSERT_EQ(votequorum_dispatch(handle_, CS_DISPATCH_ALL), CS_OK);
  }
  EXPECT_EQ(lines[0], std::to_string(kNodes) + " nodes");
  for (std::uint32_t node = 1; node <= kNodes; ++node) {
    EXPECT_EQ(lines[node], "5 node " + std::to_string(node) + " '" + std::string(kMost, 'x') + "'");
  }
}

INSTANTIATE_TEST_SUITE_P(Transports, ExtraInfoPortions, testing::Values(QB_IPC_SHM, QB_IPC_SOCKET),
                         [](const auto& type) {
                           return type.param == QB_IPC_SHM ? "Shm" : "Socket";
                         });

TEST(ModelInitialize, NullHandleIsRefusedBeforeAnythingIsConnected) {
  const votequorum_model_v1_data_t model{};
  EXPECT_EQ(votequorum_model_initialize(nullptr, &model), CS_ERR_INVALID_PARAM);
  EXPECT_EQ(votequorum_model_initialize(nullptr, nullptr), CS_ERR_INVALID_PARAM);
}

}  // namespace
}  // namespace cs::test
