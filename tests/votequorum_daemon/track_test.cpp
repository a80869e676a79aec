// SPDX-License-Identifier: BSD-3-Clause
// Tracking: what each combination of flags brings, and whose context it carries.
#include <corosync/votequorum.h>

#include "votequorum_daemon/daemon_session.h"

namespace cs::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class Track : public SharedDaemonTest {
 protected:
  // What waits now.
  std::vector<std::string> waiting() {
    EXPECT_EQ(session_.dispatch(CS_DISPATCH_ALL), CS_OK);
    return session_.take_events();
  }
  // What a change brings, or nothing.
  std::vector<std::string> after_a_change(bool expected) {
    provoke_event();
    if (expected) {
      EXPECT_TRUE(session_.readable(10000));
    }
    return waiting();
  }
};

// Flags 1 to 7 of the protocol's table: immediate events, registered for changes.
struct Row {
  unsigned flags;
  bool immediate;
  bool registers;
};

// GoogleTest would print the bytes, those between the members too, which nobody has set.
void PrintTo(const Row& row, std::ostream* out) { *out << "flags " << row.flags; }

class TrackFlags : public Track, public testing::WithParamInterface<Row> {};

INSTANTIATE_TEST_SUITE_P(Table, TrackFlags,
                         testing::Values(Row{0, false, false}, Row{1, true, false},
                                         Row{2, true, true}, Row{3, true, true},
                                         Row{4, false, true}, Row{5, true, true},
                                         Row{6, true, true}, Row{7, true, true},
                                         Row{8, false, false}, Row{0xfffffff9, true, false}),
                         [](const auto& row) { return "Flags" + std::to_string(row.param.flags); });

TEST_P(TrackFlags, BringWhatTheTableSays) {
  const Row& row = GetParam();
  ASSERT_EQ(votequorum_trackstart(handle(), 5, row.flags), CS_OK);
  if (row.immediate) {
    EXPECT_THAT(waiting(), ElementsAre("nodelist context 5: 1", "quorum context 5 quorate 1: 1/1"));
  } else {
    EXPECT_THAT(waiting(), IsEmpty());
  }
  if (row.registers) {
    EXPECT_THAT(after_a_change(true), ElementsAre("expected context 5: 1"));
  } else {
    EXPECT_THAT(after_a_change(false), IsEmpty());
  }
  EXPECT_EQ(votequorum_trackstop(handle()), row.registers ? CS_OK : CS_ERR_NOT_EXIST);
  EXPECT_THAT(after_a_change(false), IsEmpty());
}

TEST_F(Track, CurrentMayBeRepeated) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(votequorum_trackstart(handle(), 5, CS_TRACK_CURRENT), CS_OK);
    EXPECT_THAT(waiting(), SizeIs(2));
  }
}

TEST_F(Track, SecondStartIsRefusedAndItsEventsComeAllTheSame) {
  ASSERT_EQ(votequorum_trackstart(handle(), 5, CS_TRACK_CHANGES_ONLY), CS_OK);
  EXPECT_EQ(votequorum_trackstart(handle(), 6, CS_TRACK_CHANGES), CS_ERR_EXIST);
  EXPECT_THAT(waiting(), ElementsAre("nodelist context 6: 1", "quorum context 6 quorate 1: 1/1"));
  EXPECT_EQ(votequorum_trackstart(handle(), 7, CS_TRACK_CURRENT), CS_ERR_EXIST);
  EXPECT_THAT(waiting(), ElementsAre("nodelist context 7: 1", "quorum context 7 quorate 1: 1/1"));
  EXPECT_EQ(votequorum_trackstart(handle(), 8, CS_TRACK_CHANGES_ONLY), CS_ERR_EXIST);
  EXPECT_THAT(waiting(), IsEmpty());
  EXPECT_THAT(after_a_change(true), ElementsAre("expected context 5: 1"));
}

TEST_F(Track, ContextIsReturnedUnchanged) {
  const std::uint64_t context = 0xfedcba9876543210;
  ASSERT_EQ(votequorum_trackstart(handle(), context, CS_TRACK_CURRENT), CS_OK);
  EXPECT_THAT(waiting(), ElementsAre("nodelist context 18364758544493064720: 1",
                                     "quorum context 18364758544493064720 quorate 1: 1/1"));
}

TEST_F(Track, StopWithoutStart) {
  EXPECT_EQ(votequorum_trackstop(handle()), CS_ERR_NOT_EXIST);
  ASSERT_EQ(votequorum_trackstart(handle(), 5, CS_TRACK_CHANGES_ONLY), CS_OK);
  EXPECT_EQ(votequorum_trackstop(handle()), CS_OK);
  EXPECT_EQ(votequorum_trackstop(handle()), CS_ERR_NOT_EXIST);
}

TEST_F(Track, StopLeavesWhatHasArrived) {
  ASSERT_EQ(votequorum_trackstart(handle(), 5, CS_TRACK_CHANGES), CS_OK);
  ASSERT_EQ(votequorum_trackstop(handle()), CS_OK);
  EXPECT_THAT(waiting(), SizeIs(2));
}

TEST_F(Track, RingIdNamesTheMembership) {
  ASSERT_EQ(votequorum_trackstart(handle(), 5, CS_TRACK_CURRENT), CS_OK);
  EXPECT_THAT(waiting(), SizeIs(2));
  EXPECT_EQ(session_.ring_id.nodeid, 1U);
  EXPECT_GT(session_.ring_id.seq, 0U);
}

}  // namespace
}  // namespace cs::test
