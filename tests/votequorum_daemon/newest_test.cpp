// SPDX-License-Identifier: BSD-3-Clause
// The three newest functions against a daemon that knows nothing of extra info: told so at once,
// nothing written, nobody harmed.
#include <corosync/votequorum.h>

#include <cstring>

#include "votequorum_daemon/daemon_session.h"

namespace cs::test {
namespace {

class Newest : public SharedDaemonTest {
 protected:
  void expect_unharmed() {
    EXPECT_EQ(session_.getinfo(), CS_OK);
    Session another;
    EXPECT_EQ(another.open(), CS_OK);
    EXPECT_TRUE(daemon().running());
  }
};

TEST_F(Newest, GetExtraInfoIsTooNew) {
  std::string data(VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE, '.');
  std::uint32_t size = 77;
  for (const unsigned node_id : {0U, 1U, 2U}) {
    EXPECT_EQ(votequorum_get_qdevice_extra_info(handle(), node_id, &size, data.data()),
              CS_ERR_INVALID_PARAM);
  }
  EXPECT_EQ(size, 77U);
  EXPECT_EQ(data, std::string(data.size(), '.'));
  expect_unharmed();
}

TEST_F(Newest, SetExtraInfoIsTooNew) {
  const std::string data(VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE, 'x');
  EXPECT_EQ(votequorum_set_qdevice_extra_info(handle(), VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE,
                                              data.data()),
            CS_ERR_INVALID_PARAM);
  EXPECT_EQ(votequorum_set_qdevice_extra_info(handle(), 0, nullptr), CS_ERR_INVALID_PARAM);
  expect_unharmed();
}

TEST_F(Newest, BadParametersAreRefused) {
  char byte = 0;
  std::uint32_t size = 1;
  EXPECT_EQ(votequorum_get_qdevice_extra_info(handle(), 1, &size, nullptr), CS_ERR_INVALID_PARAM);
  EXPECT_EQ(votequorum_get_qdevice_extra_info(handle(), 1, nullptr, &byte), CS_ERR_INVALID_PARAM);
  EXPECT_EQ(votequorum_set_qdevice_extra_info(handle(),
                                              VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE + 1, &byte),
            CS_ERR_INVALID_PARAM);
}

// Parameters first, but for set, where it is the handle.
TEST_F(Newest, OrderOfChecks) {
  constexpr votequorum_handle_t kUnknown = 0x0123456789abcdef;
  char byte = 0;
  std::uint32_t size = 1;
  EXPECT_EQ(votequorum_get_qdevice_extra_info(kUnknown, 1, &size, nullptr), CS_ERR_INVALID_PARAM);
  EXPECT_EQ(votequorum_get_qdevice_extra_info(kUnknown, 1, nullptr, &byte), CS_ERR_INVALID_PARAM);
  EXPECT_EQ(votequorum_get_qdevice_extra_info(kUnknown, 1, &size, &byte), CS_ERR_BAD_HANDLE);
  EXPECT_EQ(votequorum_set_qdevice_extra_info(kUnknown, 1, nullptr), CS_ERR_BAD_HANDLE);
  EXPECT_EQ(votequorum_set_qdevice_extra_info(kUnknown, 1, &byte), CS_ERR_BAD_HANDLE);
  EXPECT_EQ(votequorum_set_qdevice_extra_info(kUnknown, UINT32_MAX, &byte), CS_ERR_BAD_HANDLE);
  EXPECT_EQ(size, 1U);
}

TEST_F(Newest, ModelInitializeWorksWithTheOldDaemon) {
  static int calls;
  calls = 0;
  votequorum_model_v1_data_t model{};
  model.model = VOTEQUORUM_MODEL_V1;
  model.votequorum_nodelist_notify_fn = [](votequorum_handle_t, std::uint64_t, votequorum_ring_id_t,
                                           std::uint32_t, std::uint32_t*) { ++calls; };
  votequorum_handle_t handle = 0;
  ASSERT_EQ(votequorum_model_initialize(&handle, &model), CS_OK);
  ASSERT_EQ(votequorum_trackstart(handle, 0, CS_TRACK_CURRENT), CS_OK);
  EXPECT_EQ(votequorum_dispatch(handle, CS_DISPATCH_ALL), CS_OK);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(votequorum_finalize(handle), CS_OK);
  ASSERT_EQ(votequorum_model_initialize(&handle, nullptr), CS_OK);
  EXPECT_EQ(votequorum_finalize(handle), CS_OK);
}

}  // namespace
}  // namespace cs::test
