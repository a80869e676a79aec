// SPDX-License-Identifier: BSD-3-Clause
// The client of the quorum service: what counts as a verdict, and what follows a lost connection.
#include "sam/supervisor/quorum_client.h"

#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "sam_units/supervisor/service_stand_in.h"

namespace cs::sam {
namespace {

using test::Message;
using test::Peer;
using test::Request;

constexpr std::int32_t kTrackStart = 1;
constexpr std::uint32_t kMostEntries = 386;

// With so many members.
Message event(bool quorate, std::uint32_t entries = 0) {
  return Message(3, 48 + 4 * std::size_t{entries}).put32(24, quorate ? 1 : 0).put32(40, entries);
}

Result<std::optional<bool>> decode(const Message& message) {
  return decode_quorum_event(message.bytes());
}

TEST(DecodeQuorumEvent, TellsTheVerdictWhateverTheNumberOfMembers) {
  for (const std::uint32_t entries : {0U, 1U, kMostEntries}) {
    EXPECT_EQ(*decode(event(true, entries)), std::optional(true));
    EXPECT_EQ(*decode(event(false, entries)), std::optional(false));
  }
}

TEST(DecodeQuorumEvent, AnotherKindIsNoVerdict) {
  EXPECT_EQ(*decode(Message(4, 48)), std::nullopt);
  EXPECT_EQ(*decode(Message(kTrackStart, 24)), std::nullopt);
}

TEST(DecodeQuorumEvent, WrongLengthIsRefused) {
  for (const unsigned size : {0U, 23U, 24U, 47U, 49U, 51U, 52U, 60U}) {
    Message wrong = event(true, 1).resize(size);
    if (size == 52) wrong.put32(40, 2);
    EXPECT_EQ(decode(wrong).status(), CS_ERR_MESSAGE_ERROR) << size;
  }
}

TEST(DecodeQuorumEvent, MoreEntriesThanAClusterHasAreRefused) {
  EXPECT_EQ(decode(event(true, kMostEntries + 1)).status(), CS_ERR_MESSAGE_ERROR);
  EXPECT_EQ(decode(event(true).put32(40, 0xffffffff)).status(), CS_ERR_MESSAGE_ERROR);
}

class SamQuorumClient : public ServiceTest {
 protected:
  SamQuorumClient() : ServiceTest("quorum") {}

  // The verdict at present comes before the answer, as from the daemon; these follow.
  void serve_verdicts(bool at_first, std::vector<Message> later = {}) {
    serve([at_first, later = std::move(later)](Peer& peer, const Request& request) {
      peer.event(event(at_first));
      peer.reply(Message(request.id(), 24));
      peer.after(test::milliseconds(20), [later](Peer& to) {
        for (const Message& message : later) to.event(message);
      });
    });
  }
  // The next one, when it comes.
  std::optional<bool> await_verdict() {
    std::optional<bool> verdict;
    while (!(verdict = client_.next_verdict()) && wait_for(client_)) {
    }
    return verdict;
  }

  QuorumClient client_;
};

INSTANTIATE_TEST_SUITE_P(Modes, SamQuorumClient, testing::Values(QB_IPC_SHM, QB_IPC_SOCKET),
                         transport_name);

TEST_P(SamQuorumClient, ConnectingTakesTheVerdictAtPresent) {
  for (const bool quorate : {true, false}) {
    serve_verdicts(quorate);
    ASSERT_EQ(client_.connect(soon()), CS_OK);
    EXPECT_TRUE(client_.is_ours());
    EXPECT_EQ(client_.quorate(), quorate);
    EXPECT_EQ(client_.next_verdict(), std::nullopt);
    client_.drop();
    EXPECT_FALSE(client_.is_ours());
    stand_in_.reset();
  }
}

TEST_P(SamQuorumClient, WithoutAServiceConnectingFailsAndIsNotQuorate) {
  EXPECT_EQ(client_.connect(soon()), CS_ERR_LIBRARY);
  EXPECT_FALSE(client_.is_connected());
  EXPECT_FALSE(client_.quorate());
  EXPECT_EQ(client_.next_verdict(), std::nullopt);
}

TEST_P(SamQuorumClient, VerdictOfTheLastConnectionDoesNotCountAnyMore) {
  serve_verdicts(true);
  ASSERT_EQ(client_.connect(soon()), CS_OK);
  EXPECT_TRUE(client_.quorate());
  client_.drop();
  stand_in_.reset();
  EXPECT_EQ(client_.connect(soon()), CS_ERR_LIBRARY);
  EXPECT_FALSE(client_.quorate());
}

TEST_P(SamQuorumClient, RefusalToTrackIsTheErrorOfConnecting) {
  serve([](Peer& peer, const Request& request) {
    peer.reply(Message(request.id(), 24).error(CS_ERR_ACCESS));
  });
  EXPECT_EQ(client_.connect(soon()), CS_ERR_ACCESS);
  EXPECT_FALSE(client_.is_connected());
}

TEST_P(SamQuorumClient, VerdictsComeInTheirOrder) {
  serve_verdicts(true, {event(false), event(true, 3), event(false)});
  ASSERT_EQ(client_.connect(soon()), CS_OK);
  EXPECT_EQ(await_verdict(), false);
  EXPECT_EQ(await_verdict(), true);
  EXPECT_EQ(await_verdict(), false);
  EXPECT_FALSE(client_.quorate());
}

TEST_P(SamQuorumClient, WhatIsNoVerdictIsPassedOver) {
  const Message damaged = Message(3, 48).put32(8, 4000);  // in its length
  serve_verdicts(
      true, {Message(4, 48), event(false).put32(40, 7), Message(3, 24), damaged, event(false)});
  ASSERT_EQ(client_.connect(soon()), CS_OK);
  EXPECT_EQ(await_verdict(), false);
  EXPECT_TRUE(client_.is_connected());
}

TEST_P(SamQuorumClient, FloodOfWhatIsNoVerdictIsTakenInPortions) {
  std::vector<Message> flood(200, Message(4, 48));
  flood.push_back(event(false));
  serve_verdicts(true, std::move(flood));
  ASSERT_EQ(client_.connect(soon()), CS_OK);
  std::this_thread::sleep_for(test::milliseconds(300));  // there they are, or most of them
  EXPECT_EQ(client_.next_verdict(), std::nullopt);
  EXPECT_EQ(await_verdict(), false);
}

TEST_P(SamQuorumClient, FloodOfVerdictsDoesNotKeepWhoConnects) {
  serve([](Peer& peer, const Request& request) {
    for (int i = 0; i < 100; ++i) peer.event(event(i % 2 == 0));
    peer.reply(Message(request.id(), 24));
  });
  ASSERT_EQ(client_.connect(soon()), CS_OK);
  EXPECT_NE(client_.next_verdict(), std::nullopt);
}

TEST_P(SamQuorumClient, EveryChangeIsAskedFor) {
  serve([](Peer& peer, const Request& request) {
    const bool is_right = request.id() == kTrackStart && request.u32(16) == CS_TRACK_CHANGES;
    peer.reply(Message(request.id(), 24).error(is_right ? CS_OK : CS_ERR_INVALID_PARAM));
  });
  EXPECT_EQ(client_.connect(soon()), CS_OK);
}

TEST_P(SamQuorumClient, DeathOfTheDaemonIsTheVerdictNotQuorateOnce) {
  serve_verdicts(true);
  ASSERT_EQ(client_.connect(soon()), CS_OK);
  stand_in_->kill_hard();
  EXPECT_EQ(await_verdict(), false);
  EXPECT_FALSE(client_.is_connected());
  EXPECT_FALSE(client_.quorate());
  EXPECT_EQ(client_.next_verdict(), std::nullopt);
}

TEST_P(SamQuorumClient, ForkedProcessOwnsNothingAndMayDropIt) {
  serve_verdicts(true, {event(false)});
  ASSERT_EQ(client_.connect(soon()), CS_OK);
  const pid_t child = ::fork();
  if (child == 0) {
    const bool is_ours = client_.is_ours();
    client_.drop();
    ::_exit(is_ours ? 1 : 0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(await_verdict(), false);
  EXPECT_TRUE(client_.is_connected());
}

}  // namespace
}  // namespace cs::sam
