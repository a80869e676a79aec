// SPDX-License-Identifier: BSD-3-Clause
// Event-driven checking: a callback in a thread of the library in place of sam_hc_send.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>

#include <gtest/gtest.h>

#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kRestart = SAM_RECOVERY_POLICY_RESTART;
constexpr int kInterval = 300;

std::atomic<int> calls = 0;
std::atomic<int> other_calls = 0;

void enter_with_callback(sam_hc_callback_t callback) {
  app::handle(SIGTERM, app::report_warning);
  app::enter(kInterval, kRestart);
  app::expect_ok(sam_hc_callback_register(callback));
}

int healthy() {
  ++calls;
  return 0;
}

int healthy_too() {
  ++other_calls;
  return 0;
}

TEST(SamCallback, ThatReturnsZeroKeepsTheProcessAlive) {
  SamProcess application([] {
    enter_with_callback(healthy);
    app::expect_ok(sam_start());
    app::pause_for(8 * kInterval);
    app::report("calls", calls);
    ::_exit(0);
  });
  const Report report = application.wait_for("calls");
  EXPECT_EQ(report.instance, 1U);
  EXPECT_GE(report.value, 2);
  EXPECT_LE(report.value, 10) << "more than once an interval";
  EXPECT_EQ(application.count("warned"), 0U);
}

int fail_third_time() {
  ++calls;
  app::report("called", calls);
  return calls >= 3 ? 1 : 0;
}

TEST(SamCallback, ThatFailsIsNotCalledAgainAndCountsAsAHang) {
  SamProcess application([] {
    enter_with_callback(fail_third_time);
    app::expect_ok(sam_start());
    app::sleep_forever();
  });
  application.wait_for("warned");
  EXPECT_EQ(application.wait_for("registered").value, 2);
  std::size_t called = 0;
  for (const Report& report : application.reports()) {
    called += report.is("called") && report.instance == 1 ? 1U : 0U;
  }
  EXPECT_EQ(called, 3U) << application.story();
  // The next instance has a thread of its own.
  while (application.wait_for("called").instance != 2) {
  }
}

int never_return() {
  app::report("called");
  app::sleep_forever();
}

TEST(SamCallback, ThatBlocksCountsAsAHang) {
  SamProcess application([] {
    enter_with_callback(never_return);
    app::expect_ok(sam_start());
    app::sleep_forever();
  });
  application.wait_for("called");
  EXPECT_EQ(application.wait_for("warned").instance, 1U);
  EXPECT_EQ(application.wait_for("registered").value, 2);
  application.wait_for("called");
}

int count_and_never_return() {
  ++calls;
  app::sleep_forever();
}

// With an interval much shorter than what sam_stop waits for the callback. On a busy machine an
// instance may be late, and warned before it stops: the next one tries again.
TEST(SamCallback, ThatBlocksIsNoHangOnceStopped) {
  SamProcess application([] {
    app::enter(40, kRestart);
    app::expect_ok(sam_hc_callback_register(count_and_never_return));
    app::expect_ok(sam_start());
    while (calls == 0) app::pause_for(1);
    app::expect_ok(sam_stop());
    app::pause_for(300);
    app::report("lives");
    app::expect_ok(sam_finalize());
    ::exit(7);
  });
  EXPECT_LE(application.wait_for("lives").instance, 20U);
  application.expect_exit_code(7);
}

TEST(SamCallback, IsCalledOnlyWhileStarted) {
  SamProcess application([] {
    enter_with_callback(healthy);
    app::pause_for(3 * kInterval);
    app::report("before the start", calls);
    app::expect_ok(sam_start());
    while (calls == 0) app::pause_for(5);
    app::expect_ok(sam_stop());
    app::pause_for(kInterval / 4);  // one may have been under way
    calls = 0;
    app::pause_for(4 * kInterval);
    app::report("after the stop", calls);
    app::expect_ok(sam_start());
    while (calls == 0) app::pause_for(5);
    app::report("again");
    app::pause_for(3 * kInterval);
    app::expect_ok(sam_finalize());
    app::pause_for(kInterval / 4);
    calls = 0;
    app::pause_for(3 * kInterval);
    app::report("after the end", calls);
  });
  EXPECT_EQ(application.wait_for("before the start").value, 0);
  EXPECT_EQ(application.wait_for("after the stop").value, 0);
  application.wait_for("again");
  EXPECT_EQ(application.wait_for("after the end").value, 0);
  EXPECT_EQ(application.count("warned"), 0U);
}

TEST(SamCallback, IsReplacedByALaterOne) {
  SamProcess application([] {
    enter_with_callback(healthy);
    app::expect_ok(sam_hc_callback_register(healthy_too));
    app::expect_ok(sam_start());
    while (other_calls < 2) app::pause_for(5);
    app::expect_that(calls == 0);
    app::expect_ok(sam_stop());
    app::expect_ok(sam_hc_callback_register(healthy));
    app::expect_ok(sam_start());
    while (calls < 2) app::pause_for(5);
    app::report("replaced");
    ::_exit(0);
  });
  application.wait_for("replaced");
  EXPECT_EQ(application.count("warned"), 0U);
}

TEST(SamCallback, NullAfterwardsSwitchesBackToHealthChecksByCall) {
  SamProcess application([] {
    enter_with_callback(healthy);
    app::expect_ok(sam_start());
    while (calls == 0) app::pause_for(5);
    app::expect_ok(sam_stop());
    app::expect_ok(sam_hc_callback_register(nullptr));
    app::expect_ok(sam_start());
    app::pause_for(kInterval / 4);
    calls = 0;
    app::send_health_checks(20, 3 * kInterval);
    app::expect_that(calls == 0);
    app::report("by call");
    app::sleep_forever();  // a hang: no thread checks in for us any more
  });
  application.wait_for("by call");
  EXPECT_EQ(application.count("warned"), 0U);
  EXPECT_EQ(application.wait_for("warned").instance, 1U);
  EXPECT_EQ(application.wait_for("registered").value, 2);
}

TEST(SamCallback, DoesNotRunInTheSupervisorNorInAnUnaskedInstance) {
  SamProcess application([] {
    app::handle(SIGTERM, app::report_warning);
    const unsigned id = app::enter(kInterval, kRestart);
    if (id == 1) app::expect_ok(sam_hc_callback_register(healthy));
    app::expect_ok(sam_start());
    if (id == 1) {
      while (calls == 0) app::pause_for(5);
      app::die_by(SIGKILL);
    }
    app::report("calls", calls);
    app::sleep_forever();
  });
  EXPECT_EQ(application.wait_for("calls").value, 0);
  EXPECT_EQ(application.wait_for("warned").instance, 2U);
}

TEST(SamCallback, AndHealthChecksByCallMayBeMixed) {
  SamProcess application([] {
    enter_with_callback(healthy);
    app::expect_ok(sam_start());
    app::send_health_checks(1, 3 * kInterval);
    app::expect_that(calls > 0);
    app::report("mixed");
    ::_exit(0);
  });
  application.wait_for("mixed");
  EXPECT_EQ(application.count("warned"), 0U);
}

// Starts and stops as fast as they come, against the thread's own pace.
TEST(SamCallback, SurvivesQuickStartsAndStops) {
  SamProcess application([] {
    app::handle(SIGTERM, app::report_warning);
    app::enter(40, kRestart);
    app::expect_ok(sam_hc_callback_register(healthy));
    for (int round = 0; round < 200; ++round) {
      app::expect_ok(sam_start());
      if (round % 10 == 0) app::pause_for(2);
      app::expect_ok(sam_stop());
      if (round % 20 == 0) app::expect_ok(sam_hc_callback_register(healthy_too));
    }
    app::report("done");
  });
  application.wait_for("done");
  application.expect_exit_code(0);
}

// What a callback may use and leave enough of its stack to a sanitizer, too: far more than printf
// needs.
constexpr std::size_t kRoomyFrame = 96 * 1024;

int use_much_stack() {
  volatile char frame[kRoomyFrame];
  for (std::size_t i = 0; i < sizeof(frame); i += 512) frame[i] = 1;
  char text[64];
  std::snprintf(text, sizeof(text), "%.3f", 1.5 + frame[512]);
  app::report("callback ran");
  return 0;
}

TEST(SamCallbackBeyondStock, HasAStackToWorkWith) {
  SamProcess application([] {
    app::enter(kInterval, kRestart);
    app::expect_ok(sam_hc_callback_register(use_much_stack));
    app::expect_ok(sam_start());
    app::sleep_forever();
  });
  EXPECT_EQ(application.wait_for("callback ran").instance, 1U);
  EXPECT_EQ(application.wait_for("callback ran").instance, 1U);
}

// Stock does not pause at all between two rounds of its thread: 20,000 calls in the same time. With
// so short an interval a busy machine may kill an instance unjustly; one of them lives on long
// enough to tell.
TEST(SamCallbackBeyondStock, ThreadOfAShortIntervalDoesNotSpin) {
  SamProcess application([] {
    app::expect_ok(sam_initialize(3, SAM_RECOVERY_POLICY_RESTART));
    app::expect_ok(sam_warn_signal_set(SIGCONT));  // harmless
    app::register_instance();
    app::expect_ok(sam_hc_callback_register(healthy));
    app::expect_ok(sam_start());
    app::pause_for(200);
    app::report("calls", calls);
    app::expect_ok(sam_stop());
    ::_exit(0);
  });
  EXPECT_LT(application.wait_for("calls").value, 2000);
}

}  // namespace
}  // namespace cs::test
