// SPDX-License-Identifier: BSD-3-Clause
// libqb fails in the second step of connecting, in each way that its versions have.
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <qb/qbipcc.h>

#include "ipc/connection.h"
#include "votequorum_standin/stand_in_test.h"

namespace cs::test {
namespace {

int failure = 0;
int failing = -1;          // so many attempts; below 0: all
bool closes_zero = false;  // as libqb does with sockets

}  // namespace
}  // namespace cs::test

// In place of libqb's: an attempt that fails leaves nothing, whatever it returns.
extern "C" int qb_ipcc_connect_continue(qb_ipcc_connection_t* connection) {
  using Continue = int (*)(qb_ipcc_connection_t*);
  static const auto real = reinterpret_cast<Continue>(::dlsym(RTLD_NEXT, __func__));
  const int result = real(connection);
  if (result != 0 || cs::test::failure == 0 || cs::test::failing == 0) return result;
  if (cs::test::failing > 0) --cs::test::failing;
  qb_ipcc_disconnect(connection);
  if (cs::test::closes_zero) ::close(0);
  return cs::test::failure;
}

namespace cs::test {
namespace {

class FailedStep : public StandInTest {
 protected:
  static auto connect(int milliseconds = 20000) {
    return ipc::Connection::connect("votequorum", Deadline::in_milliseconds(milliseconds));
  }
  void TearDown() override {
    failure = 0;
    failing = -1;
    closes_zero = false;
  }
};

TEST_F(FailedStep, AnyResultButZeroIsAFailure) {
  stand_in_.emplace([](Peer& peer, const Request&) { peer.reply(status_reply()); });
  const std::size_t before = open_descriptors();
  failure = EACCES;  // libqb 2.0.10
  EXPECT_EQ(connect().status(), CS_ERR_LIBRARY);
  failure = -EACCES;
  EXPECT_EQ(connect().status(), CS_ERR_ACCESS);
  EXPECT_EQ(open_descriptors(), before);
  failure = 0;
  EXPECT_TRUE(connect());
}

TEST_F(FailedStep, DescriptorZeroStaysWhatItIs) {
  stand_in_.emplace([](Peer& peer, const Request&) { peer.reply(status_reply()); });
  Child child = Child::run([] {
    const int file = ::open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    if (::dup2(file, 0) != 0) return 1;
    const auto identity = FileIdentity(0);
    failure = -EACCES;
    closes_zero = true;
    if (connect().status() != CS_ERR_ACCESS) return 2;
    return identity.is_behind(0) ? 0 : 3;
  });
  EXPECT_TRUE(child.wait().exited_with(0));
}

TEST_F(FailedStep, IsRepeatedWhenItWasInterrupted) {
  stand_in_.emplace([](Peer& peer, const Request&) { peer.reply(status_reply()); });
  failure = -EINTR;
  failing = 3;
  EXPECT_TRUE(connect());
  EXPECT_EQ(failing, 0);
}

TEST_F(FailedStep, InterruptedToTheEndIsToBeTriedAgain) {
  stand_in_.emplace([](Peer& peer, const Request&) { peer.reply(status_reply()); });
  failure = -EINTR;
  EXPECT_EQ(connect(200).status(), CS_ERR_TRY_AGAIN);
}

}  // namespace
}  // namespace cs::test
