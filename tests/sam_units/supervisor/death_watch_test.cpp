// SPDX-License-Identifier: BSD-3-Clause
// Death is seen and reaped with a pidfd and without.
#include "sam/supervisor/death_watch.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdio>
#include <optional>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sam/supervisor/child_signal.h"
#include "sam/supervisor/linux_world.h"
#include "sam_units/in_child.h"

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
bool wait_for_death(DeathWatch& watch, const ChildSignal& signal) {
  for (int attempt = 0; attempt < 100 && !watch.has_died(); ++attempt) {
    pollfd entry{watch.fd(), POLLIN, 0};
    const timespec limit{kPatienceMs / 1000, 0};
    const int ready = ::ppoll(&entry, 1, &limit, signal.wait_mask());
    if (ready == 0) return false;
    if (ready > 0) watch.note_readable();
  }
  return watch.has_died();
}

void wait_until_dead(pid_t child) {
  siginfo_t info;
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
}

class SamDeathWatch : public testing::TestWithParam<PidfdOpen> {
 protected:
  DeathWatch watch_child(pid_t pid) { return DeathWatch(world_, pid); }
  DeathWatch watch_stranger(pid_t pid) {
    return DeathWatch(world_, pid, DeathWatch::Kind::kStranger);
  }

  SamDeathWatch() { signal_.listen(); }

  ChildSignal signal_;
  QuorumClient quorum_;
  Store store_;
  OperatorSettings nothing_asked_;
  LinuxWorld world_{quorum_, store_, nothing_asked_, GetParam()};
};

TEST_P(SamDeathWatch, ExitIsSeenAndReaped) {
  const Doomed child = make_doomed(42);
  DeathWatch watch = watch_child(child.pid);
  EXPECT_FALSE(watch.has_died());
  ::close(child.trigger);
  ASSERT_TRUE(wait_for_death(watch, signal_));
  EXPECT_EQ(watch.exit_code(), 42);
  EXPECT_TRUE(watch.has_failed());
  EXPECT_EQ(::waitpid(child.pid, nullptr, WNOHANG), -1);
}

TEST_P(SamDeathWatch, ExitWithZeroIsNoFailure) {
  const Doomed child = make_doomed(0);
  DeathWatch watch = watch_child(child.pid);
  ::close(child.trigger);
  ASSERT_TRUE(wait_for_death(watch, signal_));
  EXPECT_FALSE(watch.has_failed());
}

TEST_P(SamDeathWatch, DeathBeforeTheWatchBeginsIsSeen) {
  const Doomed child = make_doomed(3);
  ::close(child.trigger);
  wait_until_dead(child.pid);
  DeathWatch watch = watch_child(child.pid);
  ASSERT_TRUE(wait_for_death(watch, signal_));
  EXPECT_EQ(watch.exit_code(), 3);
}

TEST_P(SamDeathWatch, DeathBySignalIsExitCodeZeroAndAFailure) {
  const Doomed child = make_doomed(42);
  DeathWatch watch = watch_child(child.pid);
  watch.send_signal(SIGKILL);
  ASSERT_TRUE(wait_for_death(watch, signal_));
  EXPECT_EQ(watch.exit_code(), 0);
  EXPECT_TRUE(watch.has_failed());
  ::close(child.trigger);
}

TEST_P(SamDeathWatch, AnotherChildsDeathIsNotTaken) {
  const Doomed watched = make_doomed(1);
  const Doomed other = make_doomed(2);
  DeathWatch watch = watch_child(watched.pid);
  ::close(other.trigger);
  wait_until_dead(other.pid);
  EXPECT_FALSE(watch.has_died());
  int status = 0;
  EXPECT_EQ(::waitpid(other.pid, &status, 0), other.pid);
  EXPECT_EQ(WEXITSTATUS(status), 2);
  ::close(watched.trigger);
  ASSERT_TRUE(wait_for_death(watch, signal_));
  EXPECT_EQ(watch.exit_code(), 1);
}

TEST_P(SamDeathWatch, StrangersDeathIsSeen) {
  const Doomed stranger = make_doomed(7);
  DeathWatch watch = watch_stranger(stranger.pid);
  EXPECT_FALSE(watch.has_died());
  ::close(stranger.trigger);
  // Its parent, which happens to be here, has to reap it before it is gone without a pidfd.
  ASSERT_EQ(::waitpid(stranger.pid, nullptr, 0), stranger.pid);
  EXPECT_TRUE(watch.has_died());
}

// Here its parent does not reap it, as that of an orphan may not: not before it has been seen.
TEST_P(SamDeathWatch, StrangerThatNobodyReapsIsDeadAllTheSame) {
  const Doomed stranger = make_doomed(7);
  DeathWatch watch = watch_stranger(stranger.pid);
  EXPECT_FALSE(watch.has_died());
  ::close(stranger.trigger);
  wait_until_dead(stranger.pid);
  EXPECT_TRUE(watch.has_died());
  EXPECT_TRUE(watch.has_failed());
  EXPECT_EQ(watch.exit_code(), 7);
  EXPECT_EQ(::waitpid(stranger.pid, nullptr, 0), stranger.pid);
}

TEST_P(SamDeathWatch, StrangerIsSentSignals) {
  const Doomed stranger = make_doomed(7);
  DeathWatch watch = watch_stranger(stranger.pid);
  watch.send_signal(SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(stranger.pid, &status, 0), stranger.pid);
  EXPECT_TRUE(WIFSIGNALED(status));
  ::close(stranger.trigger);
}

TEST_P(SamDeathWatch, UnknownStrangerNeverDies) {
  DeathWatch watch = watch_stranger(0);
  EXPECT_FALSE(watch.has_died());
  watch.send_signal(SIGKILL);  // to nobody, and not to our own group
  EXPECT_FALSE(watch.next_look(0).is_never());
}

// The kernel tells it through the pidfd, from Linux 6.15 on.
// Whether this kernel tells, by a pidfd, how a process ended that has been reaped: from 6.15 on. An
// emulator may not pass the question on.
bool kernel_tells_of_reaped() {
  utsname machine;
  int major = 0, minor = 0;
  if (::uname(&machine) != 0 || std::sscanf(machine.release, "%d.%d", &major, &minor) != 2) {
    return false;
  }
  const UniqueFd self(open_pidfd(::getpid()));
  struct alignas(8) {
    char bytes[64];
  } info = {};
  return (major > 6 || (major == 6 && minor >= 15)) && self &&
         ::ioctl(self.get(), _IOWR(0xff, 11, info), &info) == 0;
}

TEST_P(SamDeathWatch, ExitCodeIsKnownThoughSomebodyElseReaped) {
  const Doomed child = make_doomed(11);
  DeathWatch watch = watch_child(child.pid);
  ::close(child.trigger);
  ASSERT_EQ(::waitpid(child.pid, nullptr, 0), child.pid);
  EXPECT_TRUE(watch.has_died());
  EXPECT_EQ(watch.exit_code(), kernel_tells_of_reaped() && watch.fd() >= 0 ? 11 : 0);
}

TEST_P(SamDeathWatch, EndThatIsWaitedForIsSeenThroughSignals) {
  struct sigaction alarm {};
  struct sigaction before {};
  alarm.sa_handler = [](int) {};
  ::sigaction(SIGALRM, &alarm, &before);
  const pid_t child = ::fork();
  if (child == 0) {
    ::poll(nullptr, 0, 100);
    ::_exit(7);
  }
  DeathWatch watch = watch_child(child);
  const itimerval often = {{0, 5000}, {0, 5000}};
  ::setitimer(ITIMER_REAL, &often, nullptr);
  watch.wait_for_end();
  const itimerval never = {};
  ::setitimer(ITIMER_REAL, &never, nullptr);
  ::sigaction(SIGALRM, &before, nullptr);
  EXPECT_TRUE(watch.has_died());
  EXPECT_EQ(watch.exit_code(), 7);
}

// Where it has changed its user, say.
TEST_P(SamDeathWatch, StrangerThatMayNotBeSignalledLives) {
  EXPECT_EQ(in_child([this] {
              DeathWatch watch = watch_stranger(1);
              if (::geteuid() == 0) {
                ASSERT_EQ(::setresuid(65534, 65534, 65534), 0);
              }
              ASSERT_NE(::kill(1, 0), 0);
              EXPECT_FALSE(watch.has_died());
            }),
            0);
}

// Nothing would wake us: the death came before there was anybody to hear its signal.
TEST(SamDeathWatchOfAChild, IsLookedAtOnceWithoutAPidfd) {
  const Doomed child = make_doomed(0);
  QuorumClient quorum;
  Store store;
  const OperatorSettings nothing_asked;
  LinuxWorld world(quorum, store, nothing_asked, no_pidfd);
  DeathWatch watch(world, child.pid);
  EXPECT_TRUE(watch.next_look(5).has_passed(5));
  EXPECT_FALSE(watch.has_died());
  EXPECT_TRUE(watch.next_look(5).is_never());
  ::close(child.trigger);
  watch.wait_for_end();
}

// A tracer that is a process of its own, and takes over the child before its death.
TEST_P(SamDeathWatch, DeadChildHeldByATracerIsWaitedForWithoutPolling) {
  const Doomed child = make_doomed(9);
  int seized[2], release[2];
  ASSERT_EQ(::pipe(seized), 0);
  ASSERT_EQ(::pipe(release), 0);
  const pid_t tracer = ::fork();
  if (tracer == 0) {
    char byte = ::ptrace(PTRACE_SEIZE, child.pid, 0, 0) == 0 ? 'y' : 'n';
    (void)!::write(seized[1], &byte, 1);
    ::close(release[1]);
    (void)!::read(release[0], &byte, 1);
    ::_exit(0);
  }
  char answer = 0;
  ASSERT_EQ(::read(seized[0], &answer, 1), 1);
  if (answer != 'y') GTEST_SKIP() << "tracing is not allowed here";
  DeathWatch watch = watch_child(child.pid);
  ::kill(child.pid, SIGKILL);
  ::close(child.trigger);
  if (watch.fd() >= 0) {
    pollfd entry{watch.fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&entry, 1, kPatienceMs), 1);
    watch.note_readable();
    EXPECT_FALSE(watch.has_died());
    EXPECT_EQ(watch.fd(), -1);
    EXPECT_FALSE(watch.next_look(0).is_never());
  }
  ::close(release[1]);
  ASSERT_EQ(::waitpid(tracer, nullptr, 0), tracer);
  watch.wait_for_end();
  EXPECT_TRUE(watch.has_died());
  for (const int end : {seized[0], seized[1], release[0]}) ::close(end);
}

INSTANTIATE_TEST_SUITE_P(Pidfd, SamDeathWatch, testing::Values(PidfdOpen(open_pidfd)));
INSTANTIATE_TEST_SUITE_P(Sigchld, SamDeathWatch, testing::Values(PidfdOpen(no_pidfd)));

}  // namespace
}  // namespace cs::sam
