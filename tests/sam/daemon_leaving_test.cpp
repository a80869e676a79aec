// SPDX-License-Identifier: BSD-3-Clause
// Leaving a sam_start that waits for quorum: by cancellation, by siglongjmp, and by sam_finalize
// from elsewhere; and a sam_register that waits for the daemon. Cases of a suite *BeyondStock fail
// with the distribution's library.
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "sam/sam_daemon.h"
#include "support/proc.h"
#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kRestart = SAM_RECOVERY_POLICY_QUORUM_RESTART;
constexpr int kInterval = 60'000;

// Each case begins without quorum.
class SamLeftStart : public SamDaemonTest {
 protected:
  void SetUp() override {
    SamDaemonTest::SetUp();
    lose_quorum();
  }
};
class SamLeftStartBeyondStock : public SamLeftStart {};

void* start_in_a_thread(void* status) {
  *static_cast<cs_error_t*>(status) = sam_start();
  return nullptr;
}

cs_error_t g_status = {};

pthread_t let_wait(void* (*call)(void*)) {
  pthread_t thread;
  app::expect_that(pthread_create(&thread, nullptr, call, &g_status) == 0);
  app::pause_for(200);
  return thread;
}

void cancel_in_its_wait(void* (*call)(void*)) {
  const pthread_t thread = let_wait(call);
  pthread_cancel(thread);
  void* result = nullptr;
  app::expect_that(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
  app::report("joined");
}

void cancel_a_start() { cancel_in_its_wait(start_in_a_thread); }

TEST_F(SamLeftStart, IsJoinedWhenCancelled) {
  SamProcess application([] {
    app::enter(kInterval, kRestart);
    cancel_a_start();
    ::_exit(0);
  });
  application.wait_for("joined");
}

// Nobody is started who has given up: this death is one of a process that is not watched.
TEST_F(SamLeftStartBeyondStock, IsNotStartedWhenCancelled) {
  SamProcess application([] {
    accept_go();
    app::enter(kInterval, kRestart);
    cancel_a_start();
    wait_for_go();
    app::expect(sam_hc_send(), CS_ERR_BAD_HANDLE);
    ::_exit(5);
  });
  const Report joined = application.wait_for("joined");
  find_quorum();
  go(joined.pid);
  application.expect_exit_code(5);
  EXPECT_EQ(application.count("registered"), 1U);
}

TEST_F(SamLeftStartBeyondStock, CanBeRepeatedWhenCancelled) {
  SamProcess application([] {
    const unsigned id = app::enter(kInterval, kRestart);
    if (id == 1) {
      cancel_a_start();
      cancel_a_start();
    }
    app::expect_ok(sam_start());
    app::report("started", id);
    app::expect_ok(sam_hc_send());
    if (id == 1) app::die_by(SIGKILL);
    app::expect_ok(sam_stop());
    app::expect_ok(sam_finalize());
    ::_exit(0);
  });
  application.wait_for("joined");
  application.wait_for("joined");
  EXPECT_FALSE(application.comes("started", 200));
  find_quorum();
  EXPECT_EQ(application.wait_for("started").value, 1);
  EXPECT_EQ(application.wait_for("started").value, 2);
  application.expect_exit_code(0);
}

sigjmp_buf g_way_out;

void leave_a_start_by_alarm() {
  app::handle(SIGALRM, [](int) { siglongjmp(g_way_out, 1); });
  if (sigsetjmp(g_way_out, 1) == 0) {
    const itimerval limit = {{0, 0}, {0, 200'000}};
    ::setitimer(ITIMER_REAL, &limit, nullptr);
    (void)sam_start();
    app::expect_that(false);
  }
  app::report("left");
}

TEST_F(SamLeftStartBeyondStock, CanBeRepeatedAfterATimeLimit) {
  SamProcess application([] {
    app::enter(kInterval, kRestart);
    for (int round = 0; round < 3; ++round) leave_a_start_by_alarm();
    app::expect_ok(sam_start());
    app::report("started");
    app::expect_ok(sam_stop());
    app::expect_ok(sam_start());
    app::expect_ok(sam_finalize());
    ::_exit(0);
  });
  for (int round = 0; round < 3; ++round) application.wait_for("left");
  find_quorum();
  application.wait_for("started");
  application.expect_exit_code(0);
  EXPECT_EQ(application.count("registered"), 1U);
}

// The thread that has left it ends: no other is kept from starting.
TEST_F(SamLeftStartBeyondStock, IsOverWithItsThread) {
  SamProcess application([] {
    app::enter(kInterval, kRestart);
    pthread_t thread;
    const auto body = [](void*) -> void* {
      leave_a_start_by_alarm();
      return nullptr;
    };
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    app::expect_that(pthread_create(&thread, nullptr, body, nullptr) == 0);
    pthread_sigmask(SIG_BLOCK, &alarm, nullptr);
    app::expect_that(pthread_join(thread, nullptr) == 0);
    app::report("joined");
    app::expect_ok(sam_start());
    app::report("started");
    app::expect_ok(sam_finalize());
    ::_exit(0);
  });
  application.wait_for("joined");
  find_quorum();
  application.wait_for("started");
  application.expect_exit_code(0);
}

// Another thread finalizes: the call ends, and so does supervision. With stock the process is
// restarted for ever.
TEST_F(SamLeftStartBeyondStock, EndsWhenAnotherThreadFinalizes) {
  SamProcess application([] {
    app::enter(kInterval, kRestart);
    const pthread_t thread = let_wait(start_in_a_thread);
    app::expect_ok(sam_finalize());
    app::expect_that(pthread_join(thread, nullptr) == 0);
    app::expect(g_status, CS_ERR_BAD_HANDLE);
    app::report("done");
    ::_exit(6);
  });
  application.wait_for("done");
  application.expect_exit_code(6);
  EXPECT_EQ(application.count("registered"), 1U);
}

TEST_F(SamLeftStartBeyondStock, EndsWhenAHandlerFinalizes) {
  SamProcess application([] {
    app::handle(SIGALRM, [](int) { app::expect_ok(sam_finalize()); });
    app::enter(kInterval, kRestart);
    const itimerval limit = {{0, 0}, {0, 200'000}};
    ::setitimer(ITIMER_REAL, &limit, nullptr);
    app::expect(sam_start(), CS_ERR_BAD_HANDLE);
    app::report("done");
    ::_exit(6);
  });
  application.wait_for("done");
  application.expect_exit_code(6);
  EXPECT_EQ(application.count("registered"), 1U);
}

void initialize_to_publish() {
  const auto policy = SAM_RECOVERY_POLICY_QUIT | SAM_RECOVERY_POLICY_CMAP;
  app::expect_ok(sam_initialize(kInterval, static_cast<sam_recovery_policy_t>(policy)));
}

void cancel_a_registration() {
  cancel_in_its_wait([](void*) -> void* {
    (void)sam_register(nullptr);
    return nullptr;
  });
}

// A daemon that has stopped does not answer the one that publishes.
class SamLeftRegistration : public SamDaemonTest {
 protected:
  pid_t let_it_leave(SamProcess& application) {
    const pid_t pid = application.wait_for("initialized").pid;
    daemon().pause();
    go(pid);
    application.wait_for("joined");
    return pid;
  }
};

// The application's SIGCHLD and descriptors are as before, and it can fork.
TEST_F(SamLeftRegistration, LeavesNothingWhenCancelled) {
  SamProcess application([] {
    accept_go();
    app::handle(SIGCHLD, [](int) {});
    struct sigaction before;
    ::sigaction(SIGCHLD, nullptr, &before);
    initialize_to_publish();
    const std::size_t descriptors = proc::count_descriptors(::getpid());
    app::report("initialized");
    wait_for_go();
    cancel_a_registration();
    app::expect_that(proc::count_descriptors(::getpid()) == descriptors);
    struct sigaction after;
    ::sigaction(SIGCHLD, nullptr, &after);
    app::expect_that(after.sa_handler == before.sa_handler);
    const pid_t child = ::fork();
    if (child == 0) ::_exit(3);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
    }
    app::expect_that(status == 3 << 8);
    app::report("as before");
  });
  let_it_leave(application);
  application.wait_for("as before");
  daemon().resume();
}

TEST_F(SamLeftRegistration, CanBeRepeatedWhenCancelled) {
  SamProcess application([] {
    accept_go();
    initialize_to_publish();
    app::report("initialized");
    wait_for_go();
    cancel_a_registration();
    wait_for_go();
    app::expect_ok(sam_register(nullptr));
    app::expect_ok(sam_start());
    app::report("started");
    ::_exit(7);
  });
  const pid_t pid = let_it_leave(application);
  daemon().resume();
  go(pid);
  application.wait_for("started");
  application.expect_exit_code(7);
}

}  // namespace
}  // namespace cs::test
