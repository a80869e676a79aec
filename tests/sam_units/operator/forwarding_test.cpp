// SPDX-License-Identifier: BSD-3-Clause
// Signals that are noted in place of what the application does with them.
#include "sam/operator/forwarding.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "sam_units/in_child.h"

namespace cs::sam {
namespace {

std::atomic<int> g_handled = 0;
void count(int) { ++g_handled; }

class SamForwarding : public testing::Test {
 protected:
  SamForwarding() {
    struct sigaction counting {};
    counting.sa_handler = count;
    ::sigaction(SIGHUP, &counting, nullptr);
    ::sigaction(SIGTERM, &counting, nullptr);
    g_handled = 0;
  }
  ~SamForwarding() override {
    ::signal(SIGHUP, SIG_DFL);
    ::signal(SIGTERM, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, nullptr);
  }

  static SignalSet hup_and_term() {
    SignalSet signals;
    signals.add(SIGHUP);
    signals.add(SIGTERM);
    return signals;
  }
  // As the supervisor does; true when a signal ended it.
  static bool wait(const Forwarding& forwarding, int seconds) {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    forwarding.let_in(mask);
    const timespec limit{seconds, 0};
    return ::ppoll(nullptr, 0, &limit, &mask) < 0 && errno == EINTR;
  }
};

TEST_F(SamForwarding, NotesASignalAndTellsIt) {
  Forwarding forwarding;
  forwarding.begin(hup_and_term());
  ::raise(SIGHUP);
  EXPECT_TRUE(wait(forwarding, 30));
  const auto arrived = forwarding.next();
  ASSERT_TRUE(arrived);
  EXPECT_EQ(arrived->number, SIGHUP);
  EXPECT_FALSE(arrived->is_of_terminal);
  EXPECT_FALSE(forwarding.next());
  EXPECT_EQ(g_handled, 0);
}

TEST_F(SamForwarding, TellsASignalThatNoWaitHasLetIn) {
  Forwarding forwarding;
  forwarding.begin(hup_and_term());
  ::raise(SIGHUP);
  EXPECT_EQ(forwarding.next()->number, SIGHUP);
  EXPECT_FALSE(forwarding.next());
}

TEST_F(SamForwarding, TellsAStopFirstAndLeavesTheOthers) {
  Forwarding forwarding;
  forwarding.begin(hup_and_term());
  ::raise(SIGHUP);
  ::raise(SIGTERM);
  while (wait(forwarding, 0)) {
  }
  EXPECT_EQ(forwarding.next(Forwarding::Which::kStops)->number, SIGTERM);
  EXPECT_FALSE(forwarding.next(Forwarding::Which::kStops));
  EXPECT_EQ(forwarding.next()->number, SIGHUP);
}

TEST_F(SamForwarding, HearsOfASignalThatWasIgnoredOrBlocked) {
  ::signal(SIGHUP, SIG_IGN);
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &term, nullptr);
  {
    Forwarding forwarding;
    forwarding.begin(hup_and_term());
    ::raise(SIGHUP);
    ::raise(SIGTERM);
    while (wait(forwarding, 0)) {
    }
    EXPECT_EQ(forwarding.next()->number, SIGTERM);
    EXPECT_EQ(forwarding.next()->number, SIGHUP);
  }
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_EQ(sigismember(&mask, SIGTERM), 1);
  EXPECT_EQ(sigismember(&mask, SIGHUP), 0);
}

TEST_F(SamForwarding, GivesBackWhatItFound) {
  {
    Forwarding forwarding;
    forwarding.begin(hup_and_term());
    forwarding.give_back();
    forwarding.give_back();
    ::raise(SIGHUP);
    EXPECT_EQ(g_handled, 1);
  }
  ::raise(SIGTERM);
  EXPECT_EQ(g_handled, 2);
}

TEST_F(SamForwarding, IsToldBySignalsOfOtherThreads) {
  std::atomic<bool> done = false;
  pthread_t thread;
  pthread_create(
      &thread, nullptr,
      [](void* flag) -> void* {
        while (!*static_cast<std::atomic<bool>*>(flag)) ::usleep(1000);
        return nullptr;
      },
      &done);
  Forwarding forwarding;
  forwarding.begin(hup_and_term());
  pthread_kill(thread, SIGHUP);
  EXPECT_TRUE(wait(forwarding, 30));
  EXPECT_EQ(forwarding.next()->number, SIGHUP);
  done = true;
  pthread_join(thread, nullptr);
}

// As the kernel sends it for a terminal; a thread may send itself anything.
void raise_from_terminal(int number) {
  siginfo_t info = {};
  info.si_signo = number;
  info.si_code = SI_KERNEL;
  ASSERT_EQ(::syscall(SYS_rt_tgsigqueueinfo, ::getpid(), ::syscall(SYS_gettid), number, &info), 0);
}

// An emulator keeps some for itself.
int highest_signal() {
  int number = SIGRTMAX;
  while (::signal(number, SIG_IGN) == SIG_ERR || ::raise(number) != 0) --number;
  ::signal(number, SIG_DFL);
  return number;
}

SignalSet of_terminals() {
  SignalSet signals;
  for (const int number : {SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH}) {
    signals.add(number);
  }
  return signals;
}

TEST_F(SamForwarding, TellsOfEachSignalWhetherATerminalHasSentIt) {
  Forwarding forwarding;
  forwarding.begin(of_terminals());
  for (const int number : {SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH}) {
    raise_from_terminal(number);
    const auto of_terminal = forwarding.next();
    ASSERT_TRUE(of_terminal) << number;
    EXPECT_EQ(of_terminal->number, number);
    EXPECT_TRUE(of_terminal->is_of_terminal) << number;
    ::raise(number);
    const auto sent = forwarding.next();
    ASSERT_TRUE(sent) << number;
    EXPECT_EQ(sent->number, number);
    EXPECT_FALSE(sent->is_of_terminal) << number;
  }
  EXPECT_FALSE(forwarding.next());
}

// A timer that was left running, for example: nobody else has had its signal.
TEST_F(SamForwarding, WhatTheKernelSendsWithoutATerminalIsNone) {
  const int highest = highest_signal();
  SignalSet signals;
  for (const int number : {SIGALRM, SIGIO, SIGTERM, highest}) signals.add(number);
  Forwarding forwarding;
  forwarding.begin(signals);
  for (const int number : {SIGALRM, SIGIO, SIGTERM, highest}) {
    raise_from_terminal(number);
    const auto arrived = forwarding.next();
    ASSERT_TRUE(arrived) << number;
    EXPECT_EQ(arrived->number, number);
    EXPECT_FALSE(arrived->is_of_terminal) << number;
  }
}

TEST_F(SamForwarding, WhatATerminalHasSentBeforeAForkHasNotReachedTheNewProcess) {
  Forwarding forwarding;
  forwarding.begin(of_terminals());
  raise_from_terminal(SIGWINCH);
  EXPECT_FALSE(forwarding.next(Forwarding::Which::kStops));  // there is no process yet
  raise_from_terminal(SIGINT);
  forwarding.before_fork();
  for (const int number : {SIGINT, SIGWINCH}) {
    const auto arrived = forwarding.next();
    ASSERT_TRUE(arrived) << number;
    EXPECT_EQ(arrived->number, number);
    EXPECT_FALSE(arrived->is_of_terminal) << number;
  }
}

// The kernel tells the leader alone that its terminal has closed.
TEST_F(SamForwarding, HangUpOfATerminalReachesTheGroupUnlessItIsTheLeaders) {
  for (const bool is_leader : {false, true}) {
    EXPECT_EQ(in_child([is_leader] {
                if (is_leader) {
                  ASSERT_GT(::setsid(), 0);
                }
                Forwarding forwarding;
                forwarding.begin(hup_and_term());
                raise_from_terminal(SIGHUP);
                const auto arrived = forwarding.next();
                ASSERT_TRUE(arrived);
                EXPECT_EQ(arrived->is_of_terminal, !is_leader);
              }),
              0);
  }
}

TEST_F(SamForwarding, TellsASignalOfATerminalThatAnotherThreadReceives) {
  std::atomic<bool> is_ready = false;
  pthread_t thread;
  pthread_create(
      &thread, nullptr,
      [](void* flag) -> void* {
        while (!*static_cast<std::atomic<bool>*>(flag)) ::usleep(1000);
        raise_from_terminal(SIGWINCH);
        ::usleep(1000);  // the thread sanitizer runs handlers in such calls alone
        return nullptr;
      },
      &is_ready);
  Forwarding forwarding;
  forwarding.begin(of_terminals());
  is_ready = true;
  EXPECT_TRUE(wait(forwarding, 30));
  pthread_join(thread, nullptr);
  const auto arrived = forwarding.next();
  ASSERT_TRUE(arrived);
  EXPECT_EQ(arrived->number, SIGWINCH);
  EXPECT_TRUE(arrived->is_of_terminal);
}

TEST_F(SamForwarding, LeavesToTheApplicationWhatIsPendingAtItsEnd) {
  Forwarding forwarding;
  forwarding.begin(hup_and_term());
  ::raise(SIGHUP);
  forwarding.give_back();
  EXPECT_EQ(g_handled, 1);
}

// Those whose numbers differ by 32 or by 64 are not mixed up.
TEST_F(SamForwarding, TellsEachSignalByItsNumber) {
  SignalSet signals;
  for (const int number : {SIGINT, SIGINT + 32, SIGUSR2 + 32, SIGUSR2}) signals.add(number);
  Forwarding forwarding;
  forwarding.begin(signals);
  for (const int number : {SIGINT + 32, SIGUSR2 + 32, SIGINT, SIGUSR2}) {
    ::raise(number);
    const auto arrived = forwarding.next();
    ASSERT_TRUE(arrived) << number;
    EXPECT_EQ(arrived->number, number);
    EXPECT_FALSE(forwarding.next());
  }
}

// Those that libc keeps for itself have no handlers.
TEST_F(SamForwarding, LeavesOutWhatTheSystemRefuses) {
  SignalSet signals;
  signals.add(SIGRTMIN - 1);
  Forwarding forwarding;
  forwarding.begin(signals);
  EXPECT_FALSE(forwarding.is_on());
}

TEST_F(SamForwarding, KeepsErrno) {
  Forwarding forwarding;
  forwarding.begin(hup_and_term());
  errno = EDOM;
  EXPECT_FALSE(forwarding.next());
  EXPECT_EQ(errno, EDOM);
  ::raise(SIGHUP);
  EXPECT_TRUE(forwarding.next());
  EXPECT_EQ(errno, EDOM);
}

TEST(SamForwardingStop, IsAskedForByThreeSignals) {
  for (int number = 1; number <= SignalSet::kMost; ++number) {
    EXPECT_EQ(Forwarding::is_stop(number),
              number == SIGTERM || number == SIGINT || number == SIGQUIT);
  }
}

TEST_F(SamForwarding, OfNothingTouchesNothing) {
  Forwarding forwarding;
  forwarding.begin({});
  EXPECT_FALSE(forwarding.is_on());
  EXPECT_FALSE(forwarding.next());
  ::raise(SIGHUP);
  EXPECT_EQ(g_handled, 1);
}

}  // namespace
}  // namespace cs::sam
