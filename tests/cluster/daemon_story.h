// SPDX-License-Identifier: BSD-3-Clause
// What a daemon's own log says of the memberships it has been in, and whether a tracking client was
// told of all of them. The log is the one witness that is neither our library nor our test.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "cluster/tracking_client.h"

namespace cs::test {

// One membership. It need not have come to an end that clients are told of: another may have taken
// its place before the nodes had synchronized.
struct Membership {
  std::string ring_id;
  std::uint64_t ring_seq = 0;
  std::vector<unsigned> members;  // ascending
  bool completed = false;
  bool quorate = false;  // the daemon's verdict once completed

  bool operator==(const Membership&) const = default;
};

// All of them, oldest first, of all the daemons that have written to this log.
[[nodiscard]] std::vector<Membership> memberships_in(const std::string& log);

// Was the client told everything, in order? On every connection: ring sequences grow; each nodelist
// is a membership of the log; the quorum state follows its nodelist and says what the daemon said;
// no completed membership is left out between the first and the last that were told, nor after the
// last if the connection stands. Nothing is asked of what follows when the daemon has died.
[[nodiscard]] testing::AssertionResult told_everything(const std::vector<Notice>& notices,
                                                       const std::vector<Membership>& memberships);

}  // namespace cs::test
