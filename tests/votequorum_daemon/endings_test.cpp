// SPDX-License-Identifier: BSD-3-Clause
// The daemon is killed, stopped, or not there; and comes back.
#include <corosync/votequorum.h>

#include <future>

#include "votequorum_daemon/daemon_session.h"

namespace cs::test {
namespace {

using std::chrono::seconds;

class DaemonEnds : public OwnDaemonTest {
 protected:
  // Each call's result once the daemon has gone, and a new connection once it is back.
  void expect_gone_and_back() {
    // In socket mode it does not tell of an orderly end, with the distribution's library neither.
    if (!daemon_uses_sockets()) {
      EXPECT_TRUE(session_.readable(10000));
    }
    EXPECT_TRUE(eventually([this] { return session_.getinfo() == CS_ERR_LIBRARY; }));
    EXPECT_EQ(votequorum_trackstop(handle()), CS_ERR_LIBRARY);
    for (const auto flag :
         {CS_DISPATCH_ONE, CS_DISPATCH_ALL, CS_DISPATCH_BLOCKING, CS_DISPATCH_ONE_NONBLOCKING}) {
      EXPECT_EQ(session_.dispatch(flag), CS_ERR_LIBRARY) << flag;
    }
    Session none;
    EXPECT_EQ(none.open(), CS_ERR_LIBRARY);
    (void)none.release();
    ASSERT_TRUE(daemon().restart());
    EXPECT_EQ(session_.getinfo(), CS_ERR_LIBRARY);
    EXPECT_EQ(session_.finalize(), CS_OK);
    ASSERT_EQ(session_.open(), CS_OK);
    EXPECT_EQ(session_.getinfo(), CS_OK);
  }
};

TEST_F(DaemonEnds, KilledBetweenCalls) {
  ASSERT_EQ(votequorum_trackstart(handle(), 7, CS_TRACK_CHANGES), CS_OK);
  daemon().kill_hard();
  expect_gone_and_back();
}

TEST_F(DaemonEnds, StoppedInOrder) {
  ASSERT_EQ(session_.getinfo(), CS_OK);
  EXPECT_TRUE(daemon().stop().exited_with(0));
  expect_gone_and_back();
}

class DaemonKilledUnder : public DaemonEnds,
                          public testing::WithParamInterface<cs_dispatch_flags_t> {};

INSTANTIATE_TEST_SUITE_P(Waiting, DaemonKilledUnder,
                         testing::Values(CS_DISPATCH_ONE, CS_DISPATCH_BLOCKING));

TEST_P(DaemonKilledUnder, DispatchThatWaits) {
  ASSERT_EQ(votequorum_trackstart(handle(), 7, CS_TRACK_CHANGES_ONLY), CS_OK);
  auto waiting = std::async(std::launch::async, [this] { return session_.dispatch(GetParam()); });
  EXPECT_EQ(waiting.wait_for(milliseconds(200)), std::future_status::timeout);
  daemon().kill_hard();
  const auto killed = Clock::now();
  EXPECT_EQ(waiting.get(), CS_ERR_LIBRARY);
  EXPECT_LT(Clock::now() - killed, seconds(10));
  EXPECT_EQ(session_.finalize(), CS_OK);
}

TEST_F(DaemonEnds, KilledWhileRequestsRun) {
  auto asking = std::async(std::launch::async, [this] {
    cs_error_t status = CS_OK;
    while (status == CS_OK) status = session_.getinfo();
    return status;
  });
  EXPECT_EQ(asking.wait_for(milliseconds(200)), std::future_status::timeout);
  daemon().kill_hard();
  const auto killed = Clock::now();
  EXPECT_EQ(asking.get(), CS_ERR_LIBRARY);
  EXPECT_LT(Clock::now() - killed, seconds(10));
  EXPECT_EQ(session_.finalize(), CS_OK);
}

TEST_F(DaemonEnds, RequestToAPausedDaemonIsAnsweredWhenItGoesOn) {
  daemon().pause();
  auto asking = std::async(std::launch::async, [this] { return session_.getinfo(); });
  EXPECT_EQ(asking.wait_for(milliseconds(500)), std::future_status::timeout);
  daemon().resume();
  EXPECT_EQ(asking.get(), CS_OK);
}

using DaemonEndsBeyondStock = DaemonEnds;

// The distribution's library looks for the end only every two seconds.
TEST_F(DaemonEndsBeyondStock, RequestThatWaitsEndsWithTheDaemonPromptly) {
  daemon().pause();
  auto asking = std::async(std::launch::async, [this] { return session_.getinfo(); });
  EXPECT_EQ(asking.wait_for(milliseconds(300)), std::future_status::timeout);
  daemon().kill_hard();
  const auto killed = Clock::now();
  EXPECT_EQ(asking.get(), CS_ERR_LIBRARY);
  EXPECT_LT(Clock::now() - killed, milliseconds(1000));
}

TEST(NoDaemon, ConnectingIsRefused) {
  if (!in_private_network()) return skip_or_fail("not in private namespaces");
  Session session;
  EXPECT_EQ(session.open(), CS_ERR_LIBRARY);
  (void)session.release();
}

// Refused, then not ready for a moment, then served: nothing else on the way.
TEST(StartingDaemon, IsRefusedThenBusyThenThere) {
  if (const auto reason = CorosyncDaemon::unavailable()) return skip_or_fail(*reason);
  CorosyncDaemon daemon;
  daemon.launch();
  EXPECT_TRUE(eventually([] {
    Session session;
    const cs_error_t status = session.open();
    if (status == CS_OK) return true;
    (void)session.release();
    EXPECT_TRUE(status == CS_ERR_LIBRARY || status == CS_ERR_TRY_AGAIN) << status;
    return false;
  }));
}

}  // namespace
}  // namespace cs::test
