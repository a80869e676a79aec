// SPDX-License-Identifier: BSD-3-Clause
// The lock between processes: one at a time has it, and none that has ended.
#include "sam/shared/process_lock.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "common/clock.h"
#include "sam_units/in_child.h"
#include "support/refuse_call.h"

namespace cs::sam {
namespace {

class SamProcessLock : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(lock_ = SharedProcessLock::make()); }

  // Forks one that takes the lock and does with it as it is told.
  template <typename Body>
  pid_t with_lock(Body body) {
    const pid_t child = ::fork();
    if (child == 0) {
      if (!lock_->lock(::getpid())) ::_exit(1);
      body();
      lock_->unlock(::getpid());
      ::_exit(0);
    }
    return child;
  }
  static void stop_oneself() { ::raise(SIGSTOP); }
  static void wait_until_stopped(pid_t pid) {
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, WUNTRACED), pid);
    ASSERT_TRUE(WIFSTOPPED(status));
  }

  SharedProcessLock lock_;
};

TEST_F(SamProcessLock, OneProcessAtATimeHasIt) {
  constexpr int kProcesses = 3;
  constexpr int kRounds = 3000;
  struct Shared {
    std::atomic<int> inside;
    std::atomic<int> rounds;
  };
  auto* const shared = static_cast<Shared*>(
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  for (int process = 0; process < kProcesses; ++process) {
    if (::fork() != 0) continue;
    for (int round = 0; round < kRounds; ++round) {
      if (!lock_->lock(::getpid())) ::_exit(1);
      if (++shared->inside != 1) ::_exit(2);
      ++shared->rounds;
      --shared->inside;
      lock_->unlock(::getpid());
    }
    ::_exit(0);
  }
  for (int process = 0; process < kProcesses; ++process) {
    int status = -1;
    ::wait(&status);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(shared->rounds, kProcesses * kRounds);
}

TEST_F(SamProcessLock, KilledProcessHasItNoMore) {
  const pid_t child = with_lock([] { ::raise(SIGKILL); });
  siginfo_t end{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &end, WEXITED | WNOWAIT), 0);
  EXPECT_TRUE(lock_->lock(::getpid()));  // from a zombie
  lock_->unlock(::getpid());
  ::waitpid(child, nullptr, 0);
  ASSERT_GT(::waitpid(with_lock([] { ::raise(SIGKILL); }), nullptr, 0), 0);
  EXPECT_TRUE(lock_->lock(::getpid()));  // from nobody
  lock_->unlock(::getpid());
}

// It was held by an earlier process with that number: no other thread of this one asks.
// A filter may refuse pidfds.
TEST_F(SamProcessLock, ZombieHasItNoMoreWhereThereAreNoPidfds) {
  const pid_t holder = with_lock([] { ::raise(SIGKILL); });
  siginfo_t info;
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(holder), &info, WEXITED | WNOWAIT), 0);
  const int status = in_child([this] {
    if (!test::refuse_call(SYS_pidfd_open, ENOSYS)) return;
    EXPECT_TRUE(lock_->lock(::getpid()));
  });
  EXPECT_EQ(status, 0);
  ::waitpid(holder, nullptr, 0);
}

TEST_F(SamProcessLock, IsTakenFromAnEarlierProcessWithOurNumber) {
  ASSERT_TRUE(lock_->lock(::getpid()));
  EXPECT_TRUE(lock_->lock(::getpid()));
  lock_->unlock(::getpid());
  EXPECT_EQ(::waitpid(with_lock([] {}), nullptr, 0) > 0, true);
}

TEST_F(SamProcessLock, IsNotTakenFromOneThatLives) {
  const pid_t child = with_lock(stop_oneself);
  wait_until_stopped(child);
  EXPECT_FALSE(lock_->lock(::getpid()));
  ::kill(child, SIGCONT);
  EXPECT_TRUE(lock_->lock(::getpid()));
  lock_->unlock(::getpid());
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(SamProcessLock, BrokenOpenItIsNotFreedByItsFormerOwner) {
  const pid_t child = with_lock(stop_oneself);
  wait_until_stopped(child);
  lock_->break_open();
  ASSERT_TRUE(lock_->lock(::getpid()));
  ::kill(child, SIGCONT);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  const pid_t other = with_lock([] {});
  int status = -1;
  EXPECT_EQ(::waitpid(other, &status, 0), other);
  EXPECT_EQ(WEXITSTATUS(status), 1) << "it was free";
  lock_->unlock(::getpid());
}

}  // namespace
}  // namespace cs::sam
