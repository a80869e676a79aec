// SPDX-License-Identifier: BSD-3-Clause
// SIGCHLD stays the application's: its disposition, its mask, its handler for its other children.
#include "sam/supervisor/child_signal.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <optional>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "sam_units/in_child.h"

namespace cs::sam {
namespace {

pid_t make_dead_child(int exit_code) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(exit_code);
  siginfo_t info;
  EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  return pid;
}

bool is_reaped(pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) == -1; }

struct Seen {
  pid_t pid;
  int code;
  int status;
  pid_t waited_for;
};
std::vector<Seen> g_seen;
pid_t g_dies_meanwhile = 0;

void note_only(int) { g_seen.push_back({}); }

void note_info(int, siginfo_t* info, void* context) {
  g_seen.push_back({info->si_pid, info->si_code, info->si_status, context != nullptr ? 1 : 0});
}

void wait_for_all(int) {
  if (g_dies_meanwhile != 0) {
    ::kill(g_dies_meanwhile, SIGUSR1);
    siginfo_t info;
    ::waitid(P_PID, static_cast<id_t>(g_dies_meanwhile), &info, WEXITED | WNOWAIT);
  }
  int status = 0;
  for (pid_t child; (child = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    g_seen.push_back({0, 0, status, child});
  }
}

// The application's disposition, given back at the end of the case.
class SamChildSignal : public testing::Test {
 protected:
  SamChildSignal() {
    g_seen.clear();
    g_dies_meanwhile = 0;
    ::sigaction(SIGCHLD, nullptr, &before_);
  }
  ~SamChildSignal() override { ::sigaction(SIGCHLD, &before_, nullptr); }

  static void install(void (*handler)(int), int flags = 0) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    ::sigaction(SIGCHLD, &action, nullptr);
  }

  struct sigaction before_;
};

TEST_F(SamChildSignal, DispositionAndMaskAreGivenBack) {
  install(SIG_IGN);
  sigset_t before, after;
  ::sigprocmask(SIG_SETMASK, nullptr, &before);
  { const ChildSignal signal; }
  ::sigprocmask(SIG_SETMASK, nullptr, &after);
  for (int number = 1; number < SIGRTMIN; ++number) {
    EXPECT_EQ(sigismember(&before, number), sigismember(&after, number)) << number;
  }
  struct sigaction now;
  ::sigaction(SIGCHLD, nullptr, &now);
  EXPECT_EQ(now.sa_handler, SIG_IGN);
}

TEST_F(SamChildSignal, ChildrenAreReapedAndTheStatusOfTheInstanceIsReturned) {
  install(SIG_IGN);
  ChildSignal signal;
  const pid_t other = make_dead_child(6);
  const pid_t instance = make_dead_child(5);
  const pid_t another = make_dead_child(7);
  const auto status = signal.reap_others(instance);
  ASSERT_TRUE(status);
  EXPECT_EQ(WEXITSTATUS(*status), 5);
  for (const pid_t child : {other, instance, another}) EXPECT_TRUE(is_reaped(child));
}

TEST_F(SamChildSignal, InstanceIsReapedBeforeTheHandlerRuns) {
  install(wait_for_all);
  ChildSignal signal;
  const pid_t other = make_dead_child(6);
  const pid_t instance = make_dead_child(5);
  const auto status = signal.reap_others(instance);
  ASSERT_TRUE(status);
  EXPECT_EQ(WEXITSTATUS(*status), 5);
  ASSERT_EQ(g_seen.size(), 1U);
  EXPECT_EQ(g_seen[0].waited_for, other);
}

// As it sets SA_NOCLDWAIT, which makes the exit codes of all its children go away.
TEST_F(SamChildSignal, NoChildGoesAwayUnseen) {
  install(SIG_DFL, SA_NOCLDWAIT);
  ChildSignal signal;
  const pid_t instance = make_dead_child(5);
  const auto status = signal.reap_others(instance);
  ASSERT_TRUE(status);
  EXPECT_EQ(WEXITSTATUS(*status), 5);
}

TEST_F(SamChildSignal, HandlerRunsForEachOtherChildWithItsOwnInfo) {
  struct sigaction action {};
  action.sa_sigaction = note_info;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGCHLD, &action, nullptr);
  ChildSignal signal;
  const pid_t first = make_dead_child(6);
  const pid_t second = make_dead_child(7);
  EXPECT_FALSE(signal.reap_others(0));
  ASSERT_EQ(g_seen.size(), 2U);
  EXPECT_EQ(g_seen[0].pid + g_seen[1].pid, first + second);
  for (const Seen& seen : g_seen) {
    EXPECT_EQ(seen.code, CLD_EXITED);
    EXPECT_EQ(seen.status, seen.pid == first ? 6 : 7);
    EXPECT_EQ(seen.waited_for, 1);
  }
  EXPECT_TRUE(is_reaped(first));
  EXPECT_TRUE(is_reaped(second));
}

TEST_F(SamChildSignal, HandlerMayReapByItself) {
  install(wait_for_all);
  ChildSignal signal;
  const pid_t other = make_dead_child(6);
  EXPECT_FALSE(signal.reap_others(0));
  ASSERT_EQ(g_seen.size(), 1U);
  EXPECT_EQ(g_seen[0].waited_for, other);
}

TEST_F(SamChildSignal, HandlerThatTakesTheDyingInstanceLeavesItsStatus) {
  install(wait_for_all);
  ChildSignal signal;
  const pid_t instance = ::fork();
  if (instance == 0) {
    for (;;) ::pause();
  }
  make_dead_child(6);
  g_dies_meanwhile = instance;
  const auto status = signal.reap_others(instance);
  ASSERT_TRUE(status);
  EXPECT_TRUE(WIFSIGNALED(*status));
  EXPECT_EQ(WTERMSIG(*status), SIGUSR1);
  EXPECT_TRUE(is_reaped(instance));
}

void note_a_death_meanwhile(int) {
  note_only(0);
  const pid_t instance = std::exchange(g_dies_meanwhile, 0);
  if (instance == 0) return;
  ::kill(instance, SIGUSR1);
  siginfo_t info;
  ::waitid(P_PID, static_cast<id_t>(instance), &info, WEXITED | WNOWAIT);
}

// It is not the application's child, and leaves no zombie.
TEST_F(SamChildSignal, HandlerDoesNotRunForAnInstanceThatDiesMeanwhile) {
  install(note_a_death_meanwhile);
  ChildSignal signal;
  const pid_t instance = g_dies_meanwhile = ::fork();
  if (instance == 0) {
    for (;;) ::pause();
  }
  make_dead_child(6);
  const std::optional<int> status = signal.reap_others(instance);
  ASSERT_TRUE(status);
  EXPECT_EQ(WTERMSIG(*status), SIGUSR1);
  EXPECT_FALSE(signal.reap_others(0));
  EXPECT_EQ(g_seen.size(), 1U);
  EXPECT_TRUE(is_reaped(instance));
}

TEST_F(SamChildSignal, HandlerDoesNotRunWhereTheApplicationBlocksTheSignal) {
  install(note_only);
  sigset_t child, before;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child, &before);
  {
    ChildSignal signal;
    const pid_t other = make_dead_child(6);
    EXPECT_FALSE(signal.reap_others(0));
    EXPECT_TRUE(is_reaped(other));
  }
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  EXPECT_TRUE(g_seen.empty());  // what was pending went with the child
}

TEST_F(SamChildSignal, HandlerOfOneShotRunsOnce) {
  install(note_only, static_cast<int>(SA_RESETHAND));
  ChildSignal signal;
  const pid_t first = make_dead_child(6);
  const pid_t second = make_dead_child(7);
  EXPECT_FALSE(signal.reap_others(0));
  EXPECT_EQ(g_seen.size(), 1U);
  EXPECT_TRUE(is_reaped(first));
  EXPECT_TRUE(is_reaped(second));
}

TEST_F(SamChildSignal, DeathEndsAWaitThatBeginsAfterwards) {
  ChildSignal signal;
  EXPECT_EQ(signal.wait_mask(), nullptr);  // the application has no interest in it
  signal.listen();
  make_dead_child(0);
  const timespec limit{20, 0};
  EXPECT_EQ(::ppoll(nullptr, 0, &limit, signal.wait_mask()), -1);
  EXPECT_GT(::waitpid(-1, nullptr, 0), 0);
}

bool is_blocked() {
  sigset_t mask;
  ::sigprocmask(SIG_SETMASK, nullptr, &mask);
  return sigismember(&mask, SIGCHLD) == 1;
}

void install_another(int) {
  g_seen.push_back({});
  struct sigaction action {};
  action.sa_sigaction = note_info;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGCHLD, &action, nullptr);
}

TEST_F(SamChildSignal, IgnoredIsNoHandlerWhateverTheFlagsSay) {
  install(SIG_IGN, SA_SIGINFO);
  ChildSignal signal;
  EXPECT_EQ(in_child([&] {
              make_dead_child(6);
              EXPECT_FALSE(signal.reap_others(0));
            }),
            0);
}

TEST_F(SamChildSignal, HandlerMayInstallAnother) {
  install(install_another);
  ChildSignal signal;
  make_dead_child(6);
  EXPECT_FALSE(signal.reap_others(0));
  struct sigaction now;
  ::sigaction(SIGCHLD, nullptr, &now);
  EXPECT_NE(now.sa_sigaction, note_info);  // the supervisor listens, and calls it
  const pid_t second = make_dead_child(7);
  EXPECT_FALSE(signal.reap_others(0));
  ASSERT_EQ(g_seen.size(), 2U);
  EXPECT_EQ(g_seen[1].pid, second);
  signal.give_back();
  ::sigaction(SIGCHLD, nullptr, &now);
  EXPECT_EQ(now.sa_sigaction, note_info);
}

void note_mask(int) {
  sigset_t mask;
  ::sigprocmask(SIG_SETMASK, nullptr, &mask);
  for (const int number : {SIGCHLD, SIGTERM, SIGHUP, SIGUSR1}) {
    g_seen.push_back({0, number, sigismember(&mask, number), 0});
  }
}

// And not the supervisor's: what it starts with posix_spawn has that mask for life. SIGTERM is
// passed on here, so it is blocked between two waits.
TEST_F(SamChildSignal, HandlerRunsWithTheMaskOfTheApplication) {
  EXPECT_EQ(in_child([] {
              struct sigaction action {};
              action.sa_handler = note_mask;
              sigaddset(&action.sa_mask, SIGUSR1);
              ::sigaction(SIGCHLD, &action, nullptr);
              sigset_t hup;
              sigset_t term;
              sigemptyset(&hup);
              sigemptyset(&term);
              sigaddset(&hup, SIGHUP);
              sigaddset(&term, SIGTERM);
              ::sigprocmask(SIG_BLOCK, &hup, nullptr);
              ChildSignal signal;
              ::sigprocmask(SIG_BLOCK, &term, nullptr);
              make_dead_child(6);
              EXPECT_FALSE(signal.reap_others(0));
              ASSERT_EQ(g_seen.size(), 4U);
              for (const Seen& seen : g_seen) {
                EXPECT_EQ(seen.status, seen.code != SIGTERM ? 1 : 0) << seen.code;
              }
              sigset_t after;
              ::sigprocmask(SIG_SETMASK, nullptr, &after);
              EXPECT_EQ(sigismember(&after, SIGTERM), 1);
              EXPECT_EQ(sigismember(&after, SIGUSR1), 0);
            }),
            0);
}

void change_errno(int) { errno = EXDEV; }

TEST_F(SamChildSignal, HandlerLeavesErrnoAlone) {
  install(change_errno);
  ChildSignal signal;
  const pid_t instance = ::fork();
  if (instance == 0) {
    for (;;) ::pause();
  }
  make_dead_child(6);
  errno = EDOM;
  EXPECT_FALSE(signal.reap_others(instance));
  EXPECT_EQ(errno, EDOM);
  ::kill(instance, SIGKILL);
  ::waitpid(instance, nullptr, 0);
}

// It is about a child that has been taken care of.
TEST_F(SamChildSignal, PendingSignalGoesWithIt) {
  install(note_only);
  {
    ChildSignal signal;
    const pid_t instance = make_dead_child(5);
    EXPECT_EQ(::waitpid(instance, nullptr, 0), instance);
  }
  EXPECT_FALSE(is_blocked());
  EXPECT_TRUE(g_seen.empty());
}

TEST_F(SamChildSignal, CopyHasTheApplicationsMaskAndHandler) {
  install(note_only);
  const ChildSignal signal;
  EXPECT_TRUE(is_blocked());
  EXPECT_EQ(in_child([&] {
              signal.give_back_to_copy();
              EXPECT_FALSE(is_blocked());
              struct sigaction now;
              ::sigaction(SIGCHLD, nullptr, &now);
              EXPECT_EQ(now.sa_handler, note_only);
            }),
            0);
  EXPECT_TRUE(is_blocked());
}

// Where orphans come to this process there is always something to be reaped.
TEST_F(SamChildSignal, OrphansAreListenedFor) {
  install(SIG_DFL);
  EXPECT_EQ(in_child([] {
              if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return;  // under an emulator
              const ChildSignal signal;
              EXPECT_TRUE(is_blocked());
            }),
            0);
}

}  // namespace
}  // namespace cs::sam
