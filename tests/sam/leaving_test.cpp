// SPDX-License-Identifier: BSD-3-Clause
// Threads that leave a call of SAM early, by pthread_cancel or by siglongjmp from a signal handler,
// while the supervisor does not answer: nothing is left behind. Cases of a suite *BeyondStock fail
// with the distribution's library.
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "support/proc.h"
#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kRestart = SAM_RECOVERY_POLICY_RESTART;

sigjmp_buf g_way_out;

// The classic time limit. False when it was over before the call returned.
bool in_time(cs_error_t (*call)()) {
  app::handle(SIGALRM, [](int) { siglongjmp(g_way_out, 1); });
  if (sigsetjmp(g_way_out, 1) != 0) return false;
  const itimerval limit = {{0, 0}, {0, 100'000}};
  ::setitimer(ITIMER_REAL, &limit, nullptr);
  (void)call();
  app::no_more_alarms();
  return true;
}

// Cancels a thread that is inside the call; false if the call ended before.
template <cs_error_t (*kCall)()>
bool cancel(int type) {
  static int cancel_type;
  cancel_type = type;
  pthread_t thread;
  const auto body = [](void*) -> void* {
    pthread_setcanceltype(cancel_type, nullptr);
    (void)kCall();
    return nullptr;
  };
  app::expect_that(pthread_create(&thread, nullptr, body, nullptr) == 0);
  app::pause_for(100);
  pthread_cancel(thread);
  void* result = nullptr;
  app::expect_that(pthread_join(thread, &result) == 0);
  return result == PTHREAD_CANCELED;
}

[[noreturn]] void end_in_order() {
  app::expect_ok(sam_finalize());
  app::report("done");
  ::_exit(0);
}

void expect_orderly_end(const SamProcess::Scenario& scenario) {
  SamProcess application(scenario);
  application.wait_for("done");
  application.expect_exit_code(0);
  EXPECT_EQ(application.count("registered"), 1U) << application.story();
}

// Leaves a call of a supervisor that does not answer, and makes it again. Where the call does not
// wait for an answer, as some of stock's do not, once is enough.
void leave_and_repeat(cs_error_t (*call)()) {
  app::stop_supervisor();
  const bool is_done = in_time(call);
  app::resume_supervisor();
  if (!is_done) app::expect_ok(call());
}

TEST(SamLeaving, CallsByTimeLimitCanBeRepeated) {
  expect_orderly_end([] {
    app::enter(0, kRestart);
    for (int round = 0; round < 3; ++round) {
      leave_and_repeat(sam_start);
      app::expect_ok(sam_hc_send());
      leave_and_repeat(sam_stop);
      app::expect(sam_hc_send(), CS_ERR_BAD_HANDLE);
    }
    leave_and_repeat(sam_start);
    leave_and_repeat(sam_finalize);
    app::expect(sam_finalize(), CS_ERR_BAD_HANDLE);
    app::report("done");
    ::_exit(0);
  });
}

// The handler interrupts a stop that waits for its answer: neither waits for the other.
TEST(SamLeaving, HandlerMayFinalizeDuringAStop) {
  SamProcess application([] {
    app::enter(60'000, kRestart);
    app::expect_ok(sam_start());
    app::handle(SIGALRM, [](int) {
      app::expect_ok(sam_finalize());
      app::resume_supervisor();
    });
    app::stop_supervisor();
    const itimerval limit = {{0, 0}, {0, 100'000}};
    ::setitimer(ITIMER_REAL, &limit, nullptr);
    app::expect_ok(sam_stop());
    app::expect(sam_finalize(), CS_ERR_BAD_HANDLE);
    app::report("done");
    ::_exit(6);
  });
  application.wait_for("done");
  application.expect_exit_code(6);
  EXPECT_EQ(application.count("registered"), 1U) << application.story();
}

// The thread in sam_register is the supervisor, on which the application depends.
TEST(SamLeaving, ACancelledSupervisorGoesOn) {
  SamProcess application([] {
    pthread_t thread;
    const auto body = [](void*) -> void* {
      app::enter(0, SAM_RECOVERY_POLICY_QUIT);
      app::expect_ok(sam_start());
      app::pause_for(300);
      ::_exit(5);
    };
    app::expect_that(pthread_create(&thread, nullptr, body, nullptr) == 0);
    app::pause_for(100);
    pthread_cancel(thread);
    app::sleep_forever();
  });
  application.expect_exit_code(5);
}

class SamCancelled : public testing::TestWithParam<int> {};
class SamCancelledBeyondStock : public testing::TestWithParam<int> {};

TEST_P(SamCancelled, StartCanBeRepeatedByAnother) {
  expect_orderly_end([type = GetParam()] {
    app::enter(0, kRestart);
    for (int round = 0; round < 3; ++round) {
      app::stop_supervisor();
      const bool is_cancelled = cancel<sam_start>(type);
      app::resume_supervisor();
      if (is_cancelled) app::expect_ok(sam_start());
      app::expect_ok(sam_hc_send());
      app::expect_ok(sam_stop());
    }
    end_in_order();
  });
}

// Whether it was cancelled or not.
TEST_P(SamCancelled, StopIsOverThen) {
  expect_orderly_end([type = GetParam()] {
    app::enter(0, kRestart);
    for (int round = 0; round < 3; ++round) {
      app::expect_ok(sam_start());
      app::stop_supervisor();
      (void)cancel<sam_stop>(type);
      app::resume_supervisor();
      app::expect(sam_stop(), CS_ERR_BAD_HANDLE);
    }
    app::expect_ok(sam_start());
    end_in_order();
  });
}

// The others do not wait. All of them go on as if nothing had been.
cs_error_t call_for_ever() {
  for (;;) {
    char bytes[16] = "bytes";
    std::size_t size;
    (void)sam_hc_send();
    (void)sam_data_store(bytes, sizeof(bytes));
    (void)sam_data_restore(bytes, sizeof(bytes));
    (void)sam_data_getsize(&size);
    (void)sam_warn_signal_set(SIGUSR1);
    (void)sam_stop();
    (void)sam_start();
    pthread_testcancel();
  }
}

bool may_be_cancelled() {
  int state = 0;
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
  return state == PTHREAD_CANCEL_ENABLE;
}

void expect_all_goes_on() {
  app::expect_that(may_be_cancelled());
  char bytes[16] = "other bytes";
  (void)sam_start();  // wherever the thread was
  app::expect_ok(sam_hc_send());
  app::expect_ok(sam_data_store(bytes, sizeof(bytes)));
  app::expect_ok(sam_data_restore(bytes, sizeof(bytes)));
  app::expect_ok(sam_warn_signal_set(SIGTERM));
  app::expect_ok(sam_stop());
  app::expect_ok(sam_start());
}

TEST_P(SamCancelledBeyondStock, NoFunctionLeavesAnythingBehind) {
  expect_orderly_end([type = GetParam()] {
    app::enter(60'000, kRestart);
    app::expect_ok(sam_start());
    for (int round = 0; round < 20; ++round) {
      (void)cancel<call_for_ever>(type);  // it is joined; glibc does not always say why it ended
      expect_all_goes_on();
    }
    end_in_order();
  });
}

const int kTypes[] = {PTHREAD_CANCEL_DEFERRED, PTHREAD_CANCEL_ASYNCHRONOUS};
std::string type_name(const testing::TestParamInfo<int>& type) {
  return type.param == PTHREAD_CANCEL_DEFERRED ? "Deferred" : "Asynchronous";
}
INSTANTIATE_TEST_SUITE_P(By, SamCancelled, testing::ValuesIn(kTypes), type_name);
INSTANTIATE_TEST_SUITE_P(By, SamCancelledBeyondStock, testing::ValuesIn(kTypes), type_name);

// Stock has a mutex for them, which stays locked.
TEST(SamLeavingBeyondStock, EveryFunctionMayBeLeftByTimeLimit) {
  expect_orderly_end([] {
    app::enter(60'000, kRestart);
    app::expect_ok(sam_start());
    for (int round = 0; round < 20; ++round) {
      app::expect_that(!in_time(call_for_ever));
      expect_all_goes_on();
    }
    end_in_order();
  });
}

}  // namespace
}  // namespace cs::test
