// SPDX-License-Identifier: BSD-3-Clause
// Fixture of the tests of the supervisor's clients: a service of the daemon that answers as a test
// says, in each of the daemon's transports.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <optional>
#include <string>
#include <utility>

#include "common/clock.h"
#include "support/corosync_daemon.h"
#include "support/stand_in.h"

namespace cs::sam {

class ServiceTest : public testing::TestWithParam<qb_ipc_type> {
 protected:
  explicit ServiceTest(std::string service) : service_(std::move(service)) {}

  void SetUp() override {
    if (!test::in_private_network()) test::skip_or_fail("not in private namespaces");
  }

  void serve(test::Script script) {
    stand_in_.emplace(std::move(script),
                      test::StandInOptions{.service = service_, .type = GetParam()});
  }
  // Long enough for a busy machine.
  [[nodiscard]] static Deadline soon() { return Deadline::in_milliseconds(20'000); }

  // As the supervisor waits; false when nothing came.
  template <typename Client>
  [[nodiscard]] static bool wait_for(const Client& client) {
    pollfd entries[] = {{client.fd(), POLLIN, 0}, {client.life_fd(), 0, 0}};
    return ::poll(entries, 2, 20'000) > 0;
  }

  std::optional<test::StandIn> stand_in_;

 private:
  const std::string service_;
};

inline std::string transport_name(const testing::TestParamInfo<qb_ipc_type>& info) {
  return info.param == QB_IPC_SHM ? "Shm" : "Socket";
}

}  // namespace cs::sam
