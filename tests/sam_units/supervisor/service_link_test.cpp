// SPDX-License-Identifier: BSD-3-Clause
// How long an attempt at a service may take, and when the next one is due.
#include "sam/supervisor/service_link.h"

#include <gtest/gtest.h>

#include "sam_units/supervisor/scripted_world.h"

namespace cs::sam {
namespace {

constexpr Nanoseconds kMs = kNanosecondsPerMillisecond;
constexpr Nanoseconds kBound = 500 * kMs;

class SamServiceLink : public testing::Test {
 protected:
  bool attempt(cs_error_t status) {
    return link_.attempt([&](Deadline deadline) {
      limit_ = deadline.when() - world_.time;
      return status;
    });
  }

  ScriptedWorld world_;
  ServiceLink link_{world_, Service::kQuorum, kBound};
  Nanoseconds limit_ = 0;
};

TEST_F(SamServiceLink, FirstAttemptIsDueAtOnceAndMayTakeTheBound) {
  EXPECT_TRUE(link_.due().has_passed(world_.time));
  EXPECT_TRUE(attempt(CS_OK));
  EXPECT_EQ(limit_, kBound);
  EXPECT_TRUE(link_.due().has_passed(world_.time));
}

TEST_F(SamServiceLink, AfterAFailureTheNextAttemptWaitsAndIsShort) {
  EXPECT_FALSE(attempt(CS_ERR_TRY_AGAIN));
  EXPECT_EQ(link_.due(), Deadline::at(world_.time + 10 * kMs));
  world_.time += 10 * kMs;
  EXPECT_FALSE(attempt(CS_ERR_TRY_AGAIN));
  EXPECT_EQ(limit_, 10 * kMs);
  EXPECT_EQ(link_.due(), Deadline::at(world_.time + 20 * kMs));
}

TEST_F(SamServiceLink, SuccessEndsThePauses) {
  EXPECT_FALSE(attempt(CS_ERR_TRY_AGAIN));
  EXPECT_TRUE(attempt(CS_OK));
  EXPECT_TRUE(attempt(CS_OK));
  EXPECT_EQ(limit_, kBound);
}

TEST_F(SamServiceLink, AfterALossTheNextAttemptWaits) {
  link_.lost(world_.time);
  EXPECT_EQ(link_.due(), Deadline::at(world_.time + 10 * kMs));
}

// The pause counts from the end of the attempt, however long that took.
TEST_F(SamServiceLink, PauseBeginsWhenTheAttemptEnds) {
  (void)link_.attempt([&](Deadline) {
    world_.time += kBound;
    return CS_ERR_TRY_AGAIN;
  });
  EXPECT_EQ(link_.due(), Deadline::at(world_.time + 10 * kMs));
}

TEST_F(SamServiceLink, LastDeadlineIsTheBoundWhateverFailed) {
  EXPECT_FALSE(attempt(CS_ERR_TRY_AGAIN));
  EXPECT_EQ(link_.last_deadline(), Deadline::at(world_.time + kBound));
}

TEST_F(SamServiceLink, ConnectsAndDropsItsOwnService) {
  EXPECT_EQ(link_.connect(Deadline::at(world_.time + kBound)), CS_OK);
  EXPECT_TRUE(link_.is_connected());
  EXPECT_TRUE(world_.has_quorum);
  EXPECT_FALSE(world_.has_cmap);
  link_.drop();
  EXPECT_FALSE(world_.has_quorum);
}

}  // namespace
}  // namespace cs::sam
