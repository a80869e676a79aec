// SPDX-License-Identifier: BSD-3-Clause
// Every row of the table of dispatch modes, and what callbacks may do.
#include <corosync/votequorum.h>
#include <sys/time.h>

#include <atomic>
#include <csignal>

#include "votequorum_daemon/daemon_session.h"

namespace cs::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const char* const kNodelist = "nodelist context 7: 1";
const char* const kQuorum = "quorum context 7 quorate 1: 1/1";
const char* const kExpected = "expected context 7: 1";

class Dispatch : public SharedDaemonTest {
 protected:
  // Two events wait when it returns, and more can come.
  void track() { ASSERT_EQ(votequorum_trackstart(handle(), 7, CS_TRACK_CHANGES), CS_OK); }
  void track_without_events() {
    ASSERT_EQ(votequorum_trackstart(handle(), 7, CS_TRACK_CHANGES_ONLY), CS_OK);
  }
};

TEST_F(Dispatch, AllWithNothingWaitingReturnsAtOnce) {
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ALL), CS_OK);
  EXPECT_THAT(session_.take_events(), IsEmpty());
}

TEST_F(Dispatch, OneNonblockingWithNothingWaitingSaysSo) {
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE_NONBLOCKING), CS_ERR_TRY_AGAIN);
}

TEST_F(Dispatch, AllHandlesAllInOrder) {
  track();
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ALL), CS_OK);
  EXPECT_THAT(session_.take_events(), ElementsAre(kNodelist, kQuorum));
}

TEST_F(Dispatch, OneHandlesOne) {
  track();
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE), CS_OK);
  EXPECT_THAT(session_.take_events(), ElementsAre(kNodelist));
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE), CS_OK);
  EXPECT_THAT(session_.take_events(), ElementsAre(kQuorum));
}

TEST_F(Dispatch, OneNonblockingHandlesOne) {
  track();
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE_NONBLOCKING), CS_OK);
  EXPECT_THAT(session_.take_events(), ElementsAre(kNodelist));
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE_NONBLOCKING), CS_OK);
  EXPECT_THAT(session_.take_events(), ElementsAre(kQuorum));
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE_NONBLOCKING), CS_ERR_TRY_AGAIN);
}

TEST_F(Dispatch, OneWaitsForAnEvent) {
  track_without_events();
  const auto start = Clock::now();
  const EventLater event(milliseconds(300));
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE), CS_OK);
  EXPECT_GE(Clock::now() - start, milliseconds(300));
  EXPECT_THAT(session_.take_events(), ElementsAre(kExpected));
}

// Two that wait and one that comes later; the callback ends it, as nothing else does.
TEST_F(Dispatch, BlockingHandlesEventsUntilTheHandleIsFinalized) {
  track();
  session_.in_callback = [](Session& session) {
    if (session.event_count() == 3) {
      EXPECT_EQ(session.finalize(), CS_OK);
    }
  };
  const EventLater event;
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_BLOCKING), CS_ERR_BAD_HANDLE);
  EXPECT_THAT(session_.take_events(), ElementsAre(kNodelist, kQuorum, kExpected));
}

TEST_F(Dispatch, SignalsEndNoWait) {
  static std::atomic<int> signals = 0;
  struct sigaction action {};
  action.sa_handler = [](int) { ++signals; };
  ::sigaction(SIGALRM, &action, nullptr);  // without SA_RESTART
  track_without_events();
  const itimerval often{{0, 10000}, {0, 10000}};
  ::setitimer(ITIMER_REAL, &often, nullptr);
  {
    const EventLater event(milliseconds(500));
    EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE), CS_OK);
  }
  const itimerval never{};
  ::setitimer(ITIMER_REAL, &never, nullptr);
  EXPECT_THAT(session_.take_events(), ElementsAre(kExpected));
  EXPECT_GT(signals, 5);
}

TEST_F(Dispatch, FlagsOutsideTheTableAreRefusedBeforeTheHandle) {
  for (const int flag : {0, 5, 6, 100, -1}) {
    EXPECT_EQ(dispatch_raw(handle(), flag), CS_ERR_INVALID_PARAM) << flag;
    EXPECT_EQ(dispatch_raw(0x123456789, flag), CS_ERR_INVALID_PARAM) << flag;
  }
}

TEST_F(Dispatch, DescriptorIsReadableWhileEventsWait) {
  EXPECT_FALSE(session_.readable(0));
  track();
  EXPECT_TRUE(session_.readable(10000));
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE), CS_OK);
  EXPECT_TRUE(session_.readable(10000));
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE), CS_OK);
  EXPECT_FALSE(session_.readable(0));
}

// The daemon wakes the reader of the descriptor and the caller who waits for an answer separately.
TEST_F(Dispatch, EventsThatCameDuringRequestsAreNotLost) {
  track_without_events();
  for (int i = 0; i < 20; ++i) {
    provoke_event();
    for (int request = 0; request < 20; ++request) ASSERT_EQ(session_.getinfo(), CS_OK);
  }
  EXPECT_TRUE(eventually([this] {
    EXPECT_EQ(session_.dispatch(CS_DISPATCH_ALL), CS_OK);
    return session_.event_count() == 20;
  }));
}

TEST_F(Dispatch, EventsWithoutCallbackAreDroppedAndCount) {
  votequorum_callbacks_t only_quorum{};
  static int quorum_calls;
  quorum_calls = 0;
  only_quorum.votequorum_quorum_notify_fn = [](votequorum_handle_t, std::uint64_t, std::uint32_t,
                                               std::uint32_t,
                                               votequorum_node_t*) { ++quorum_calls; };
  votequorum_handle_t handle = 0;
  ASSERT_EQ(votequorum_initialize(&handle, &only_quorum), CS_OK);
  ASSERT_EQ(votequorum_trackstart(handle, 0, CS_TRACK_CURRENT), CS_OK);
  EXPECT_EQ(votequorum_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING), CS_OK);
  EXPECT_EQ(quorum_calls, 0);
  EXPECT_EQ(votequorum_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING), CS_OK);
  EXPECT_EQ(quorum_calls, 1);
  EXPECT_EQ(votequorum_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING), CS_ERR_TRY_AGAIN);
  EXPECT_EQ(votequorum_finalize(handle), CS_OK);
}

TEST_F(Dispatch, NoCallbacksAtAllIsAllowed) {
  votequorum_handle_t handle = 0;
  ASSERT_EQ(votequorum_initialize(&handle, nullptr), CS_OK);
  ASSERT_EQ(votequorum_trackstart(handle, 0, CS_TRACK_CURRENT), CS_OK);
  EXPECT_EQ(votequorum_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
  EXPECT_EQ(votequorum_dispatch(handle, CS_DISPATCH_ALL), CS_OK);
  EXPECT_EQ(votequorum_finalize(handle), CS_OK);
}

TEST_F(Dispatch, CallbackMayAskTheDaemon) {
  track();
  session_.in_callback = [](Session& session) {
    EXPECT_EQ(session.getinfo(), CS_OK);
    EXPECT_EQ(votequorum_trackstop(session.handle()),
              session.event_count() == 1 ? CS_OK : CS_ERR_NOT_EXIST);
  };
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ALL), CS_OK);
  EXPECT_THAT(session_.take_events(), SizeIs(2));
}

TEST_F(Dispatch, CallbackMayDispatch) {
  track();
  session_.in_callback = [](Session& session) {
    session.in_callback = {};
    EXPECT_EQ(session.dispatch(CS_DISPATCH_ONE), CS_OK);
    EXPECT_EQ(session.dispatch(CS_DISPATCH_ONE_NONBLOCKING), CS_ERR_TRY_AGAIN);
  };
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE), CS_OK);
  EXPECT_THAT(session_.take_events(), ElementsAre(kNodelist, kQuorum));
}

TEST_F(Dispatch, CallbackMayFinalize) {
  for (const auto flag :
       {CS_DISPATCH_ONE, CS_DISPATCH_ALL, CS_DISPATCH_BLOCKING, CS_DISPATCH_ONE_NONBLOCKING}) {
    Session session;
    ASSERT_EQ(session.open(), CS_OK);
    ASSERT_EQ(votequorum_trackstart(session.handle(), 7, CS_TRACK_CURRENT), CS_OK);
    session.in_callback = [](Session& s) { EXPECT_EQ(s.finalize(), CS_OK); };
    EXPECT_EQ(session.dispatch(flag), CS_ERR_BAD_HANDLE) << flag;
    EXPECT_THAT(session.take_events(), ElementsAre(kNodelist)) << flag;
  }
}

TEST_F(Dispatch, CallbackMayUseOtherHandles) {
  track();
  Session other;
  ASSERT_EQ(other.open(), CS_OK);
  session_.in_callback = [&other](Session& session) {
    session.in_callback = {};
    Session third;
    EXPECT_EQ(third.open(), CS_OK);
    EXPECT_EQ(third.getinfo(), CS_OK);
    EXPECT_EQ(other.finalize(), CS_OK);
  };
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ALL), CS_OK);
  EXPECT_THAT(session_.take_events(), SizeIs(2));
}

}  // namespace
}  // namespace cs::test
