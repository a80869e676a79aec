// SPDX-License-Identifier: BSD-3-Clause
// Who owns a change of state when two threads ask for it at the same moment.
#include "sam/session.h"

#include <atomic>
#include <deque>
#include <thread>

#include <gtest/gtest.h>

namespace cs::sam {
namespace {

constexpr std::size_t kRaces = 20'000;

// A few nanoseconds for each.
void hesitate(std::size_t steps) {
  for (std::size_t i = 0; i < steps; ++i) std::atomic_signal_fence(std::memory_order_seq_cst);
}

// Runs both sides of every race at nearly the same moment, each a little later than the other once.
template <typename Side>
void race(const Side& side) {
  std::atomic<std::size_t> arrived = 0;
  const auto run = [&](std::size_t lateness) {
    for (std::size_t i = 0; i < kRaces; ++i) {
      arrived.fetch_add(1);
      for (int spins = 0; arrived.load() < 2 * (i + 1); ++spins) {
        if (spins > 1000) std::this_thread::yield();
      }
      hesitate(i / lateness % 32);
      side(i);
    }
  };
  std::thread other(run, 1);
  run(32);
  other.join();
}

// The one that comes second may see the change before its owner has signed it.
std::size_t wrong_results() {
  std::deque<Session> sessions(kRaces);
  std::deque<std::atomic<int>> successes(kRaces);
  race([&](std::size_t i) {
    const cs_error_t status = sessions[i].initialize(1000, SAM_RECOVERY_POLICY_RESTART);
    if (status == CS_OK) successes[i].fetch_add(1);
  });
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < kRaces; ++i) {
    if (successes[i].load() != 1) ++wrong;
    (void)sessions[i].finalize();
  }
  return wrong;
}

TEST(SamSession, OneOfTwoThreadsChangesTheState) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(wrong_results(), 0U);
}

}  // namespace
}  // namespace cs::sam
