// SPDX-License-Identifier: BSD-3-Clause
// SAM while the quorum and cmap services answer and notify with arbitrary bytes: applications get
// documented errors or run, and each comes to its end; supervisors neither crash nor hang.
#include <corosync/sam.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <memory>

#include "support/child.h"
#include "support/corosync_daemon.h"
#include "support/noise.h"
#include "support/stand_in.h"

namespace cs::test {
namespace {

constexpr int kLives = 120;
constexpr milliseconds kPatience{30'000};

// Of the quorum service: the state, with no members named.
Message quorum_state(bool quorate) {
  return Message(3, 48).put32(24, quorate ? 1 : 0).put32(40, 0);
}

// Right answers, but some; and events all the time, right and wrong ones.
Script hostile_quorum(std::uint32_t seed) {
  return [noise = std::make_shared<Noise>(seed)](Peer& peer, const Request& request) {
    peer.event(quorum_state(true));
    const Message right = Message(request.id(), 24);
    peer.reply(noise->happens(80) ? right : noise->spoilt(right));
    const auto notify = [noise](auto self, Peer& to) -> void {
      const Message event = quorum_state(noise->happens(90));
      to.event(noise->happens(40) ? event : noise->spoilt(event));
      to.after(milliseconds(2), [self](Peer& again) { self(self, again); });
    };
    if (peer.requests() == 1) notify(notify, peer);
  };
}

// Its iterations never come to an end of their own; nor by a wrong answer, in every third life.
Message right_cmap_reply(const Request& request) {
  constexpr std::int32_t kIterInit = 4;
  constexpr std::int32_t kIterNext = 5;
  if (request.id() == kIterInit) return Message(kIterInit, 32);
  if (request.id() == kIterNext) return Message(kIterNext, 304);
  return Message(request.id(), 24);
}

Script hostile_cmap(std::uint32_t seed) {
  const std::uint32_t wrong = seed % 3 == 0 ? 0 : 5;  // percent
  return [noise = std::make_shared<Noise>(seed), wrong](Peer& peer, const Request& request) {
    if (noise->happens(20)) peer.event(noise->bytes());
    const Message right = right_cmap_reply(request);
    peer.reply(noise->happens(wrong) ? noise->spoilt(right) : right);
  };
}

// A mad daemon may say any code of the protocol.
bool is_a_status(cs_error_t status) { return status >= CS_OK && status <= CS_ERR_SECURITY; }

// What an application does, from its registration on. Ends the process.
[[noreturn]] void work() {
  if (!is_a_status(sam_start())) ::_exit(3);
  for (int i = 0; i < 10; ++i) {
    (void)sam_hc_send();
    ::poll(nullptr, 0, 3);
  }
  if (!is_a_status(sam_stop())) ::_exit(4);
  ::_exit(0);
}

// 10: not initialized, 11: not registered. A supervisor ends with its last instance's status.
int live() {
  const cs_error_t initialized =
      sam_initialize(200, static_cast<sam_recovery_policy_t>(SAM_RECOVERY_POLICY_QUORUM_RESTART |
                                                             SAM_RECOVERY_POLICY_CMAP));
  if (initialized != CS_OK) return is_a_status(initialized) ? 10 : 1;
  unsigned instance = 0;
  const cs_error_t registered = sam_register(&instance);
  if (registered != CS_OK) return is_a_status(registered) ? 11 : 2;
  if (instance > 5) ::_exit(0);  // enough of it: never started, so the supervisor ends as well
  work();
}

// A pipe whose writing end is inherited by a whole family: at its end none of them lives.
class Family {
 public:
  Family() { EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0); }
  ~Family() { ::close(ends_[0]); }
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;

  void leave() { ::close(ends_[1]); }
  [[nodiscard]] bool has_died_out() const {
    pollfd end{.fd = ends_[0], .events = 0, .revents = 0};
    return ::poll(&end, 1, static_cast<int>(kPatience.count())) == 1;
  }

 private:
  int ends_[2] = {-1, -1};
};

TEST(SamHostile, ApplicationsComeToTheirEnds) {
  if (!in_private_network()) return skip_or_fail("not in private namespaces");
  int worked = 0;
  int refused = 0;
  for (std::uint32_t life = 0; life < kLives; ++life) {
    SCOPED_TRACE(life);
    const StandIn quorum(hostile_quorum(life), {.service = "quorum"});
    const StandIn cmap(hostile_cmap(life), {.service = "cmap"});
    Family family;
    Child child = Child::run(live);
    family.leave();
    const Outcome outcome = child.wait(kPatience);
    ASSERT_EQ(outcome.signal, 0) << outcome;
    ASSERT_FALSE(outcome.timed_out);
    ASSERT_TRUE(outcome.exited_with(0) || outcome.exited_with(10) || outcome.exited_with(11))
        << outcome;
    ASSERT_TRUE(family.has_died_out());
    ++(outcome.exited_with(0) ? worked : refused);
  }
  // Of either kind there was enough to tell.
  EXPECT_GT(worked, kLives / 6);
  EXPECT_GT(refused, kLives / 20);
}

}  // namespace
}  // namespace cs::test
