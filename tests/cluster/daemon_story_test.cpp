// SPDX-License-Identifier: BSD-3-Clause
// The audit of a client's notices against a daemon's log: it accepts the truth and nothing else.
#include "cluster/daemon_story.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace cs::test {
namespace {

constexpr const char* kLog =
    "Nov 22 10:00:00.000 notice  [MAIN  ] Corosync Cluster Engine 3.1.7 starting up\n"
    "Nov 22 10:00:00.100 notice  [QUORUM] Sync members[1]: 1\n"
    "Nov 22 10:00:00.100 notice  [TOTEM ] A new membership (1.5) was formed. Members joined: 1\n"
    "Nov 22 10:00:00.100 notice  [QUORUM] Members[1]: 1\n"
    "Nov 22 10:00:00.100 notice  [MAIN  ] Completed service synchronization, ready to provide "
    "service.\n"
    "Nov 22 10:00:01.000 notice  [QUORUM] Sync members[2]: 1 2\n"
    "Nov 22 10:00:01.000 notice  [TOTEM ] A new membership (1.9) was formed. Members joined: 2\n"
    "Nov 22 10:00:01.001 notice  [QUORUM] Sync members[3]: 1 2 3\n"
    "Nov 22 10:00:01.001 notice  [TOTEM ] A new membership (1.d) was formed. Members joined: 3\n"
    "Nov 22 10:00:01.002 notice  [QUORUM] This node is within the primary component and will "
    "provide service.\n"
    "Nov 22 10:00:01.002 notice  [QUORUM] Members[3]: 1 2 3\n"
    "Nov 22 10:00:01.002 notice  [MAIN  ] Completed service synchronization, ready to provide "
    "service.\n"
    "Nov 22 10:00:02.000 notice  [QUORUM] Sync members[2]: 1 3\n"
    "Nov 22 10:00:02.000 notice  [TOTEM ] A new membership (1.1a) was formed. Members left: 2\n"
    "Nov 22 10:00:02.000 notice  [MAIN  ] Completed service synchronization, ready to provide "
    "service.\n";

Notice with_members(Notice notice, std::initializer_list<unsigned> members) {
  for (const unsigned id : members) notice.members[notice.member_count++] = id;
  return notice;
}

Notice connected() { return {.kind = Notice::Kind::kConnected}; }

Notice lost() { return {.kind = Notice::Kind::kLost, .result = CS_ERR_LIBRARY}; }

Notice nodelist(std::uint64_t seq, std::initializer_list<unsigned> members) {
  return with_members({.kind = Notice::Kind::kNodelist, .ring_seq = seq, .ring_node = 1}, members);
}

Notice state(bool quorate, std::initializer_list<unsigned> members) {
  return with_members({.kind = Notice::Kind::kQuorum, .quorate = quorate ? 1U : 0U}, members);
}

class ClusterAudit : public testing::Test {
 protected:
  static testing::AssertionResult audit(const std::vector<Notice>& notices) {
    return told_everything(notices, memberships_in(kLog));
  }

  std::vector<Notice> truth_ = {connected(),
                                nodelist(0x5, {1}),
                                state(false, {1}),
                                nodelist(0xd, {3, 2, 1}),
                                state(true, {1, 2, 3}),
                                nodelist(0x1a, {1, 3}),
                                state(true, {3, 1})};
};

TEST_F(ClusterAudit, LogIsReadAsMembershipsWithTheirVerdicts) {
  const std::vector<Membership> expected = {
      {.ring_id = "1.5", .ring_seq = 0x5, .members = {1}, .completed = true, .quorate = false},
      {.ring_id = "1.9", .ring_seq = 0x9, .members = {1, 2}, .completed = false, .quorate = false},
      {.ring_id = "1.d", .ring_seq = 0xd, .members = {1, 2, 3}, .completed = true, .quorate = true},
      {.ring_id = "1.1a", .ring_seq = 0x1a, .members = {1, 3}, .completed = true, .quorate = true}};
  EXPECT_EQ(memberships_in(kLog), expected);
}

TEST_F(ClusterAudit, TruthIsAccepted) {
  EXPECT_TRUE(audit(truth_));
  truth_.insert(truth_.begin() + 3, {nodelist(0x9, {1, 2})});  // begun, and told, not completed
  EXPECT_TRUE(audit(truth_));
}

TEST_F(ClusterAudit, WhatADeadDaemonHadYetToTellIsNotAskedFor) {
  EXPECT_TRUE(audit({connected(), nodelist(0x5, {1}), lost(), connected(), nodelist(0x1a, {1, 3}),
                     state(true, {1, 3})}));
  EXPECT_TRUE(audit({connected(), nodelist(0x5, {1}), state(false, {1}), lost(), connected(),
                     nodelist(0x1a, {1, 3}), state(true, {1, 3})}));
}

TEST_F(ClusterAudit, MissedMembershipIsFound) {
  truth_.erase(truth_.begin() + 3, truth_.begin() + 5);
  EXPECT_FALSE(audit(truth_));
}

TEST_F(ClusterAudit, MissedLastMembershipIsFound) {
  truth_.resize(5);
  EXPECT_FALSE(audit(truth_));
}

TEST_F(ClusterAudit, MissedStateIsFound) {
  truth_.erase(truth_.begin() + 4);
  EXPECT_FALSE(audit(truth_));
}

TEST_F(ClusterAudit, RepeatedMembershipIsFound) {
  truth_.push_back(truth_[5]);
  truth_.push_back(truth_[6]);
  EXPECT_FALSE(audit(truth_));
}

TEST_F(ClusterAudit, WrongOrderIsFound) {
  std::swap(truth_[3], truth_[5]);
  EXPECT_FALSE(audit(truth_));
}

TEST_F(ClusterAudit, StateBeforeItsNodelistIsFound) {
  std::swap(truth_[1], truth_[2]);
  EXPECT_FALSE(audit(truth_));
}

TEST_F(ClusterAudit, WrongVerdictIsFound) {
  truth_[6].quorate = 0;
  EXPECT_FALSE(audit(truth_));
}

TEST_F(ClusterAudit, WrongMembersAreFound) {
  truth_[5].members[1] = 2;
  EXPECT_FALSE(audit(truth_));
}

TEST_F(ClusterAudit, ClientWithoutAConnectionIsFound) {
  truth_.push_back(lost());
  EXPECT_FALSE(audit(truth_));
}

TEST_F(ClusterAudit, LossThatIsToldAsSomethingElseIsFound) {
  Notice wrong = lost();
  wrong.result = CS_ERR_BAD_HANDLE;
  truth_.insert(truth_.begin(), {connected(), wrong});
  EXPECT_FALSE(audit(truth_));
}

}  // namespace
}  // namespace cs::test
