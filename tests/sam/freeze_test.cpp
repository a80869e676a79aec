// SPDX-License-Identifier: BSD-3-Clause
// Freezes: of the whole application, of its supervisor, of its active process. Cases of a suite
// *BeyondStock fail with the distribution's library.
#include <signal.h>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "support/child.h"
#include "support/proc.h"
#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kRestart = SAM_RECOVERY_POLICY_RESTART;
constexpr int kInterval = 400;

void start_and_stay_healthy() {
  app::enter(kInterval, kRestart);
  app::expect_ok(sam_start());
  app::report("started");
  app::stay_healthy(20);
}

// The thaw reaches the supervisor first: what it finds then is not the active process's fault.
TEST(SamFreezeBeyondStock, OfBothIsNotHeldAgainstTheProcess) {
  SamProcess application([] {
    app::handle(SIGTERM, app::report_warning);
    start_and_stay_healthy();
  });
  const Report active = application.wait_for("started");
  for (int round = 0; round < 3; ++round) {
    application.signal_group(SIGSTOP);
    ASSERT_TRUE(becomes('T', active.pid));
    ASSERT_TRUE(becomes('T', application.supervisor()));
    application.expect_none("warned", 2 * kInterval);
    ::kill(application.supervisor(), SIGCONT);
    application.expect_none("warned", kInterval / 8);
    ::kill(active.pid, SIGCONT);
    application.expect_none("warned", kInterval);
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_EQ(application.count("registered"), 1U) << application.story();
}

TEST(SamFreeze, ThatNeverEndsForTheProcessIsAHang) {
  SamProcess application([] { start_and_stay_healthy(); });
  const Report active = application.wait_for("started");
  application.signal_group(SIGSTOP);
  ASSERT_TRUE(becomes('T', application.supervisor()));
  application.follow(2 * kInterval);
  ::kill(application.supervisor(), SIGCONT);  // and not the active process
  const Report next = application.wait_for("started");
  EXPECT_EQ(next.instance, 2U);
  EXPECT_FALSE(proc::exists(active.pid));
}

TEST(SamFreeze, OfTheSupervisorAloneIsNotHeldAgainstTheProcess) {
  SamProcess application([] {
    app::handle(SIGTERM, app::report_warning);
    start_and_stay_healthy();
  });
  application.wait_for("started");
  ::kill(application.supervisor(), SIGSTOP);
  application.expect_none("warned", 3 * kInterval);
  ::kill(application.supervisor(), SIGCONT);
  application.expect_none("warned", 2 * kInterval);
  EXPECT_EQ(application.count("registered"), 1U);
}

}  // namespace
}  // namespace cs::test
