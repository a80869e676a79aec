// SPDX-License-Identifier: BSD-3-Clause
// The quorum device's five functions against one real node: each result, in the daemon's order.
#include <corosync/votequorum.h>

#include <sstream>

#include "votequorum_daemon/daemon_session.h"

namespace cs::test {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

class Qdevice : public OwnDaemonTest {
 protected:
  [[nodiscard]] votequorum_info info() const {
    votequorum_info info{};
    EXPECT_EQ(votequorum_getinfo(handle(), 0, &info), CS_OK);
    return info;
  }
  [[nodiscard]] bool has(unsigned flag) const { return (info().flags & flag) != 0; }

  // Learns the ring id that a poll must repeat.
  void read_ring_id() {
    ASSERT_EQ(votequorum_trackstart(handle(), 7, CS_TRACK_CURRENT), CS_OK);
    ASSERT_EQ(session_.dispatch(CS_DISPATCH_ALL), CS_OK);
    ASSERT_THAT(session_.take_events(), SizeIs(2));
  }
};

TEST_F(Qdevice, EverythingNeedsARegistration) {
  read_ring_id();
  EXPECT_EQ(votequorum_qdevice_unregister(handle(), "Q"), CS_ERR_NOT_EXIST);
  EXPECT_EQ(votequorum_qdevice_update(handle(), "Q", "R"), CS_ERR_NOT_EXIST);
  EXPECT_EQ(votequorum_qdevice_poll(handle(), "Q", 1, session_.ring_id), CS_ERR_NOT_EXIST);
  EXPECT_EQ(votequorum_qdevice_master_wins(handle(), "Q", 1), CS_ERR_NOT_EXIST);
}

TEST_F(Qdevice, LifeOfADevice) {
  ASSERT_EQ(votequorum_qdevice_register(handle(), "Q"), CS_OK);
  EXPECT_STREQ(info().qdevice_name, "Q");
  EXPECT_TRUE(has(VOTEQUORUM_INFO_QDEVICE_REGISTERED));
  EXPECT_FALSE(has(VOTEQUORUM_INFO_QDEVICE_ALIVE));

  read_ring_id();
  ASSERT_EQ(votequorum_qdevice_poll(handle(), "Q", 1, session_.ring_id), CS_OK);
  EXPECT_TRUE(has(VOTEQUORUM_INFO_QDEVICE_ALIVE));
  EXPECT_TRUE(has(VOTEQUORUM_INFO_QDEVICE_CAST_VOTE));
  ASSERT_EQ(votequorum_qdevice_poll(handle(), "Q", 0, session_.ring_id), CS_OK);
  EXPECT_TRUE(has(VOTEQUORUM_INFO_QDEVICE_ALIVE));
  EXPECT_FALSE(has(VOTEQUORUM_INFO_QDEVICE_CAST_VOTE));

  ASSERT_EQ(votequorum_qdevice_master_wins(handle(), "Q", 1), CS_OK);
  EXPECT_TRUE(has(VOTEQUORUM_INFO_QDEVICE_MASTER_WINS));
  ASSERT_EQ(votequorum_qdevice_master_wins(handle(), "Q", 0), CS_OK);
  EXPECT_FALSE(has(VOTEQUORUM_INFO_QDEVICE_MASTER_WINS));

  ASSERT_EQ(votequorum_qdevice_update(handle(), "Q", "R"), CS_OK);
  EXPECT_TRUE(eventually([this] { return std::string(info().qdevice_name) == "R"; }));
  ASSERT_EQ(votequorum_qdevice_unregister(handle(), "R"), CS_OK);
  EXPECT_TRUE(eventually([this] { return !has(VOTEQUORUM_INFO_QDEVICE_REGISTERED); }));
}

TEST_F(Qdevice, OtherNamesAreRefused) {
  ASSERT_EQ(votequorum_qdevice_register(handle(), "Q"), CS_OK);
  EXPECT_EQ(votequorum_qdevice_register(handle(), "Q"), CS_OK);
  EXPECT_EQ(votequorum_qdevice_register(handle(), "R"), CS_ERR_EXIST);
  EXPECT_EQ(votequorum_qdevice_unregister(handle(), "R"), CS_ERR_INVALID_PARAM);
  EXPECT_EQ(votequorum_qdevice_update(handle(), "R", "S"), CS_ERR_INVALID_PARAM);
  EXPECT_EQ(votequorum_qdevice_master_wins(handle(), "R", 1), CS_ERR_INVALID_PARAM);
  read_ring_id();
  EXPECT_EQ(votequorum_qdevice_poll(handle(), "R", 1, session_.ring_id), CS_ERR_INVALID_PARAM);
}

TEST_F(Qdevice, PollOfAnotherMembershipIsRefusedWhateverTheName) {
  ASSERT_EQ(votequorum_qdevice_register(handle(), "Q"), CS_OK);
  read_ring_id();
  for (const char* name : {"Q", "R"}) {
    votequorum_ring_id_t other = session_.ring_id;
    ++other.seq;
    EXPECT_EQ(votequorum_qdevice_poll(handle(), name, 1, other), CS_ERR_MESSAGE_ERROR);
    other = session_.ring_id;
    ++other.nodeid;
    EXPECT_EQ(votequorum_qdevice_poll(handle(), name, 1, other), CS_ERR_MESSAGE_ERROR);
  }
}

TEST_F(Qdevice, LongestNameGoesThere) {
  const std::string longest(254, 'x');
  ASSERT_EQ(votequorum_qdevice_register(handle(), longest.c_str()), CS_OK);
  EXPECT_EQ(info().qdevice_name, longest);
  ASSERT_EQ(votequorum_qdevice_update(handle(), longest.c_str(), "Q"), CS_OK);
  EXPECT_TRUE(eventually([this] { return std::string(info().qdevice_name) == "Q"; }));
  EXPECT_EQ(votequorum_qdevice_update(handle(), "Q", std::string(254, 'y').c_str()), CS_OK);
}

TEST_F(Qdevice, RegistrationOutlivesTheHandle) {
  ASSERT_EQ(votequorum_qdevice_register(handle(), "Q"), CS_OK);
  ASSERT_EQ(session_.finalize(), CS_OK);
  ASSERT_EQ(session_.open(), CS_OK);
  EXPECT_STREQ(info().qdevice_name, "Q");
  EXPECT_EQ(votequorum_qdevice_unregister(handle(), "Q"), CS_OK);
}

// One more entry, for the device, in what trackers are told.
TEST_F(Qdevice, TrackersSeeTheDevice) {
  ASSERT_EQ(votequorum_qdevice_register(handle(), "Q"), CS_OK);
  ASSERT_EQ(votequorum_trackstart(handle(), 7, CS_TRACK_CURRENT), CS_OK);
  ASSERT_EQ(session_.dispatch(CS_DISPATCH_ALL), CS_OK);
  EXPECT_THAT(session_.take_events(),
              ElementsAre("nodelist context 7: 1", "quorum context 7 quorate 1: 1/1 0/0"));
}

// A device asked for at run time where the configuration forbids one: the daemon stays, and
// refuses.
class QdeviceForbidden : public Qdevice {
 protected:
  [[nodiscard]] DaemonOptions options() const override {
    return {.quorum_lines = "  last_man_standing: 1"};
  }
  void SetUp() override {
    Qdevice::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const Outcome set =
        daemon().run_tool({"corosync-cmapctl", "-s", "quorum.device.model", "str", "net"});
    ASSERT_TRUE(set.exited_with(0)) << set;
    ASSERT_TRUE(eventually([this] {
      return daemon()
                 .run_tool({"corosync-cmapctl", "-g", "runtime.votequorum.qdevice_can_operate"})
                 .output.find("= 0") != std::string::npos;
    }));
  }
};

TEST_F(QdeviceForbidden, EachCallSaysSo) {
  read_ring_id();
  EXPECT_EQ(votequorum_qdevice_register(handle(), "Q"), CS_ERR_ACCESS);
  EXPECT_EQ(votequorum_qdevice_poll(handle(), "Q", 1, session_.ring_id), CS_ERR_ACCESS);
  EXPECT_EQ(votequorum_qdevice_master_wins(handle(), "Q", 1), CS_ERR_ACCESS);
  EXPECT_EQ(votequorum_qdevice_unregister(handle(), "Q"), CS_ERR_NOT_EXIST);
  EXPECT_EQ(votequorum_qdevice_update(handle(), "Q", "R"), CS_ERR_NOT_EXIST);
}

}  // namespace
}  // namespace cs::test
