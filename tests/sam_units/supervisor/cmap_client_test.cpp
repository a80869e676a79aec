// SPDX-License-Identifier: BSD-3-Clause
// The client of the cmap service: the bytes of its requests, what an answer means, and what becomes
// of a lost connection.
#include "sam/supervisor/cmap_client.h"

#include "sam_units/supervisor/service_stand_in.h"

namespace cs::sam {
namespace {

using test::Message;
using test::Peer;
using test::Request;

enum : std::int32_t { kSet = 0, kDelete = 1, kIterInit = 4, kIterNext = 5, kIterFinalize = 6 };

std::string text_at(const Request& request, std::size_t offset, std::size_t size) {
  std::string text(size, '\0');
  std::memcpy(text.data(), request.bytes().data() + offset, size);
  return text;
}

// A key where the protocol has one: a length of 16 bits, and a name that is filled up with zeros.
bool has_key(const Request& request, const std::string& name) {
  const std::string filled = name + std::string(256 - name.size(), '\0');
  return (request.u32(16) & 0xffff) == name.size() && text_at(request, 24, 256) == filled;
}

Message status(const Request& request, cs_error_t code = CS_OK) {
  return Message(request.id(), 24).error(code);
}

class SamCmapClient : public ServiceTest {
 protected:
  SamCmapClient() : ServiceTest("cmap") {}

  void connect(test::Script script) {
    serve(std::move(script));
    ASSERT_EQ(client_.connect(soon()), CS_OK);
  }

  CmapClient client_;
};

INSTANTIATE_TEST_SUITE_P(Modes, SamCmapClient, testing::Values(QB_IPC_SHM, QB_IPC_SOCKET),
                         transport_name);

TEST_P(SamCmapClient, StringIsSentWithItsNul) {
  connect([](Peer& peer, const Request& request) {
    const bool is_right = request.id() == kSet && request.size() == 296 + 8 &&
                          has_key(request, "a.state") && request.u32(280) == 8 &&
                          (request.u32(288) & 0xff) == 11 &&
                          text_at(request, 296, 8) == std::string("running\0", 8);
    peer.reply(status(request, is_right ? CS_OK : CS_ERR_INVALID_PARAM));
  });
  EXPECT_EQ(client_.set("a.state", std::string_view("running"), soon()), CS_OK);
}

TEST_P(SamCmapClient, NumberIsSentAsUint64) {
  connect([](Peer& peer, const Request& request) {
    const auto words = test::halves(0x1122334455667788);
    const bool is_right = request.id() == kSet && request.size() == 296 + 8 &&
                          has_key(request, "a.time") && request.u32(280) == 8 &&
                          (request.u32(288) & 0xff) == 8 && request.u32(296) == words[0] &&
                          request.u32(300) == words[1];
    peer.reply(status(request, is_right ? CS_OK : CS_ERR_INVALID_PARAM));
  });
  EXPECT_EQ(client_.set("a.time", std::uint64_t{0x1122334455667788}, soon()), CS_OK);
}

TEST_P(SamCmapClient, DaemonsErrorIsToldAndKeepsTheConnection) {
  connect([](Peer& peer, const Request& request) { peer.reply(status(request, CS_ERR_ACCESS)); });
  EXPECT_EQ(client_.set("a", std::uint64_t{1}, soon()), CS_ERR_ACCESS);
  EXPECT_TRUE(client_.is_connected());
}

// The stand-in counts its keys down. Whether all requests were right is the last answer.
TEST_P(SamCmapClient, DeleteAllDeletesEachKeyThatTheDaemonNames) {
  struct State {
    int left = 3;
    bool is_right = true;
  };
  connect([state = std::make_shared<State>()](Peer& peer, const Request& request) {
    const auto note = [&state](bool is_right) { state->is_right &= is_right; };
    switch (request.id()) {
      case kIterInit:
        note(has_key(request, "a."));
        return peer.reply(Message(kIterInit, 32).put64(24, 77));
      case kIterNext: {
        note(request.u32(16) == test::halves(77)[0]);
        if (state->left == 0) return peer.reply(Message(kIterNext, 24).error(CS_ERR_NO_SECTIONS));
        Message key(kIterNext, 304, 0);
        key.put32(24, 3).put_bytes(32, test::as_bytes("a." + std::to_string(state->left--)));
        return peer.reply(key);
      }
      case kDelete:
        note(has_key(request, "a." + std::to_string(state->left + 1)));
        // Somebody else was faster with one of them.
        return peer.reply(status(request, state->left == 1 ? CS_ERR_NOT_EXIST : CS_OK));
      case kIterFinalize:
        note(request.u32(16) == test::halves(77)[0] && state->left == 0);
        return peer.reply(status(request, state->is_right ? CS_OK : CS_ERR_INVALID_PARAM));
      default:
        return peer.reply(status(request, CS_ERR_NOT_SUPPORTED));
    }
  });
  EXPECT_EQ(client_.delete_all("a.", soon()), CS_OK);
}

TEST_P(SamCmapClient, AnswerWithoutAnIteratorIsRefused) {
  connect([](Peer& peer, const Request& request) {
    peer.reply(status(request, request.id() == kIterNext ? CS_ERR_NO_SECTIONS : CS_OK));
  });
  EXPECT_EQ(client_.delete_all("a.", soon()), CS_ERR_MESSAGE_ERROR);
}

// Whether it was told that the iteration is over is the stand-in's answer to a set.
TEST_P(SamCmapClient, KeyThatCannotBeDeletedIsAnErrorAndEndsTheIteration) {
  connect([ended = std::make_shared<bool>(false)](Peer& peer, const Request& request) {
    if (request.id() == kIterInit) return peer.reply(Message(kIterInit, 32).put64(24, 77));
    if (request.id() == kIterNext) return peer.reply(Message(kIterNext, 304, 0).put32(24, 1));
    if (request.id() == kDelete) return peer.reply(status(request, CS_ERR_ACCESS));
    if (request.id() == kIterFinalize) *ended = request.u32(16) == test::halves(77)[0];
    peer.reply(status(request, *ended ? CS_OK : CS_ERR_INVALID_PARAM));
  });
  EXPECT_EQ(client_.delete_all("a.", soon()), CS_ERR_ACCESS);
  EXPECT_EQ(client_.set("a", std::uint64_t{1}, soon()), CS_OK);
}

TEST_P(SamCmapClient, DaemonThatAlwaysHasOneMoreKeyDoesNotKeepUs) {
  connect([](Peer& peer, const Request& request) {
    if (request.id() == kIterInit) return peer.reply(Message(kIterInit, 32));
    if (request.id() == kIterNext) return peer.reply(Message(kIterNext, 304, 0).put32(24, 1));
    peer.reply(status(request));
  });
  EXPECT_EQ(client_.delete_all("a.", Deadline::in_milliseconds(100)), CS_ERR_TRY_AGAIN);
}

TEST_P(SamCmapClient, WithoutAConnectionEveryCallFails) {
  EXPECT_EQ(client_.connect(soon()), CS_ERR_LIBRARY);
  EXPECT_EQ(client_.set("a", std::uint64_t{1}, soon()), CS_ERR_LIBRARY);
  EXPECT_EQ(client_.delete_all("a", soon()), CS_ERR_LIBRARY);
  client_.check();
  EXPECT_FALSE(client_.is_connected());
}

TEST_P(SamCmapClient, LossFoundByARequestDropsTheConnection) {
  connect([](Peer& peer, const Request& request) { peer.reply(status(request)); });
  stand_in_->kill_hard();
  EXPECT_EQ(client_.set("a", std::uint64_t{1}, soon()), CS_ERR_LIBRARY);
  EXPECT_FALSE(client_.is_connected());
  EXPECT_EQ(client_.fd(), -1);
  EXPECT_EQ(client_.life_fd(), -1);
}

TEST_P(SamCmapClient, LossFoundByACheckDropsTheConnection) {
  connect([](Peer& peer, const Request& request) { peer.reply(status(request)); });
  client_.check();
  EXPECT_TRUE(client_.is_connected());
  stand_in_->kill_hard();
  ASSERT_TRUE(wait_for(client_));
  client_.check();
  EXPECT_FALSE(client_.is_connected());
}

TEST_P(SamCmapClient, HungDaemonIsGivenUpAtTheDeadline) {
  connect([](Peer&, const Request&) {});
  EXPECT_EQ(client_.set("a", std::uint64_t{1}, Deadline::in_milliseconds(50)), CS_ERR_TRY_AGAIN);
  EXPECT_TRUE(client_.is_connected());
}

}  // namespace
}  // namespace cs::sam
