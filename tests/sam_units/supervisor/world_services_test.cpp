// SPDX-License-Identifier: BSD-3-Clause
// The world on Linux and the daemon: the death of a service ends a wait, in each of its transports.
#include "sam/supervisor/linux_world.h"
#include "sam_units/supervisor/service_stand_in.h"

namespace cs::sam {
namespace {

using test::Message;
using test::Peer;
using test::Request;

class SamWorldService : public ServiceTest {
 protected:
  explicit SamWorldService(const std::string& name) : ServiceTest(name) {}

  void lose(Service service) {
    serve([](Peer& peer, const Request& request) { peer.reply(Message(request.id(), 24)); });
    ASSERT_TRUE(world_.open());
    ASSERT_EQ(world_.connect(service, soon()), CS_OK);
    stand_in_->kill_hard();
  }

  QuorumClient quorum_;
  Store store_;
  OperatorSettings asked_;
  LinuxWorld world_{quorum_, store_, asked_};
};

struct SamWorldCmap : SamWorldService {
  SamWorldCmap() : SamWorldService("cmap") {}
};
struct SamWorldQuorum : SamWorldService {
  SamWorldQuorum() : SamWorldService("quorum") {}
};
INSTANTIATE_TEST_SUITE_P(Modes, SamWorldCmap, testing::Values(QB_IPC_SHM, QB_IPC_SOCKET),
                         transport_name);
INSTANTIATE_TEST_SUITE_P(Modes, SamWorldQuorum, testing::Values(QB_IPC_SHM, QB_IPC_SOCKET),
                         transport_name);

TEST_P(SamWorldCmap, ItsDeathIsNews) {
  lose(Service::kCmap);
  EXPECT_TRUE(world_.wait({}, soon()).cmap);
  world_.check_cmap();
  EXPECT_FALSE(world_.is_connected(Service::kCmap));
}

TEST_P(SamWorldQuorum, ItsDeathEndsTheWait) {
  lose(Service::kQuorum);
  const Deadline deadline = soon();
  EXPECT_TRUE(world_.wait({}, deadline).is_able);
  EXPECT_FALSE(deadline.has_passed(world_.now()));
  EXPECT_EQ(world_.next_verdict(), false);
}

}  // namespace
}  // namespace cs::sam
