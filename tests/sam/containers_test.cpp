// SPDX-License-Identifier: BSD-3-Clause
// SAM across namespaces of process ids: as the first process of a container, and with an instance
// that has one of its own. Cases of a suite *BeyondStock fail with the distribution's library.
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include <gtest/gtest.h>

#include "support/child.h"
#include "support/proc.h"
#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kOrphans = 20;

// Returns in a process that is the first of its container; the caller waits for it and exits alike.
void enter_a_container() {
  app::expect_that(::unshare(CLONE_NEWPID) == 0);
  const pid_t first = ::fork();
  app::expect_that(first >= 0);
  if (first == 0) return;
  int status = 0;
  while (::waitpid(first, &status, 0) < 0) app::expect_that(errno == EINTR);
  ::_exit(WEXITSTATUS(status));
}

void expect_no_zombies(void (*handler)(int)) {
  SamProcess application([handler] {
    enter_a_container();
    app::handle(SIGCHLD, handler);
    const unsigned id = app::enter(0, SAM_RECOVERY_POLICY_RESTART);
    app::expect_ok(sam_start());
    app::make_orphans(kOrphans);
    app::report("made", id);
    app::sleep_forever();
  });
  for (int i = 0; i < kOrphans; ++i) application.wait_for("orphan ends");
  const auto inside = proc::children(application.supervisor());
  ASSERT_EQ(inside.size(), 1U);  // the supervisor, as it is seen from here
  EXPECT_TRUE(eventually([&] { return proc::count_zombies_of(inside.front()) == 0; },
                         milliseconds(patience() / 1'000'000)));
  EXPECT_EQ(application.count("registered"), 1U);
}

TEST(SamContainer, FirstProcessReapsOrphansWhereSigchldIsIgnored) { expect_no_zombies(SIG_IGN); }
TEST(SamContainer, FirstProcessReapsOrphansByAHandler) { expect_no_zombies(app::reap_all); }
TEST(SamContainerBeyondStock, FirstProcessReapsOrphansInAnyCase) { expect_no_zombies(SIG_DFL); }

TEST(SamContainer, DaemonsAreFollowedThere) {
  SamProcess application([] {
    enter_a_container();
    const unsigned id = app::enter(0, SAM_RECOVERY_POLICY_RESTART);
    app::expect_that(::daemon(1, 1) == 0);
    app::expect_ok(sam_start());
    app::report("at work", id);
    if (id < 4) app::die_by(SIGKILL);
    app::expect_ok(sam_finalize());
    ::_exit(0);
  });
  for (int id = 1; id <= 4; ++id) EXPECT_EQ(application.wait_for("at work").value, id);
  application.expect_exit_code(0);
}

// The process ids that it knows are those of others here, which nobody may take for its own.
TEST(SamContainer, OfTheInstanceHasItsOwnProcessIds) {
  SamProcess application([] {
    app::expect_ok(sam_initialize(0, SAM_RECOVERY_POLICY_QUIT));
    app::expect_that(::unshare(CLONE_NEWPID) == 0);
    app::register_instance();
    app::expect_that(::getpid() == 1);
    app::expect_ok(sam_start());
    for (int i = 0; i < 3; ++i) {
      if (::fork() == 0) {
        (void)sam_hc_send();
        app::report("helper");
        app::sleep_forever();
      }
    }
    app::pause_for(50);
    ::_exit(0);  // and with it all that is there
  });
  for (int i = 0; i < 3; ++i) application.wait_for("helper");
  application.expect_exit_code(0);
}

}  // namespace
}  // namespace cs::test
