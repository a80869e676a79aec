// SPDX-License-Identifier: BSD-3-Clause
// What health checks cost the two processes, and that they wait for nobody. Cases of a suite
// *BeyondStock fail with the distribution's library.
#include <signal.h>

#include <cstdint>

#include <gtest/gtest.h>

#include "support/proc.h"
#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kRestart = SAM_RECOVERY_POLICY_RESTART;
constexpr int kInterval = 60'000;
constexpr int kManyHealthChecks = 1'000'000;

void send_many_health_checks() {
  for (int i = 0; i < kManyHealthChecks; ++i) app::expect_ok(sam_hc_send());
}

TEST(SamHealthCheckBeyondStock, DoNotWaitForAStoppedSupervisor) {
  SamProcess application([] {
    app::enter(kInterval, kRestart);
    app::expect_ok(sam_start());
    app::stop_supervisor();
    send_many_health_checks();
    app::report("sent");
    app::resume_supervisor();
    app::expect_ok(sam_stop());
    app::report("stopped");
  });
  application.wait_for("sent");
  application.wait_for("stopped");
}

TEST(SamHealthCheckBeyondStock, CostTheSupervisorNoTime) {
  SamProcess application([] {
    app::enter(kInterval, kRestart);
    app::expect_ok(sam_start());
    app::pause_for(50);  // it settles
    const std::int64_t before = proc::processor_time(app::supervisor());
    app::expect_that(before > 0);
    send_many_health_checks();
    app::pause_for(50);
    app::report("microseconds", (proc::processor_time(app::supervisor()) - before) / 1000);
  });
  EXPECT_LT(application.wait_for("microseconds").value, 50'000);
}

}  // namespace
}  // namespace cs::test
