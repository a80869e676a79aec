// SPDX-License-Identifier: BSD-3-Clause
// The world on Linux: what ends a wait, and what a process is that a handler has forked in
// the supervisor. Reaping and watching are tested with DeathWatch.
#include "sam/supervisor/linux_world.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "sam_units/in_child.h"

namespace cs::sam {
namespace {

constexpr Awaited kCommands{.commands = true};

class SamLinuxWorld : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(world_.open()); }

  static Deadline in(int milliseconds) { return Deadline::in_milliseconds(milliseconds); }
  static int wait_status(pid_t child) {
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return status;
  }
  // A command from another process, which has the ends of an instance.
  void send_from_instance() {
    const pid_t child = world_.fork();
    if (child == 0) {
      const ActiveEnds ends = world_.take_active_ends();
      const bool is_sent =
          send_frame(ends.commands.get(), CommandFrame{.command = Command::kStop}) == Sent::kDone;
      ::_exit(is_sent ? 0 : 1);
    }
    EXPECT_EQ(wait_status(child), 0);
  }

  QuorumClient quorum_;
  Store store_;
  OperatorSettings asked_;
  LinuxWorld world_{quorum_, store_, asked_};
};

TEST_F(SamLinuxWorld, WaitEndsAtItsDeadlineAndNotBefore) {
  const Deadline deadline = in(30);
  const Woken woken = world_.wait(kCommands, deadline);
  EXPECT_TRUE(woken.is_able);
  EXPECT_FALSE(woken.process);
  EXPECT_TRUE(deadline.has_passed(world_.now()));
  EXPECT_TRUE(world_.wait(kCommands, deadline).is_able);  // at once
}

TEST_F(SamLinuxWorld, CommandEndsTheWait) {
  send_from_instance();
  EXPECT_TRUE(world_.wait(kCommands, Deadline::never()).is_able);
  CommandFrame frame;
  EXPECT_EQ(world_.receive_command(frame), Received::kFrame);
  EXPECT_EQ(frame.command, Command::kStop);
}

TEST_F(SamLinuxWorld, CommandThatIsNotAwaitedDoesNot) {
  send_from_instance();
  const Deadline deadline = in(30);
  EXPECT_TRUE(world_.wait({}, deadline).is_able);
  EXPECT_TRUE(deadline.has_passed(world_.now()));
}

TEST_F(SamLinuxWorld, DeathOfTheAwaitedProcessEndsTheWait) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  const int pidfd = world_.open_pidfd(child);
  if (pidfd >= 0) {
    EXPECT_TRUE(world_.wait({.process = pidfd}, Deadline::never()).process);
    world_.close_pidfd(pidfd);
    EXPECT_EQ(::fcntl(pidfd, F_GETFD), -1);
  } else {
    EXPECT_TRUE(errno == ENOSYS || errno == EPERM);  // of an old kernel, or a sandbox
  }
  EXPECT_EQ(wait_status(child), 0);
}

TEST_F(SamLinuxWorld, WithoutItsDescriptorsItIsUnableToWait) {
  const int gone = ::open("/dev/null", O_RDONLY);
  ::close(gone);
  errno = 0;
  EXPECT_FALSE(world_.wait({.process = gone}, in(1000)).is_able);
  EXPECT_EQ(errno, EBADF);
}

TEST_F(SamLinuxWorld, InstanceIsNoCopy) {
  const pid_t instance = world_.fork();
  if (instance == 0) {
    world_.leave_if_copy();
    ::_exit(0);
  }
  EXPECT_EQ(wait_status(instance), 0);
}

// A handler that runs meanwhile may fork as well, and its process is no instance.
TEST_F(SamLinuxWorld, HandlersWaitUntilTheInstanceIsForked) {
  static World* forking = nullptr;
  static pid_t copy = 0;
  forking = &world_;
  const auto before = ::signal(SIGUSR1, [](int) {
    if (copy != 0) return;
    copy = ::fork();
    if (copy > 0) return;
    forking->leave_if_copy();
    ::_exit(0);
  });
  (void)pthread_atfork(
      [] {
        if (forking != nullptr && copy == 0) ::raise(SIGUSR1);
      },
      nullptr, nullptr);
  const pid_t instance = world_.fork();
  forking = nullptr;
  if (instance == 0) ::_exit(0);
  EXPECT_EQ(wait_status(instance), 0);
  ASSERT_GT(copy, 0);
  EXPECT_EQ(wait_status(copy), EXIT_FAILURE << 8);
  ::signal(SIGUSR1, before);
}

TEST_F(SamLinuxWorld, InstanceHasTheMaskOfTheSupervisor) {
  sigset_t term;
  sigset_t before;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &term, &before);
  const pid_t instance = world_.fork();
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, &before, &mask);
  const bool is_same = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGHUP) == 0;
  if (instance == 0) ::_exit(is_same ? 0 : 1);
  EXPECT_EQ(wait_status(instance), 0);
  EXPECT_TRUE(is_same);
}

// A world in which a signal is passed on.
struct Passing {
  explicit Passing(int number) { asked.forwarded.add(number); }

  LinuxWorld& begin() {
    EXPECT_TRUE(world.open());
    world.begin_forwarding(asked.forwarded);
    return world;
  }

  QuorumClient quorum;
  Store store;
  OperatorSettings asked;
  LinuxWorld world{quorum, store, asked};
};

void send_as_a_terminal(int number) {
  siginfo_t info{};
  info.si_signo = number;
  info.si_code = SI_KERNEL;
  ASSERT_EQ(::syscall(SYS_rt_sigqueueinfo, ::getpid(), number, &info), 0);
}

// At the pause before a restart there was no instance to receive it.
TEST(SamLinuxWorldSignals, OfATerminalFromBeforeTheForkArePassedOn) {
  EXPECT_EQ(in_child([] {
              Passing passing(SIGWINCH);
              LinuxWorld& world = passing.begin();
              send_as_a_terminal(SIGWINCH);
              const pid_t instance = world.fork();
              if (instance == 0) ::_exit(0);
              const auto arrived = world.next_forwarded(instance);
              ASSERT_TRUE(arrived);
              EXPECT_FALSE(arrived->has_reached_instance);
              ::waitpid(instance, nullptr, 0);
            }),
            0);
}

// From the terminal's group to the instance's.
TEST(SamLinuxWorldSignals, OfATerminalReachWhoIsInItsGroup) {
  EXPECT_EQ(in_child([] {
              Passing passing(SIGWINCH);
              LinuxWorld& world = passing.begin();
              const pid_t instance = world.fork();
              if (instance == 0) {
                for (;;) ::pause();
              }
              for (const bool is_in_group : {true, false}) {
                if (!is_in_group) {
                  ASSERT_EQ(::setpgid(instance, 0), 0);
                }
                send_as_a_terminal(SIGWINCH);
                EXPECT_TRUE(world.wait({}, Deadline::in_milliseconds(20'000)).is_able);
                const auto arrived = world.next_forwarded(instance);
                ASSERT_TRUE(arrived);
                EXPECT_EQ(arrived->has_reached_instance, is_in_group);
              }
              ::kill(instance, SIGKILL);
              ::waitpid(instance, nullptr, 0);
            }),
            0);
}

TEST(SamLinuxWorldSignals, ThatArePassedOnDoNotHideTheDeathOfAChild) {
  EXPECT_EQ(in_child([] {
              Passing passing(SIGTERM);
              LinuxWorld& world = passing.begin();
              world.listen_for_children();
              const pid_t child = ::fork();
              if (child == 0) {
                ::poll(nullptr, 0, 30);
                ::_exit(0);
              }
              const Deadline deadline = Deadline::in_milliseconds(20'000);
              EXPECT_TRUE(world.wait({}, deadline).is_able);
              EXPECT_FALSE(deadline.has_passed(world.now()));
              ::waitpid(child, nullptr, 0);
            }),
            0);
}

TEST_F(SamLinuxWorld, ProcessThatAHandlerForksLeavesAndHoldsNoPipe) {
  int ready[2];
  int end[2];
  ASSERT_EQ(::pipe(ready) | ::pipe(end), 0);
  char byte = '.';
  const pid_t copy = ::fork();
  if (copy == 0) {
    (void)!::write(ready[1], &byte, 1);
    (void)!::read(end[0], &byte, 1);
    (void)std::atexit([] { ::_exit(77); });  // the application's, which is not its to run
    world_.leave_if_copy();
    ::_exit(0);
  }
  EXPECT_EQ(::read(ready[0], &byte, 1), 1);
  world_.let_go_of_commands();
  EXPECT_TRUE(world_.is_hung_up());  // although the copy lives
  EXPECT_EQ(::write(end[1], &byte, 1), 1);
  EXPECT_EQ(wait_status(copy), EXIT_FAILURE << 8);
  for (const int fd : {ready[0], ready[1], end[0], end[1]}) ::close(fd);
}

TEST_F(SamLinuxWorld, ServicesThatAreNotConnectedAreSilent) {
  EXPECT_FALSE(world_.is_connected(Service::kQuorum));
  EXPECT_FALSE(world_.is_connected(Service::kCmap));
  EXPECT_EQ(world_.next_verdict(), std::nullopt);
  EXPECT_FALSE(world_.is_quorate());
  EXPECT_EQ(world_.set_key("a", std::uint64_t{1}, in(1000)), CS_ERR_LIBRARY);
}

// A limit below the number of entries makes the kernel refuse the wait, not what is done between.
TEST_F(SamLinuxWorld, LimitOnDescriptorsLeavesItAbleToWait) {
  EXPECT_EQ(in_child([&] {
              const rlimit few{3, 3};
              ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
              EXPECT_TRUE(world_.wait(kCommands, in(1)).is_able);
            }),
            0);
}

// Otherwise a signal that is passed on, or SIGCHLD, could be handled between the look at what has
// come and the next wait, which it would not end.
TEST(SamLinuxWorldSignals, AreLetInDuringAWaitOnly) {
  EXPECT_EQ(in_child([] {
              Passing passing(SIGTERM);
              LinuxWorld& world = passing.begin();
              for (int round = 0; round < 2; ++round) {
                EXPECT_TRUE(world.wait({}, Deadline::in_milliseconds(1)).is_able);
                sigset_t blocked;
                pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
                EXPECT_EQ(sigismember(&blocked, SIGTERM), 1);
                if (round > 0) {
                  EXPECT_EQ(sigismember(&blocked, SIGCHLD), 1);
                }
                world.listen_for_children();
              }
              ::raise(SIGTERM);
              EXPECT_TRUE(world.wait({}, Deadline::never()).is_able);
              EXPECT_TRUE(world.next_forwarded(0));
            }),
            0);
}

// It is let in there, and no longer pending when the wait begins.
TEST(SamLinuxWorldSignals, OneThatComesInTheApplicationsHandlerEndsTheNextWait) {
  EXPECT_EQ(in_child([] {
              ::signal(SIGCHLD, [](int) { ::raise(SIGHUP); });
              Passing passing(SIGHUP);
              LinuxWorld& world = passing.begin();
              const pid_t child = ::fork();
              if (child == 0) ::_exit(0);
              siginfo_t info;
              ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
              EXPECT_FALSE(world.reap_others(0));
              const Deadline deadline = Deadline::in_milliseconds(10'000);
              EXPECT_TRUE(world.wait({}, deadline).is_able);
              EXPECT_FALSE(deadline.has_passed(world.now()));
              EXPECT_FALSE(world.next_forwarded(0));  // it is kept for an instance
              const Deadline next = Deadline::in_milliseconds(20);
              EXPECT_TRUE(world.wait({}, next).is_able);
              EXPECT_TRUE(next.has_passed(world.now()));
              EXPECT_TRUE(world.next_forwarded(::getpid()));
            }),
            0);
}

void count_deaths(int) {}

void (*handler_of_deaths())(int) {
  struct sigaction action;
  ::sigaction(SIGCHLD, nullptr, &action);
  return action.sa_handler;
}

// The application has an interest in SIGCHLD, so the supervisor listens.
TEST(SamLinuxWorldSigchld, IsTheApplicationsInACopyAndInTheEnd) {
  const auto before = ::signal(SIGCHLD, count_deaths);
  QuorumClient quorum;
  Store store;
  const OperatorSettings asked;
  LinuxWorld world(quorum, store, asked);
  ASSERT_TRUE(world.open());
  EXPECT_NE(handler_of_deaths(), count_deaths);
  EXPECT_EQ(in_child([] { EXPECT_EQ(handler_of_deaths(), count_deaths); }), 0);
  world.give_back();
  EXPECT_EQ(handler_of_deaths(), count_deaths);
  ::signal(SIGCHLD, before);
}

}  // namespace
}  // namespace cs::sam
