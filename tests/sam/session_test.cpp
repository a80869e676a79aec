// SPDX-License-Identifier: BSD-3-Clause
// Calls of several threads at once, calls that fail, and what they leave: the state, errno, the
// caller's variables, the callback.
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include <gtest/gtest.h>

#include "support/proc.h"
#include "support/refuse_call.h"
#include "support/sam_process.h"
#include "support/sanitized.h"

namespace cs::test {
namespace {

constexpr auto kRestart = SAM_RECOVERY_POLICY_RESTART;
constexpr int kLong = 60'000;

// Runs a call in a thread of its own, in which it waits for a supervisor that is stopped.
template <cs_error_t (*kCall)(), cs_error_t kAnswer = CS_OK>
pthread_t call_that_waits() {
  pthread_t thread;
  const auto body = [](void*) -> void* {
    app::expect(kCall(), kAnswer);
    return nullptr;
  };
  app::stop_supervisor();
  app::expect_that(pthread_create(&thread, nullptr, body, nullptr) == 0);
  app::pause_for(100);
  return thread;
}

void resume_and_join(pthread_t thread) {
  app::resume_supervisor();
  app::expect_that(pthread_join(thread, nullptr) == 0);
}

void expect_done(const SamProcess::Scenario& scenario) {
  SamProcess application([&] {
    scenario();
    app::report("done");
    ::_exit(0);
  });
  application.wait_for("done");
}

TEST(SamCallsAtOnce, OneThreadAtATimeStarts) {
  expect_done([] {
    app::enter(kLong, kRestart);
    const pthread_t other = call_that_waits<sam_start>();
    app::expect(sam_start(), CS_ERR_BAD_HANDLE);
    app::expect(sam_stop(), CS_ERR_BAD_HANDLE);
    resume_and_join(other);
    app::expect_ok(sam_hc_send());
    app::expect_ok(sam_finalize());
  });
}

TEST(SamCallsAtOnce, OneThreadAtATimeStops) {
  expect_done([] {
    app::enter(kLong, kRestart);
    app::expect_ok(sam_start());
    const pthread_t other = call_that_waits<sam_stop>();
    app::expect(sam_stop(), CS_ERR_BAD_HANDLE);
    app::expect(sam_start(), CS_ERR_BAD_HANDLE);
    resume_and_join(other);
    app::expect(sam_hc_send(), CS_ERR_BAD_HANDLE);
    app::expect_ok(sam_finalize());
  });
}

// Until the supervisor has answered it watches.
TEST(SamCallsAtOnce, HealthChecksAreTakenDuringAStop) {
  expect_done([] {
    app::enter(kLong, kRestart);
    app::expect_ok(sam_start());
    const pthread_t other = call_that_waits<sam_stop>();
    app::expect_ok(sam_hc_send());
    app::expect_ok(sam_data_store("x", 1));
    resume_and_join(other);
    app::expect_ok(sam_finalize());
  });
}

// Its end is the application's: none of its helpers goes on in its place.
TEST(SamCallsAtOnce, ProcessThatFinalizesDuringAStartHasFinished) {
  SamProcess application([] {
    app::enter(kLong, kRestart);
    const pthread_t thread = call_that_waits<sam_start, CS_ERR_BAD_HANDLE>();
    app::expect_ok(sam_finalize());
    if (::fork() == 0) app::sleep_forever();
    resume_and_join(thread);
    app::report("ends");
    ::_exit(0);
  });
  application.wait_for("ends");
  EXPECT_TRUE(becomes('Z', application.supervisor()));
}

// As far as the call that was interrupted can tell, it has not begun.
TEST(SamCallsAtOnce, StartThatAHandlerEndsWithAStopHasNotBegun) {
  expect_done([] {
    app::enter(kLong, kRestart);
    app::handle(SIGALRM, [](int) {
      app::resume_supervisor();
      app::expect_ok(sam_start());
      app::expect_ok(sam_stop());
    });
    app::stop_supervisor();
    ::alarm(1);
    app::expect(sam_start(), CS_ERR_BAD_HANDLE);
    app::expect(sam_hc_send(), CS_ERR_BAD_HANDLE);
  });
}

// A thread for the callback is made in each process that starts.
TEST(SamStartThatFails, ForLackOfAThreadIsNotWatched) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer ends a process that makes no thread after a fork";
  SamProcess application([] {
    app::enter(200, kRestart);
    app::expect_ok(sam_hc_callback_register([] { return 0; }));
    if (::fork() != 0) ::_exit(0);
    app::expect_that(refuse_call(SYS_clone3, EAGAIN));
    errno = 0;
    app::expect(sam_start(), CS_ERR_LIBRARY);
    app::expect_that(errno == EAGAIN);
    app::pause_for(1000);
    app::report("is not watched");
    app::sleep_forever();
  });
  EXPECT_EQ(application.wait_for("is not watched").instance, 1U);
}

TEST(SamFinalizedProcess, HoldsNoDataAnyMore) {
  expect_done([] {
    app::enter(kLong, kRestart);
    app::expect_ok(sam_data_store("abc", 3));
    const std::size_t before = proc::count_descriptors(::getpid());
    app::expect_ok(sam_finalize());
    app::expect_that(proc::count_descriptors(::getpid()) + 2 == before);  // the store's files
  });
}

TEST(SamErrno, IsTheProgramsOwnInEachInstance) {
  SamProcess application([] {
    app::expect_ok(sam_initialize(0, kRestart));
    unsigned int instance = 0;
    errno = EDOM;
    app::expect_ok(sam_register(&instance));
    app::expect_that(errno == EDOM);
    app::report("same", instance);
    if (instance == 3) ::_exit(0);
    app::expect_ok(sam_start());
    app::die_by(SIGKILL);
  });
  for (int instance = 1; instance <= 3; ++instance) {
    EXPECT_EQ(application.wait_for("same").value, instance);
  }
}

// For lack of processes, say. The data stay, and are this process's own.
TEST(SamFailedRegistration, TellsWhyAndLeavesEverythingAsItWas) {
  SamProcess application([] {
    app::expect_ok(sam_initialize(0, kRestart));
    app::expect_ok(sam_data_store("abc", 3));
    app::expect_that(refuse_call(SYS_clone, EAGAIN));
    unsigned int instance = 77;
    for (int round = 0; round < 2; ++round) {
      errno = 0;
      app::expect(sam_register(&instance), CS_ERR_LIBRARY);
      app::expect_that(errno == EAGAIN);
      app::expect_that(instance == 77);
    }
    app::expect(sam_start(), CS_ERR_BAD_HANDLE);
    char data[3] = {};
    app::expect_ok(sam_data_restore(data, sizeof(data)));
    app::expect_that(data[2] == 'c');
    app::expect_ok(sam_finalize());
    app::report("done");
    ::_exit(0);
  });
  application.wait_for("done");
}

std::atomic<int> g_calls;
std::atomic<bool> g_inside;

int stay_a_little() {
  g_inside = true;
  app::pause_for(5);
  g_inside = false;
  ++g_calls;
  return 0;
}

void wait_for_call() {
  for (const int calls = g_calls; g_calls == calls;) app::pause_for(1);
}

TEST(SamStoppedCallback, IsOverWhenTheStopReturns) {
  expect_done([] {
    app::enter(40, kRestart);
    app::expect_ok(sam_hc_callback_register(stay_a_little));
    for (int round = 0; round < 20; ++round) {
      app::expect_ok(sam_start());
      while (!g_inside) app::pause_for(1);
      app::expect_ok(sam_stop());
      app::expect_that(!g_inside);
    }
  });
}

void close_descriptors() {
  for (int fd = 3; fd < 64; ++fd) {
    if (fd != app::report_fd()) ::close(fd);
  }
}

// Supervision goes on then, and so must the callback.
TEST(SamStoppedCallback, GoesOnWhereTheStopHasFailed) {
  expect_done([] {
    app::enter(400, kRestart);
    app::expect_ok(sam_hc_callback_register(stay_a_little));
    app::expect_ok(sam_start());
    close_descriptors();
    app::expect(sam_stop(), CS_ERR_LIBRARY);
    wait_for_call();
    wait_for_call();
  });
}

TEST(SamClosedFiles, LeaveTheCallersVariablesAlone) {
  expect_done([] {
    app::enter(0, kRestart);
    app::expect_ok(sam_data_store("abc", 3));
    close_descriptors();
    size_t size = 77;
    char data[3] = {'-', '-', '-'};
    app::expect(sam_data_getsize(&size), CS_ERR_LIBRARY);
    app::expect_that(size == 77);
    app::expect(sam_data_restore(data, sizeof(data)), CS_ERR_LIBRARY);
    app::expect_that(data[0] == '-');
  });
}

}  // namespace
}  // namespace cs::test
