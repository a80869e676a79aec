// SPDX-License-Identifier: BSD-3-Clause
// The two steps of connecting: what comes of each, and that a failure leaves nothing behind.
#include "ipc/handshake.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <cerrno>

#include "ipc/in_flight.h"
#include "votequorum_standin/listener.h"
#include "votequorum_standin/stand_in_test.h"

namespace cs::test {
namespace {

constexpr std::size_t kMessageSize = 8192;
constexpr uid_t kNobody = 65'534;

class Handshake : public StandInTest {
 protected:
  void SetUp() override {
    StandInTest::SetUp();
    ipc::prepare(nullptr, nullptr);
  }

  // Disconnects what comes of it.
  static cs_error_t shake_hands(int patience_ms) {
    const ipc::Section section(ipc::Section::Place::kEntry);
    auto shaken =
        ipc::shake_hands("votequorum", kMessageSize, Deadline::in_milliseconds(patience_ms));
    if (!shaken) return shaken.status();
    EXPECT_GE(shaken->setup_fd, 0);
    EXPECT_TRUE(qb_ipcc_is_connected(shaken->connection));
    qb_ipcc_disconnect(shaken->connection);
    return CS_OK;
  }

  void expect_failure(cs_error_t status, int error, int patience_ms) {
    const std::size_t before = open_descriptors();
    errno = 0;
    EXPECT_EQ(shake_hands(patience_ms), status);
    EXPECT_EQ(errno, error);
    EXPECT_EQ(open_descriptors(), before);
  }
};

TEST_F(Handshake, GivesAConnectionInEachTransport) {
  for (const qb_ipc_type type : {QB_IPC_SHM, QB_IPC_SOCKET}) {
    stand_in_.emplace([](Peer& peer, const Request&) { peer.reply(status_reply()); },
                      StandInOptions{.type = type});
    EXPECT_EQ(shake_hands(20'000), CS_OK);
    const std::size_t before = open_descriptors();
    EXPECT_EQ(shake_hands(20'000), CS_OK);
    EXPECT_EQ(open_descriptors(), before);
    stand_in_.reset();
  }
}

TEST_F(Handshake, WithNobodyFailsAtOnce) { expect_failure(CS_ERR_LIBRARY, ECONNREFUSED, 20'000); }

TEST_F(Handshake, EndsAtItsDeadlineWhereNobodyAnswers) {
  const Listener silent("votequorum", [](int) { ::poll(nullptr, 0, -1); });
  expect_failure(CS_ERR_TRY_AGAIN, EAGAIN, 50);
}

TEST_F(Handshake, EndsWithAListenerThatHangsUp) {
  const Listener short_lived("votequorum", [](int) {});
  const std::size_t before = open_descriptors();
  EXPECT_NE(shake_hands(20'000), CS_OK);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(Handshake, OfSomebodyElseIsRefused) {
  if (!Child::run([] { return ::setresuid(kNobody, kNobody, kNobody); }).wait().exited_with(0)) {
    return skip_or_fail("there is no second user in this namespace");
  }
  const Listener impostor(
      "votequorum", [](int) { ::poll(nullptr, 0, -1); }, kNobody);
  expect_failure(CS_ERR_ACCESS, EACCES, 20'000);
}

}  // namespace
}  // namespace cs::test
