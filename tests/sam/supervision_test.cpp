// SPDX-License-Identifier: BSD-3-Clause
// What counts as life, and what follows when the supervisor itself is killed. Cases of a suite
// *BeyondStock fail with the distribution's library.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <ostream>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kRestart = SAM_RECOVERY_POLICY_RESTART;

struct Call {
  const char* name;
  cs_error_t (*make)();
};

std::ostream& operator<<(std::ostream& out, const Call& call) { return out << call.name; }

cs_error_t store() { return sam_data_store("state", 6); }
cs_error_t set_warn_signal() { return sam_warn_signal_set(SIGTERM); }

const Call kHealthCheck = {"HealthCheck", sam_hc_send};
const Call kStore = {"Store", store};
const Call kWarnSignal = {"WarnSignal", set_warn_signal};

class SamSignOfLife : public testing::TestWithParam<Call> {};

TEST_P(SamSignOfLife, KeepsTheProcessAliveAndItsEndIsAHang) {
  constexpr int kInterval = 400;
  SamProcess application([call = GetParam()] {
    app::handle(SIGTERM, app::report_warning);
    const unsigned id = app::enter(kInterval, kRestart);
    app::expect_ok(sam_start());
    if (id > 1) app::sleep_forever();
    for (int elapsed = 0; elapsed < 4 * kInterval; elapsed += 10) {
      app::expect_ok(call.make());
      app::pause_for(10);
    }
    app::report("silent");
    app::sleep_forever();
  });
  application.wait_for("silent");
  EXPECT_EQ(application.count("warned"), 0U) << application.story();
  application.wait_for("warned");
  EXPECT_EQ(application.wait_for("registered").value, 2);
}

INSTANTIATE_TEST_SUITE_P(By, SamSignOfLife, testing::Values(kHealthCheck, kStore, kWarnSignal),
                         [](const auto& call) { return call.param.name; });

// The calls of a process that goes on without its supervisor.
class SamLostSupervisor : public testing::TestWithParam<std::tuple<Call, int>> {
 protected:
  static constexpr int kPause = 10;
};

TEST_P(SamLostSupervisor, EndsTheProcessBySigpipe) {
  const auto [call, interval] = GetParam();
  SamProcess application([=] {
    app::enter(interval, kRestart);
    app::expect_ok(sam_start());
    app::expect_ok(call.make());
    app::report("ready");
    for (;;) {
      (void)call.make();
      app::pause_for(kPause);
    }
  });
  const Report active = application.wait_for("ready");
  ::kill(application.supervisor(), SIGKILL);
  const int status = application.wait_for_orphan(active.pid);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE) << status;
}

TEST_P(SamLostSupervisor, IsAnErrorWhereSigpipeIsIgnored) {
  const auto [call, interval] = GetParam();
  SamProcess application([=] {
    ::signal(SIGPIPE, SIG_IGN);
    app::enter(interval, kRestart);
    app::expect_ok(sam_start());
    app::expect_ok(call.make());
    app::report("ready");
    cs_error_t result;
    while ((result = call.make()) == CS_OK) app::pause_for(kPause);
    app::expect(result, CS_ERR_LIBRARY);
    for (int round = 0; round < 3; ++round) app::expect(call.make(), CS_ERR_LIBRARY);
    app::report("told");
    ::_exit(0);
  });
  const Report active = application.wait_for("ready");
  ::kill(application.supervisor(), SIGKILL);
  application.wait_for("told");
  (void)application.wait_for_orphan(active.pid);
}

// It owes no health check, but what it stores nobody will find.
TEST(SamLostSupervisorOfAStoppedProcess, EndsItWithAStoreBySigpipe) {
  SamProcess application([] {
    app::enter(60'000, kRestart);
    app::report("ready");
    for (;;) {
      (void)sam_data_store("x", 1);
      app::pause_for(10);
    }
  });
  const Report active = application.wait_for("ready");
  ::kill(application.supervisor(), SIGKILL);
  const int status = application.wait_for_orphan(active.pid);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE) << status;
}

// A daemon is no child of its supervisor, and has to see it by other means.
TEST_P(SamLostSupervisor, EndsADaemonBySigpipe) {
  const auto [call, interval] = GetParam();
  SamProcess application([=] {
    app::enter(interval, kRestart);
    app::expect_ok(sam_start());
    app::expect_that(::daemon(1, 1) == 0);
    app::handle(SIGPIPE, [](int) {
      app::report("SIGPIPE");
      ::_exit(0);
    });
    app::expect_ok(call.make());
    app::report("ready");
    for (;;) {
      (void)call.make();
      app::pause_for(kPause);
    }
  });
  const Report active = application.wait_for("ready");
  ::kill(application.supervisor(), SIGKILL);
  EXPECT_EQ(application.wait_for("SIGPIPE").pid, active.pid);
}

INSTANTIATE_TEST_SUITE_P(By, SamLostSupervisor,
                         testing::Combine(testing::Values(kHealthCheck, kStore, kWarnSignal),
                                          testing::Values(0, 60'000, INT_MAX)),
                         [](const auto& value) {
                           return std::string(std::get<0>(value.param).name) + "At" +
                                  std::to_string(std::get<1>(value.param));
                         });

}  // namespace
}  // namespace cs::test
