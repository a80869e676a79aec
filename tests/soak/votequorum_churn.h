// SPDX-License-Identifier: BSD-3-Clause
// Clients of votequorum that come and go while the cluster's votes change.
#pragma once

#include <atomic>
#include <cstdint>
#include <stop_token>

namespace cs::soak {

struct VotequorumCounts {
  std::atomic<std::uint64_t> connections = 0;
  std::atomic<std::uint64_t> requests = 0;
  std::atomic<std::uint64_t> events = 0;
  std::atomic<std::uint64_t> wakes = 0;  // dispatches ended by a finalize elsewhere
  std::atomic<std::uint64_t> changes = 0;
};

// Connect, track, dispatch, finalize, until told to stop; now and then the finalize comes from
// another thread than the one that waits in dispatch. Whatever is not as it must be is reported as
// a failure of the test.
void churn_clients(std::stop_token stop, unsigned seed, VotequorumCounts& counts);

// Changes the node's votes and the expected votes, so that there are events.
void change_votes(std::stop_token stop, VotequorumCounts& counts);

}  // namespace cs::soak
