// SPDX-License-Identifier: BSD-3-Clause
// SAM_ORPHAN=kill, where the supervisor dies while its instance asks the kernel for its own death.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdlib>

#include <gtest/gtest.h>

#include "support/sam_process.h"

namespace cs::test {
namespace {

pid_t g_supervisor = -1;

// It is gone when this returns.
void end_supervisor() {
  app::report("asks");
  ::kill(g_supervisor, SIGKILL);
  while (::getppid() == g_supervisor) app::pause_for(1);
}

}  // namespace
}  // namespace cs::test

// In place of libc's, for the library.
extern "C" int prctl(int option, ...) {
  va_list rest;
  va_start(rest, option);
  const unsigned long argument = va_arg(rest, unsigned long);
  va_end(rest);
  const bool is_instance = ::getppid() == cs::test::g_supervisor;
  if (option == PR_SET_PDEATHSIG && is_instance) cs::test::end_supervisor();
  return static_cast<int>(::syscall(SYS_prctl, option, argument, 0L, 0L, 0L));
}

namespace cs::test {
namespace {

TEST(SamOrphanRace, SupervisorThatDiesJustBeforeIsNotOutlived) {
  SamProcess application([] {
    ::setenv("SAM_ORPHAN", "kill", 1);
    g_supervisor = app::supervisor();
    app::enter(60'000, SAM_RECOVERY_POLICY_RESTART);
    app::expect_ok(sam_start());
    app::sleep_forever();
  });
  const int status = application.wait_for_orphan(application.wait_for("asks").pid);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
}

}  // namespace
}  // namespace cs::test
