// SPDX-License-Identifier: BSD-3-Clause
// Health checks by call: a missed one brings the warn signal, the next one SIGKILL and recovery.
// Times are asserted from below only; from above, the patience of the harness is the limit.
#include <signal.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kQuit = SAM_RECOVERY_POLICY_QUIT;
constexpr int kRestart = SAM_RECOVERY_POLICY_RESTART;
constexpr int kInterval = 250;

// Clocks may be read coarsely: 4 ms on either side, and as much again.
constexpr std::int64_t kResolution = 15;

std::int64_t milliseconds_between(const Report& from, const Report& to) {
  return (to.time - from.time) / kNanosecondsPerMillisecond;
}

void expect_at_least(const Report& from, const Report& to, int intervals) {
  EXPECT_GE(milliseconds_between(from, to), intervals * kInterval - kResolution);
}

void handle_all_warnings() {
  for (const int signal : {SIGTERM, SIGUSR1, SIGUSR2}) app::handle(signal, app::report_warning);
}

TEST(SamHang, IsWarnedAfterOneIntervalAndKilledAfterTwo) {
  SamProcess application([] {
    handle_all_warnings();
    const unsigned id = app::enter(kInterval, kRestart);
    app::report("starting");
    app::expect_ok(sam_start());
    if (id == 1) app::sleep_forever();
    app::stay_healthy(20);
  });
  const Report start = application.wait_for("starting");
  const Report warning = application.wait_for("warned");
  EXPECT_EQ(warning.value, SIGTERM);
  EXPECT_EQ(warning.instance, 1U);
  const Report next = application.wait_for("registered");
  EXPECT_EQ(next.value, 2);
  expect_at_least(start, warning, 1);
  expect_at_least(start, next, 2);
  application.follow(2 * kInterval);
  EXPECT_EQ(application.count("warned"), 1U);
}

TEST(SamHang, KilledByTheWarningIsRestartedAtOnce) {
  SamProcess application([] {
    app::enter(kInterval, kRestart);  // SIGTERM at its default
    app::report("starting");
    app::expect_ok(sam_start());
    app::sleep_forever();
  });
  const Report start = application.wait_for("starting");
  const Report next = application.wait_for("starting");
  EXPECT_EQ(next.instance, 2U);
  expect_at_least(start, next, 1);
}

TEST(SamHang, EndsTheSupervisorUnderQuit) {
  SamProcess application([] {
    handle_all_warnings();
    app::enter(kInterval, kQuit);
    app::expect_ok(sam_start());
    app::sleep_forever();
  });
  application.expect_exit_code(0);
  EXPECT_EQ(application.count("warned"), 1U);
}

TEST(SamHang, AnsweredByAnExitUnderQuitPassesItsCode) {
  SamProcess application([] {
    app::handle(SIGTERM, [](int) { ::_exit(17); });
    app::enter(kInterval, kQuit);
    app::expect_ok(sam_start());
    app::sleep_forever();
  });
  application.expect_exit_code(17);
}

TEST(SamHang, OfAProcessThatSentHealthChecksIsFound) {
  SamProcess application([] {
    handle_all_warnings();
    app::enter(kInterval, kRestart);
    app::expect_ok(sam_start());
    app::send_health_checks(20, 4 * kInterval);
    app::report("silent");
    app::expect_ok(sam_hc_send());  // the last one, however long the report has taken
    app::sleep_forever();
  });
  const Report silent = application.wait_for("silent");
  EXPECT_EQ(application.count("warned"), 0U);
  const Report warning = application.wait_for("warned");
  EXPECT_GE(milliseconds_between(silent, warning), kInterval - kResolution);
  EXPECT_EQ(application.wait_for("registered").value, 2);
}

TEST(SamHang, OfAStoppedProcessIsNone) {
  SamProcess application([] {
    handle_all_warnings();
    app::enter(kInterval, kRestart);
    app::pause_for(3 * kInterval);  // never started
    app::expect_ok(sam_start());
    app::expect_ok(sam_stop());
    app::report("stopped");
    app::pause_for(3 * kInterval);
    app::expect_ok(sam_start());  // counts as a health check
    app::pause_for(kInterval / 4);
    app::expect_ok(sam_hc_send());
    app::report("survived");
    ::_exit(0);
  });
  application.wait_for("survived");
  EXPECT_EQ(application.count("warned"), 0U);
}

// Two starts within an interval each: never silent for a whole one.
TEST(SamHang, IsAvertedBySamStart) {
  SamProcess application([] {
    handle_all_warnings();
    app::enter(kInterval, kRestart);
    for (int round = 0; round < 12; ++round) {
      app::expect_ok(sam_start());
      app::pause_for(kInterval / 4);
      app::expect_ok(sam_stop());
    }
    app::report("survived");
  });
  application.wait_for("survived");
  EXPECT_EQ(application.count("warned"), 0U);
}

volatile sig_atomic_t warned;

TEST(SamWarning, ThatIsHeededLeavesTheProcessAloneUntilTheNextMiss) {
  SamProcess application([] {
    app::handle(SIGTERM, [](int) {
      warned = 1;
      app::report("warned");
    });
    app::enter(kInterval, kRestart);
    app::expect_ok(sam_start());
    while (!warned) app::pause_for(10);
    app::send_health_checks(20, 4 * kInterval);
    app::report("healthy again");
    app::sleep_forever();
  });
  application.wait_for("warned");
  const Report second_miss = application.wait_for("healthy again");
  EXPECT_EQ(application.count("registered"), 1U);
  const Report next = application.wait_for("registered");
  EXPECT_EQ(next.value, 2);
  EXPECT_GE(milliseconds_between(second_miss, next), kInterval - 20 - kResolution);
  // One warning per instance: the second miss is answered with SIGKILL.
  std::size_t warnings = 0;
  for (const Report& report : application.reports()) {
    warnings += report.is("warned") && report.instance == 1 ? 1U : 0U;
  }
  EXPECT_EQ(warnings, 1U) << application.story();
}

class SamWarnSignal : public testing::TestWithParam<int> {};

TEST_P(SamWarnSignal, IsTheChosenOneWhereverItIsSet) {
  enum Place { kInitialized, kRegistered, kStarted };
  for (const Place place : {kInitialized, kRegistered, kStarted}) {
    SamProcess application([place, signal = GetParam()] {
      handle_all_warnings();
      app::expect_ok(sam_initialize(kInterval, SAM_RECOVERY_POLICY_RESTART));
      if (place == kInitialized) app::expect_ok(sam_warn_signal_set(signal));
      const unsigned id = app::register_instance();
      if (place == kRegistered && id == 1) app::expect_ok(sam_warn_signal_set(signal));
      app::expect_ok(sam_start());
      if (place == kStarted && id == 1) app::expect_ok(sam_warn_signal_set(signal));
      app::sleep_forever();
    });
    // The second instance has the choice of the first.
    for (int id = 1; id <= 2; ++id) {
      EXPECT_EQ(application.wait_for("registered").value, id);
      EXPECT_EQ(application.wait_for("warned").value, GetParam());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, SamWarnSignal, testing::Values(SIGTERM, SIGUSR1, SIGUSR2));

class SamNoWarning : public testing::TestWithParam<int> {};

TEST_P(SamNoWarning, IsSentBeforeTheKill) {
  SamProcess application([signal = GetParam()] {
    for (int number = 1; number < 32; ++number) {
      if (number != SIGCHLD) app::handle(number, app::report_warning);
    }
    app::expect_ok(sam_initialize(kInterval, SAM_RECOVERY_POLICY_RESTART));
    app::expect_ok(sam_warn_signal_set(signal));
    const unsigned id = app::register_instance();
    app::report("starting");
    app::expect_ok(sam_start());
    if (id == 1) app::sleep_forever();
    app::stay_healthy(20);
  });
  const Report start = application.wait_for("starting");
  const Report next = application.wait_for("registered");
  EXPECT_EQ(next.value, 2);
  expect_at_least(start, next, 1);
  EXPECT_EQ(application.count("warned"), 0U) << application.story();
}

INSTANTIATE_TEST_SUITE_P(All, SamNoWarning, testing::Values(SIGKILL, 0));

class SamInterval : public testing::TestWithParam<int> {};

TEST_P(SamInterval, OfZeroOrLessMeansNoTimeLimit) {
  SamProcess application([interval = GetParam()] {
    handle_all_warnings();
    const unsigned id = app::enter(interval, kRestart);
    app::expect_ok(sam_start());
    if (id == 1) {
      app::expect_ok(sam_hc_send());  // welcome all the same
      app::pause_for(700);
      app::report("survived");
      app::die_by(SIGKILL);  // death is watched
    }
    app::sleep_forever();
  });
  EXPECT_EQ(application.wait_for("survived").instance, 1U);
  EXPECT_EQ(application.wait_for("registered").value, 2);
  EXPECT_EQ(application.count("warned"), 0U);
}

INSTANTIATE_TEST_SUITE_P(All, SamInterval, testing::Values(0, -1, -5000));

TEST(SamHealthCheck, IsSafeInASignalHandler) {
  SamProcess application([] {
    app::enter(60'000, kRestart);
    app::expect_ok(sam_start());
    app::every_100_microseconds([](int) { app::expect_ok(sam_hc_send()); });
    const Deadline end = Deadline::in_milliseconds(1000);
    while (!end.has_passed(monotonic_now())) app::expect_ok(sam_hc_send());
    app::no_more_alarms();
    app::report("sent");
  });
  application.wait_for("sent");
}

TEST(SamHealthCheck, MayComeFromManyThreads) {
  SamProcess application([] {
    handle_all_warnings();
    app::enter(kInterval, kRestart);
    app::expect_ok(sam_start());
    pthread_t threads[4];
    for (pthread_t& thread : threads) {
      pthread_create(
          &thread, nullptr,
          [](void*) -> void* {
            app::send_health_checks(1, 3 * kInterval);
            return nullptr;
          },
          nullptr);
    }
    for (const pthread_t thread : threads) pthread_join(thread, nullptr);
    app::report("survived");
    ::_exit(0);
  });
  application.wait_for("survived");
  EXPECT_EQ(application.count("warned"), 0U);
}

TEST(SamWarnSignalBeyondStock, ImpossibleOnesAreRefused) {
  SamProcess application([] {
    app::expect_ok(sam_initialize(kInterval, SAM_RECOVERY_POLICY_RESTART));
    for (const int signal : {-1, SIGRTMAX + 1, 1000}) {
      app::expect(sam_warn_signal_set(signal), CS_ERR_INVALID_PARAM);
    }
    app::register_instance();
    for (const int signal : {-1, SIGRTMAX + 1, 1000}) {
      app::expect(sam_warn_signal_set(signal), CS_ERR_INVALID_PARAM);
    }
    app::expect_ok(sam_warn_signal_set(SIGRTMAX));
    app::expect_ok(sam_warn_signal_set(0));
    app::report("done");
  });
  application.wait_for("done");
}

}  // namespace
}  // namespace cs::test
