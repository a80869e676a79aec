// SPDX-License-Identifier: BSD-3-Clause
// What a thread's record gives back when a call never returns, and what a Section keeps away. This
// program refers to siglongjmp (jumps_test.cpp), so its Sections hold signals off.
#include "ipc/in_flight.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

namespace cs::ipc {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Place = Section::Place;

std::vector<Use>& dropped() {
  static std::vector<Use> uses;
  return uses;
}
void drop(Use use) { dropped().push_back(use); }

std::atomic<int> g_forks_seen = 0;
void see_fork() { ++g_forks_seen; }

bool is_blocked(int number) {
  sigset_t blocked;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  return sigismember(&blocked, number) == 1;
}

// Asks without leaving a trace.
int cancel_state() {
  int state = -1;
  ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
  ::pthread_setcancelstate(state, nullptr);
  return state;
}

class InFlightRecord : public testing::Test {
 protected:
  void SetUp() override {
    prepare(&drop, &see_fork);
    dropped().clear();
  }

  // In a thread of its own, to its end.
  template <typename Body>
  void in_thread(Body body) {
    std::thread(body).join();
  }
};

TEST_F(InFlightRecord, SectionHoldsSignalsAndCancellationOffToItsEnd) {
  in_thread([] {
    {
      const Section section(Place::kEntry);
      EXPECT_TRUE(is_blocked(SIGTERM));
      EXPECT_FALSE(is_blocked(SIGSEGV));  // a fault of the thread itself
      EXPECT_EQ(cancel_state(), PTHREAD_CANCEL_DISABLE);
      const Section inner(Place::kWithin);
      EXPECT_TRUE(is_blocked(SIGTERM));
    }
    EXPECT_FALSE(is_blocked(SIGTERM));
    EXPECT_EQ(cancel_state(), PTHREAD_CANCEL_ENABLE);
  });
}

TEST_F(InFlightRecord, OpeningLetsBothInUntilItIsClosed) {
  in_thread([] {
    const Section section(Place::kEntry);
    Opening opening;
    EXPECT_FALSE(is_blocked(SIGTERM));
    EXPECT_EQ(cancel_state(), PTHREAD_CANCEL_ENABLE);
    EXPECT_TRUE(opening.close());
    EXPECT_TRUE(is_blocked(SIGTERM));
    EXPECT_EQ(cancel_state(), PTHREAD_CANCEL_DISABLE);
  });
}

TEST_F(InFlightRecord, CallersMaskAndCancelStateComeBack) {
  in_thread([] {
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &usr1, nullptr);
    ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
    { const Section section(Place::kEntry); }
    EXPECT_TRUE(is_blocked(SIGUSR1));
    EXPECT_FALSE(is_blocked(SIGTERM));
    EXPECT_EQ(cancel_state(), PTHREAD_CANCEL_DISABLE);
  });
}

TEST_F(InFlightRecord, EndOfAThreadInAnOpeningGivesItsUseBack) {
  in_thread([] {
    const Section section(Place::kEntry);
    in_flight.use = 7;
    const Opening opening;
    ::pthread_exit(nullptr);
  });
  EXPECT_THAT(dropped(), ElementsAre(7));
}

TEST_F(InFlightRecord, CancelledWaitGivesItsUseBack) {
  std::atomic<bool> is_waiting = false;
  std::thread waiting([&is_waiting] {
    const Section section(Place::kEntry);
    in_flight.use = 8;
    for (;;) {
      is_waiting = true;
      (void)breathe();
    }
  });
  while (!is_waiting) std::this_thread::yield();
  ::pthread_cancel(waiting.native_handle());
  waiting.join();
  EXPECT_THAT(dropped(), ElementsAre(8));
}

TEST_F(InFlightRecord, NextCallAfterAJumpGivesTheOldUseBack) {
  in_thread([] {
    sigjmp_buf back;
    if (::sigsetjmp(back, 1) == 0) {
      const Section section(Place::kEntry);
      in_flight.use = 9;
      const Opening opening;
      ::siglongjmp(back, 1);
    }
    EXPECT_THAT(dropped(), IsEmpty());
    const Section next(Place::kEntry);
    EXPECT_THAT(dropped(), ElementsAre(9));
    EXPECT_EQ(in_flight.use, 0U);
  });
}

// A handler calls the library in the middle of a wait: then the call below is taken for one that
// never returns, and must not touch what it held.
TEST_F(InFlightRecord, WaitThatAHandlersCallHasCleanedUpAfterIsTold) {
  in_thread([] {
    const Section section(Place::kEntry);
    in_flight.use = 10;
    Opening opening;
    { const Section of_handler(Place::kEntry); }
    EXPECT_FALSE(opening.close());
  });
  EXPECT_THAT(dropped(), ElementsAre(10));
}

TEST_F(InFlightRecord, DuringACallbackTheThreadIsOutside) {
  in_thread([] {
    const Section section(Place::kEntry);
    in_flight.use = 11;
    {
      const CallbackScope callback;
      EXPECT_FALSE(is_blocked(SIGTERM));
      EXPECT_EQ(in_flight.use, 0U);
      const Section of_callback(Place::kEntry);  // a call of its own, that cleans up after nobody
      in_flight.use = 12;
    }
    EXPECT_TRUE(is_blocked(SIGTERM));
    EXPECT_EQ(in_flight.use, 11U);
    in_flight.use = 0;
  });
  EXPECT_THAT(dropped(), IsEmpty());
}

TEST_F(InFlightRecord, EndOfAThreadInACallbackGivesTheUsesOfAllItsCallsBack) {
  in_thread([] {
    const Section outer(Place::kEntry);
    in_flight.use = 13;
    const CallbackScope callback;
    const Section inner(Place::kEntry);
    in_flight.use = 14;
    const CallbackScope nested;
    ::pthread_exit(nullptr);
  });
  EXPECT_THAT(dropped(), ElementsAre(13, 14));
}

TEST_F(InFlightRecord, EachThreadHasItsOwnNameForLocks) {
  const Mutex::Token mine = self();
  EXPECT_EQ(mine, self());
  EXPECT_NE(mine, 0U);
  in_thread([mine] { EXPECT_NE(self(), mine); });
}

TEST_F(InFlightRecord, ChildOfAForkCountsItAndHasAnotherName) {
  const unsigned before = forks();
  const Mutex::Token mine = self();
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(forks() == before + 1 && self() != mine && g_forks_seen == 1 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(forks(), before);
}

}  // namespace
}  // namespace cs::ipc
