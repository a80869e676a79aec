// SPDX-License-Identifier: BSD-3-Clause
// A daemon that answers and notifies with arbitrary bytes: nothing of it reaches the caller unless
// it is a message of the protocol, and the next right answer is understood. The fuzz targets go
// deeper into the decoders; this goes through the whole library, libqb included.
#include <corosync/votequorum.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "support/noise.h"
#include "votequorum_standin/stand_in_test.h"

namespace cs::test {
namespace {

constexpr unsigned kRight = 1000;  // getinfo of this node id gets a right answer
constexpr int kRounds = 20'000;

Message right_event(Noise& noise) {
  switch (noise.below(4)) {
    case 0:
      return quorum_event(7, noise.below(2), Nodes(noise.below(5), {1, 1}));
    case 1:
      return expected_votes_event(7, 3);
    case 2:
      return nodelist_event(7, 1, 2, std::vector<std::uint32_t>(noise.below(5), 1));
    default:
      return extra_info_event(7, 1, "extra");
  }
}

Message right_reply(const Request& request) {
  switch (request.id()) {
    case kGetInfo:
      return info_reply(request.u32(16));
    case kGetExtraInfo:
      return extra_info_reply("extra");
    default:
      return status_reply();
  }
}

Script hostile(std::uint32_t seed) {
  return [noise = std::make_shared<Noise>(seed)](Peer& peer, const Request& request) {
    const bool wants_right = request.id() == kGetInfo && request.u32(16) == kRight;
    if (!wants_right && noise->happens(70)) {
      peer.event(noise->happens(20) ? right_event(*noise) : noise->spoilt(right_event(*noise)));
    }
    const Message right = right_reply(request);
    peer.reply(wants_right || noise->happens(10) ? right : noise->spoilt(right));
  };
}

// Everything that a callback is given, read: a sanitizer sees what lies outside.
class Reader {
 public:
  votequorum_model_v1_data_t callbacks() const {
    votequorum_model_v1_data_t table{};
    table.model = VOTEQUORUM_MODEL_V1;
    table.votequorum_quorum_notify_fn = on_quorum;
    table.votequorum_expectedvotes_notify_fn = on_expected_votes;
    table.votequorum_nodelist_notify_fn = on_nodelist;
    table.votequorum_qdevice_extra_info_fn = on_extra_info;
    return table;
  }

  static inline unsigned events = 0;

 private:
  static constexpr std::uint32_t kMostNodes = 386;
  static inline volatile std::uint64_t sink = 0;

  static void on_quorum(votequorum_handle_t, std::uint64_t, std::uint32_t, std::uint32_t count,
                        votequorum_node_t nodes[]) {
    ++events;
    ASSERT_LE(count, kMostNodes);
    for (std::uint32_t i = 0; i < count; ++i) sink = sink + nodes[i].nodeid + nodes[i].state;
  }
  static void on_expected_votes(votequorum_handle_t, std::uint64_t, std::uint32_t) { ++events; }
  static void on_nodelist(votequorum_handle_t, std::uint64_t, votequorum_ring_id_t,
                          std::uint32_t count, std::uint32_t nodes[]) {
    ++events;
    ASSERT_LE(count, kMostNodes);
    sink = std::accumulate(nodes, nodes + count, sink + 0);
  }
  static void on_extra_info(votequorum_handle_t, std::uint64_t, std::uint32_t, std::uint32_t size,
                            void* data) {
    ++events;
    const auto* const bytes = static_cast<const unsigned char*>(data);
    sink = std::accumulate(bytes, bytes + size, sink + 0);
  }
};

// A code that the header names; a mad daemon may well say one that does not fit.
bool is_a_status(cs_error_t status) { return status >= CS_OK && status <= CS_ERR_SECURITY; }

class Hostile : public StandInTest, public testing::WithParamInterface<std::uint32_t> {
 protected:
  void SetUp() override {
    StandInTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    stand_in_.emplace(hostile(GetParam()));
    auto table = Reader().callbacks();
    ASSERT_EQ(votequorum_model_initialize(&handle_, &table), CS_OK);
  }
  void TearDown() override {
    if (handle_ == 0) return;
    EXPECT_EQ(votequorum_finalize(handle_), CS_OK);
  }

  void ask_for_info() {
    Pattern<votequorum_info> info;
    const cs_error_t status = votequorum_getinfo(handle_, 1, info.get());
    ASSERT_TRUE(is_a_status(status)) << status;
    if (status == CS_OK) {
      ASSERT_NE(std::memchr(info.get()->qdevice_name, 0, sizeof(info.get()->qdevice_name)),
                nullptr);
      ++understood_;
    } else {
      ASSERT_TRUE(info.untouched());
    }
  }

  void ask_for_extra_info() {
    Pattern<std::array<std::byte, VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE + 64>> room;
    std::uint32_t size = 77;
    const cs_error_t status = votequorum_get_qdevice_extra_info(handle_, 1, &size, room.get());
    ASSERT_TRUE(is_a_status(status)) << status;
    if (status != CS_OK) {
      ASSERT_EQ(size, 77U);
      size = 0;
    }
    ASSERT_LE(size, unsigned{VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE});
    std::fill_n(room.get()->begin(), size, std::byte{0xa5});
    ASSERT_TRUE(room.untouched());
  }

  void ask(int kind) {
    const votequorum_ring_id_t ring{1, 2};
    const cs_error_t statuses[] = {
        kind == 0 ? votequorum_setexpected(handle_, 1) : CS_OK,
        kind == 1 ? votequorum_setvotes(handle_, 1, 1) : CS_OK,
        kind == 2 ? votequorum_trackstart(handle_, 1, CS_TRACK_CHANGES) : CS_OK,
        kind == 3 ? votequorum_trackstop(handle_) : CS_OK,
        kind == 4 ? votequorum_qdevice_register(handle_, "name") : CS_OK,
        kind == 5 ? votequorum_qdevice_poll(handle_, "name", 1, ring) : CS_OK};
    for (const cs_error_t status : statuses) ASSERT_TRUE(is_a_status(status)) << status;
    if (kind == 6) ask_for_extra_info();
    if (kind >= 7) ask_for_info();
  }

  void drain_events() {
    for (int most = 0; most < 100; ++most) {
      const cs_error_t status = votequorum_dispatch(handle_, CS_DISPATCH_ONE_NONBLOCKING);
      if (status == CS_ERR_TRY_AGAIN) return;
      ASSERT_TRUE(status == CS_OK || status == CS_ERR_MESSAGE_ERROR) << status;
      ++(status == CS_OK ? delivered_ : refused_);
    }
    FAIL() << "events without end";
  }

  void expect_right_answer() {
    votequorum_info info{};
    ASSERT_EQ(votequorum_getinfo(handle_, kRight, &info), CS_OK);
    ASSERT_EQ(info.node_id, kRight);
    ASSERT_STREQ(info.qdevice_name, "Qdevice");
  }

  votequorum_handle_t handle_ = 0;
  int understood_ = 0;
  int delivered_ = 0;
  int refused_ = 0;
};

TEST_P(Hostile, AnswersAndEventsDoNoHarm) {
  Reader::events = 0;
  for (int round = 0; round < kRounds && !HasFatalFailure(); ++round) {
    SCOPED_TRACE(round);
    ask(round % 9);
    drain_events();
    if (round % 16 == 0) expect_right_answer();
  }
  // Of each kind there was enough to tell.
  EXPECT_GT(understood_, 100);
  EXPECT_GT(delivered_, 100);
  EXPECT_GT(refused_, 100);
  EXPECT_EQ(Reader::events, static_cast<unsigned>(delivered_));
}

INSTANTIATE_TEST_SUITE_P(Seeds, Hostile, testing::Values(1, 2, 3, 4));

}  // namespace
}  // namespace cs::test
