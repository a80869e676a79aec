// SPDX-License-Identifier: BSD-3-Clause
// The table of clients: a handle is found until it is removed, and its connection lives until the
// last use of it has ended.
#include "votequorum/clients.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "ipc/in_flight.h"
#include "votequorum_standin/stand_in_test.h"

namespace cs::test {
namespace {

using votequorum::Clients;
using votequorum::ClientUse;

class OpenClients : public StandInTest {
 protected:
  void SetUp() override {
    StandInTest::SetUp();
    if (IsSkipped() || HasFailure()) return;
    stand_in_.emplace([](Peer& peer, const Request&) { peer.reply(status_reply()); });
  }

  votequorum_handle_t open() {
    auto handle = clients_.open({});
    EXPECT_TRUE(handle) << handle.status();
    return handle ? *handle : 0;
  }

  Clients clients_;
};

TEST_F(OpenClients, WithoutADaemonThereIsNoHandle) {
  stand_in_.reset();
  const std::size_t before = open_descriptors();
  EXPECT_EQ(clients_.open({}).status(), CS_ERR_LIBRARY);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(OpenClients, AreFoundByTheirHandles) {
  const votequorum_handle_t first = open();
  const votequorum_handle_t second = open();
  EXPECT_NE(first, second);
  int context = 0;
  clients_.find(first)->set_context(&context);
  EXPECT_EQ(clients_.find(first)->context(), &context);
  EXPECT_EQ(clients_.find(second)->context(), nullptr);
  EXPECT_EQ(clients_.find(second)->set_expected(3), CS_OK);
  EXPECT_FALSE(clients_.find(0));
  EXPECT_FALSE(clients_.find(first ^ (std::uint64_t{1} << 40)));
  EXPECT_TRUE(clients_.remove(first));
  EXPECT_TRUE(clients_.remove(second));
}

TEST_F(OpenClients, AreRemovedOnce) {
  const votequorum_handle_t handle = open();
  EXPECT_TRUE(clients_.remove(handle));
  EXPECT_FALSE(clients_.remove(handle));
  EXPECT_FALSE(clients_.find(handle));
}

TEST_F(OpenClients, LeaveNoDescriptor) {
  EXPECT_TRUE(clients_.remove(open()));  // whatever the first one makes for all
  const std::size_t before = open_descriptors();
  const votequorum_handle_t handle = open();
  EXPECT_GT(open_descriptors(), before);
  EXPECT_TRUE(clients_.remove(handle));
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(OpenClients, ConnectionLivesAsLongAsAUse) {
  EXPECT_TRUE(clients_.remove(open()));
  const std::size_t before = open_descriptors();
  const votequorum_handle_t handle = open();
  std::atomic<bool> uses = false;
  std::atomic<bool> removed = false;
  std::thread user([&] {
    const ClientUse use = clients_.find(handle);
    ASSERT_TRUE(use);
    uses = true;
    while (!removed) std::this_thread::yield();
    EXPECT_EQ(use->set_expected(3), CS_OK);
  });
  while (!uses) std::this_thread::yield();
  EXPECT_TRUE(clients_.remove(handle));
  EXPECT_FALSE(clients_.find(handle));
  EXPECT_GT(open_descriptors(), before);
  removed = true;
  user.join();
  EXPECT_EQ(open_descriptors(), before);
}

// As when a signal handler calls the library while a call waits.
TEST_F(OpenClients, UseThatAnotherCallHasGivenBackIsNotGivenBackAgain) {
  const votequorum_handle_t handle = open();
  {
    const ipc::Section waiting(ipc::Section::Place::kEntry);
    const ClientUse use = clients_.find(handle);
    ASSERT_TRUE(use);
    ipc::Opening opening;
    { const ipc::Section handler(ipc::Section::Place::kEntry); }
    EXPECT_FALSE(opening.close());
  }
  ASSERT_TRUE(clients_.find(handle));
  EXPECT_EQ(clients_.find(handle)->set_expected(3), CS_OK);
  EXPECT_TRUE(clients_.remove(handle));
}

}  // namespace
}  // namespace cs::test
