// SPDX-License-Identifier: BSD-3-Clause
// The line in which the kernel describes a process.
#include "sam/shared/proc_stat.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

namespace cs::sam {
namespace {

// A child that has ended so, and that nobody has reaped.
template <typename Body>
pid_t make_zombie(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    body();
    ::_exit(7);
  }
  siginfo_t info;
  EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  return child;
}

TEST(SamProcStat, TellsAZombieAndItsEnd) {
  const pid_t child = make_zombie([] {});
  EXPECT_TRUE(ProcStat(child).is_zombie());
  EXPECT_EQ(ProcStat(child).wait_status(), 7 << 8);
  ::waitpid(child, nullptr, 0);
  EXPECT_FALSE(ProcStat(child).is_zombie());
  EXPECT_FALSE(ProcStat(::getpid()).is_zombie());
}

TEST(SamProcStat, IsNotMisledByTheName) {
  const pid_t child = make_zombie([] { ::prctl(PR_SET_NAME, "a) S 1 (b"); });
  EXPECT_TRUE(ProcStat(child).is_zombie());
  ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace cs::sam
