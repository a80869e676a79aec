// SPDX-License-Identifier: BSD-3-Clause
// Death is seen and reaped with a pidfd and without, and SIGCHLD stays the application's.
#include "sam/death_watch.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cs::sam {
namespace {

constexpr int kPatienceMs = 20000;

int no_pidfd(pid_t) {
  errno = ENOSYS;
  return -1;
}

// A child that lives until the returned end of a pipe is written to or closed, then exits.
struct Doomed {
  pid_t pid;
  int trigger;
};

Doomed make_doomed(int exit_code) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(ends[1]);
    char byte;
    while (::read(ends[0], &byte, 1) < 0) {
    }
    ::_exit(exit_code);
  }
  ::close(ends[0]);
  return {pid, ends[1]};
}

// As the supervisor waits.
bool wait_for_death(DeathWatch& watch) {
  for (int attempt = 0; attempt < 100 && !watch.has_died(); ++attempt) {
    pollfd entry{watch.fd(), POLLIN, 0};
    const timespec limit{kPatienceMs / 1000, 0};
    if (::ppoll(&entry, 1, &limit, watch.wait_mask()) == 0) return false;
  }
  return watch.has_died();
}

class SamDeathWatch : public testing::TestWithParam<PidfdOpen> {};

TEST_P(SamDeathWatch, ExitIsSeenAndReaped) {
  ChildSignal signal;
  const Doomed child = make_doomed(42);
  DeathWatch watch(child.pid, signal, GetParam());
  EXPECT_FALSE(watch.has_died());
  ::close(child.trigger);
  ASSERT_TRUE(wait_for_death(watch));
  EXPECT_EQ(watch.reap(), 42);
  EXPECT_EQ(::waitpid(child.pid, nullptr, WNOHANG), -1);
}

TEST_P(SamDeathWatch, DeathBeforeTheWatchBeginsIsSeen) {
  ChildSignal signal;
  const Doomed child = make_doomed(3);
  ::close(child.trigger);
  siginfo_t info;
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOWAIT), 0);
  DeathWatch watch(child.pid, signal, GetParam());
  ASSERT_TRUE(wait_for_death(watch));
  EXPECT_EQ(watch.reap(), 3);
}

TEST_P(SamDeathWatch, DeathBySignalIsExitCodeZero) {
  ChildSignal signal;
  const Doomed child = make_doomed(42);
  DeathWatch watch(child.pid, signal, GetParam());
  ::kill(child.pid, SIGKILL);
  ASSERT_TRUE(wait_for_death(watch));
  EXPECT_EQ(watch.reap(), 0);
  ::close(child.trigger);
}

TEST_P(SamDeathWatch, AnotherChildsDeathIsNotTaken) {
  ChildSignal signal;
  const Doomed watched = make_doomed(1);
  const Doomed other = make_doomed(2);
  DeathWatch watch(watched.pid, signal, GetParam());
  ::close(other.trigger);
  siginfo_t info;
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(other.pid), &info, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(watch.has_died());
  int status = 0;
  EXPECT_EQ(::waitpid(other.pid, &status, 0), other.pid);
  EXPECT_EQ(WEXITSTATUS(status), 2);
  ::close(watched.trigger);
  ASSERT_TRUE(wait_for_death(watch));
  EXPECT_EQ(watch.reap(), 1);
}

TEST_P(SamDeathWatch, SeenAlthoughTheApplicationIgnoresSigchld) {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  struct sigaction previous;
  ::sigaction(SIGCHLD, &ignore, &previous);
  {
    ChildSignal signal;
    const Doomed child = make_doomed(42);
    DeathWatch watch(child.pid, signal, GetParam());
    ::close(child.trigger);
    ASSERT_TRUE(wait_for_death(watch));
    EXPECT_EQ(watch.reap(), 42);
  }
  struct sigaction now;
  ::sigaction(SIGCHLD, &previous, &now);
  EXPECT_EQ(now.sa_handler, SIG_IGN);
}

TEST_P(SamDeathWatch, MaskIsGivenBack) {
  sigset_t before, after;
  ::sigprocmask(SIG_SETMASK, nullptr, &before);
  {
    ChildSignal signal;
    const Doomed child = make_doomed(0);
    DeathWatch watch(child.pid, signal, GetParam());
    ::close(child.trigger);
    EXPECT_EQ(watch.reap(), 0);
  }
  ::sigprocmask(SIG_SETMASK, nullptr, &after);
  for (int number = 1; number < SIGRTMIN; ++number) {
    EXPECT_EQ(sigismember(&before, number), sigismember(&after, number)) << number;
  }
}

INSTANTIATE_TEST_SUITE_P(Pidfd, SamDeathWatch, testing::Values(PidfdOpen(open_pidfd)));
INSTANTIATE_TEST_SUITE_P(Sigchld, SamDeathWatch, testing::Values(PidfdOpen(no_pidfd)));

}  // namespace
}  // namespace cs::sam
