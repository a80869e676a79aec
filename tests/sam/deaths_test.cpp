// SPDX-License-Identifier: BSD-3-Clause
// How a death is noticed, whatever the dead has left open and whoever waits for children. Cases of
// a suite *BeyondStock fail with the distribution's library.
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "support/child.h"
#include "support/proc.h"
#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kQuit = SAM_RECOVERY_POLICY_QUIT;
constexpr int kRestart = SAM_RECOVERY_POLICY_RESTART;
constexpr int kInterval = 60'000;

// A grandchild inherits whatever is open and outlives its parent.
[[noreturn]] void die_leaving_a_grandchild() {
  if (::fork() == 0) app::sleep_forever();
  app::die_by(SIGKILL);
}

TEST(SamDeathBeyondStock, DeathIsNoticedThoughAGrandchildLives) {
  SamProcess application([] {
    const unsigned id = app::enter(0, kRestart);
    app::expect_ok(sam_start());
    if (id == 1) die_leaving_a_grandchild();
    app::sleep_forever();
  });
  application.wait_for("registered");
  EXPECT_EQ(application.wait_for("registered").value, 2);
}

TEST(SamDeathBeyondStock, DeathUnderQuitIsNoticedThoughAGrandchildLives) {
  SamProcess application([] {
    app::enter(0, kQuit);
    app::expect_ok(sam_start());
    die_leaving_a_grandchild();
  });
  EXPECT_TRUE(eventually([&] { return proc::state(application.supervisor()) == 'Z'; },
                         milliseconds(patience() / 1'000'000)));
}

TEST(SamDeathBeyondStock, IgnoredSigchldDoesNotLoseTheExitCode) {
  SamProcess application([] {
    ::signal(SIGCHLD, SIG_IGN);
    const unsigned id = app::enter(kInterval, kRestart);
    struct sigaction own = {};
    ::sigaction(SIGCHLD, nullptr, &own);
    app::expect_that(own.sa_handler == SIG_IGN);
    if (id == 3) ::_exit(7);
    app::expect_ok(sam_start());
    ::_exit(1);
  });
  application.expect_exit_code(7);
  EXPECT_EQ(application.count("registered"), 3U);
}

void reap_everything(int) {
  const int error = errno;
  app::report("handler");
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  errno = error;
}

TEST(SamDeathBeyondStock, HandledSigchldDoesNotStealTheExitCode) {
  SamProcess application([] {
    app::handle(SIGCHLD, reap_everything);
    const unsigned id = app::enter(kInterval, kRestart);
    struct sigaction own = {};
    ::sigaction(SIGCHLD, nullptr, &own);
    app::expect_that(own.sa_handler == reap_everything);
    if (id == 3) ::_exit(7);
    app::expect_ok(sam_start());
    ::_exit(1);
  });
  application.expect_exit_code(7);
  EXPECT_EQ(application.count("registered"), 3U);
  EXPECT_EQ(application.count("handler"), 0U) << application.story();
}

// The supervisor is held up until its active process, which waits for an answer, is dead.
TEST(SamDeathBeyondStock, DeathWhileTheSupervisorAnswersIsRecovered) {
  SamProcess application([] {
    const unsigned id = app::enter(0, kRestart);
    app::expect_ok(sam_start());
    app::report("started", id);
    if (id > 1) app::sleep_forever();
    app::stop_supervisor();
    sam_warn_signal_set(SIGUSR1);
    app::sleep_forever();
  });
  const Report first = application.wait_for("started");
  ASSERT_TRUE(becomes('T', application.supervisor()));
  ASSERT_TRUE(becomes('S', first.pid));  // asked, and waits
  ::kill(first.pid, SIGKILL);
  ASSERT_TRUE(becomes('Z', first.pid));
  ::kill(application.supervisor(), SIGCONT);
  EXPECT_EQ(application.wait_for("started").value, 2);
}

// As daemons do: everything but the standard streams is closed, SAM's pipes with it.
TEST(SamClosedDescriptors, AreNotADeath) {
  SamProcess application([] {
    const unsigned id = app::enter(0, kRestart);
    app::expect_ok(sam_start());
    if (id == 1) {
      for (int fd = 3; fd < 256; ++fd) {
        if (fd != app::report_fd()) ::close(fd);
      }
    }
    app::report("closed", id);
    app::sleep_forever();
  });
  const Report first = application.wait_for("closed");
  application.expect_none("returned in supervisor", 500);
  EXPECT_EQ(application.count("registered"), 1U) << application.story();
  EXPECT_TRUE(proc::exists(first.pid));
  ::kill(first.pid, SIGKILL);
  EXPECT_EQ(application.wait_for("closed").value, 2);
}

}  // namespace
}  // namespace cs::test
