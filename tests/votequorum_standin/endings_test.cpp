// SPDX-License-Identifier: BSD-3-Clause
// A daemon that is slow, hangs up, or dies while it is being asked or waited for; and callers who
// finalize meanwhile.
#include <corosync/votequorum.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "votequorum_standin/stand_in_test.h"

namespace cs::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

class Endings : public StandInTest {
 protected:
  // Answers nothing; lets the test know that a request came.
  void serve_silently() {
    serve([this](Peer&, const Request&) { asked_.open(); });
    asked_.keep_only_waiting();
  }

  Gate asked_;
};
using EndingsBeyondStock = Endings;

TEST_F(Endings, SlowAnswerIsWaitedFor) {
  serve([](Peer& peer, const Request& request) {
    peer.after(seconds(2), [asked = request.u32(16)](Peer& p) { p.reply(info_reply(asked)); });
  });
  const auto start = Clock::now();
  votequorum_info info{};
  EXPECT_EQ(votequorum_getinfo(handle(), 77, &info), CS_OK);
  EXPECT_EQ(info.node_id, 77U);
  EXPECT_GE(Clock::now() - start, milliseconds(1900));
}

TEST_F(EndingsBeyondStock, HangUpInMidRequestEndsItPromptly) {
  serve([](Peer& peer, const Request&) { peer.disconnect(); });
  const auto start = Clock::now();
  Pattern<votequorum_info> info;
  EXPECT_EQ(votequorum_getinfo(handle(), 0, info.get()), CS_ERR_LIBRARY);
  EXPECT_LT(Clock::now() - start, milliseconds(1500));
  EXPECT_TRUE(info.untouched());
  EXPECT_EQ(session_.getinfo(), CS_ERR_LIBRARY);
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ALL), CS_ERR_LIBRARY);
  EXPECT_EQ(session_.finalize(), CS_OK);
}

TEST_F(Endings, DeathInMidRequestEndsItPromptly) {
  serve_silently();
  Clock::time_point killed;
  std::thread killer([this, &killed] {
    EXPECT_TRUE(asked_.wait());
    killed = Clock::now();
    stand_in_->kill_hard();
  });
  Pattern<votequorum_info> info;
  EXPECT_EQ(votequorum_getinfo(handle(), 0, info.get()), CS_ERR_LIBRARY);
  const auto ended = Clock::now();
  killer.join();
  EXPECT_LT(ended - killed, milliseconds(1500));
  EXPECT_TRUE(info.untouched());
}

// Events in the ring are lost with the daemon; what matters is that nobody waits for more.
TEST_F(Endings, DeathWithEventsWaitingIsSeenByEveryCall) {
  serve_events(std::vector<Message>(10, nodelist_event(1, 1, 1, {1})));
  stand_in_->kill_hard();
  EXPECT_TRUE(session_.readable(5000));
  EXPECT_EQ(session_.getinfo(), CS_ERR_LIBRARY);
  for (const auto flag :
       {CS_DISPATCH_ONE, CS_DISPATCH_ALL, CS_DISPATCH_BLOCKING, CS_DISPATCH_ONE_NONBLOCKING}) {
    EXPECT_EQ(session_.dispatch(flag), CS_ERR_LIBRARY) << flag;
  }
  EXPECT_EQ(session_.finalize(), CS_OK);
}

TEST_F(Endings, HangUpEndsABlockingDispatch) {
  serve([](Peer& peer, const Request&) {
    peer.reply(status_reply());
    peer.after(milliseconds(200), [](Peer& p) { p.disconnect(); });
  });
  ASSERT_EQ(votequorum_trackstart(handle(), 0, 0), CS_OK);
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_BLOCKING), CS_ERR_LIBRARY);
}

TEST_F(Endings, FinalizeWithHungDaemonReturns) {
  serve([](Peer& peer, const Request& request) { peer.reply(info_reply(request.u32(16))); });
  ASSERT_EQ(session_.getinfo(), CS_OK);
  stand_in_->pause();
  const auto start = Clock::now();
  EXPECT_EQ(session_.finalize(), CS_OK);
  EXPECT_LT(Clock::now() - start, seconds(5));
}

// The connection may not be closed under a request: during a registration that would let a real
// daemon use freed memory.
TEST_F(Endings, FinalizeDuringARequestLetsItEndFirst) {
  Gate asked, closed;
  serve(
      [&](Peer& peer, const Request&) {
        asked.open();
        peer.after(seconds(1), [](Peer& p) { p.reply(status_reply(CS_ERR_EXIST)); });
      },
      {.on_close = [&] { closed.open(); }});
  asked.keep_only_waiting();
  closed.keep_only_waiting();
  const votequorum_handle_t handle = session_.handle();
  std::thread caller(
      [handle] { EXPECT_EQ(votequorum_qdevice_register(handle, "x"), CS_ERR_EXIST); });
  EXPECT_TRUE(asked.wait());
  EXPECT_EQ(session_.finalize(), CS_OK);
  EXPECT_EQ(votequorum_qdevice_register(handle, "x"), CS_ERR_BAD_HANDLE);
  caller.join();
  EXPECT_TRUE(closed.wait());
}

TEST_F(EndingsBeyondStock, NoDescriptorIsLostOverTheYears) {
  stand_in_.emplace([](Peer& peer, const Request& request) {
    if (request.u32(16) == 0) return peer.disconnect();
    peer.reply(request.u32(16) == 1 ? status_reply() : info_reply(2));
  });
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 30; ++i) {
    Session session;
    ASSERT_EQ(session.open(), CS_OK);
    EXPECT_EQ(session.getinfo(1), CS_ERR_MESSAGE_ERROR);
    EXPECT_EQ(session.getinfo(2), CS_OK);
    if (i % 3 == 0) {
      EXPECT_EQ(session.getinfo(0), CS_ERR_LIBRARY);
    }
  }
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace cs::test
