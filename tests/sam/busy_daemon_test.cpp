// SPDX-License-Identifier: BSD-3-Clause
// Verdicts of a supervisor that has much else to do: health checks that it publishes to a slow cmap
// service, and a quorum service that has news all the time.
#include <corosync/sam.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "common/clock.h"
#include "support/child.h"
#include "support/corosync_daemon.h"
#include "support/sam_process.h"
#include "support/stand_in.h"

namespace cs::test {
namespace {

// Of the quorum service: the state, with no members named.
Message quorum_state(bool quorate) {
  return Message(3, 48).put32(24, quorate ? 1 : 0).put32(40, 0);
}

// 5 ms a call: fewer calls than the process makes health checks.
void answer_slowly(Peer& peer, const Request& request) {
  const Message reply(request.id(), 24);
  peer.after(milliseconds(5), [reply](Peer& to) { to.reply(reply); });
}

void answer_quorate(Peer& peer, const Request& request) {
  peer.event(quorum_state(true));
  peer.reply(Message(request.id(), 24));
}

// Loses quorum when told to, and tells when it was.
Script quorum_until(Gate& told) {
  return [&told](Peer& peer, const Request& request) {
    answer_quorate(peer, request);
    if (peer.requests() != 1) return;
    peer.after(milliseconds(1500), [&told](Peer& later) {
      later.event(quorum_state(false));
      told.open();
    });
  };
}

void send_news_for_ever(Peer& peer) {
  for (int i = 0; i < 20; ++i) peer.event(quorum_state(true));
  peer.after(milliseconds(1), send_news_for_ever);
}

Script quorum_with_news() {
  return [](Peer& peer, const Request& request) {
    answer_quorate(peer, request);
    if (peer.requests() == 1) send_news_for_ever(peer);
  };
}

void enter_and_start(int interval) {
  app::handle(SIGTERM, app::report_warning);
  app::enter(interval, SAM_RECOVERY_POLICY_QUORUM_QUIT | SAM_RECOVERY_POLICY_CMAP);
  app::expect_ok(sam_start());
  app::report("started");
}

class SamBusyDaemon : public testing::Test {
 protected:
  void SetUp() override {
    if (!in_private_network()) skip_or_fail("not in private namespaces");
  }
};

TEST_F(SamBusyDaemon, LossOfQuorumIsToldAtOnceThoughEveryHealthCheckIsPublished) {
  Gate told;
  const StandIn quorum(quorum_until(told), {.service = "quorum"});
  const StandIn cmap(answer_slowly, {.service = "cmap"});
  SamProcess application([] {
    enter_and_start(1000);
    app::stay_healthy(2);
  });
  application.wait_for("started");
  ASSERT_TRUE(told.wait());
  const std::int64_t lost = monotonic_now();
  const Report warning = application.wait_for("warned");
  // Nothing that the supervisor does in between takes longer than half an interval.
  EXPECT_LT(warning.time - lost, 2500 * kNanosecondsPerMillisecond);
  application.expect_exit_code(0);
  EXPECT_EQ(application.count("warned"), 1U);
}

TEST_F(SamBusyDaemon, HangIsFoundThoughThereIsNewsAllTheTime) {
  const StandIn quorum(quorum_with_news(), {.service = "quorum"});
  const StandIn cmap(answer_slowly, {.service = "cmap"});
  SamProcess application([] {
    enter_and_start(400);
    app::send_health_checks(2, 1000);
    app::report("silent");
    app::sleep_forever();
  });
  application.wait_for("silent");
  EXPECT_EQ(application.count("warned"), 0U) << application.story();
  application.wait_for("warned");
  application.expect_exit_code(0);
}

}  // namespace
}  // namespace cs::test
