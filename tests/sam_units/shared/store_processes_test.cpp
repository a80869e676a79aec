// SPDX-License-Identifier: BSD-3-Clause
// The store and the processes that share it: killed, left behind, at once, in turn; and threads
// and signal handlers.
#include "sam_units/shared/store_bytes.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <signal.h>
#include <sys/time.h>
#include <thread>

namespace cs::sam {
namespace {

TEST_F(SamStore, StoredByAChildThatIsKilledIsSeenByTheParent) {
  const Bytes bytes = pattern(5000, 3);
  EXPECT_EQ(in_child([&] {
              if (put(store_, bytes) == CS_OK) ::raise(SIGKILL);
            }),
            SIGKILL);
  EXPECT_EQ(get(store_), bytes);
}

// Each process has its own notion of which slot is in use; it must not act on an old one.
TEST_F(SamStore, ProcessesThatStoreInTurnSeeEachOther) {
  for (unsigned round = 1; round < 12; ++round) {
    ASSERT_EQ(put(store_, pattern(round, round)), CS_OK);
    ASSERT_EQ(in_child([&] {
                EXPECT_EQ(get(store_), pattern(round, round));
                for (unsigned i = 0; i < round % 4; ++i) {
                  EXPECT_EQ(put(store_, pattern(100 + i, i)), CS_OK);
                }
              }),
              0);
    const unsigned stores = round % 4;
    EXPECT_EQ(get(store_), stores == 0 ? pattern(round, round) : pattern(99 + stores, stores - 1));
  }
}

// A store that dies at its nth write, having done part of it.
unsigned g_writes_left;
std::size_t g_bytes_of_last;

ssize_t dying_write(int fd, const void* data, std::size_t size, off_t offset) {
  // In small pieces, so that there are many instants to die at.
  size = std::min<std::size_t>(size, 13);
  if (g_writes_left-- == 0) {
    if (::pwrite(fd, data, std::min(size, g_bytes_of_last), offset) < 0) ::_exit(3);
    ::raise(SIGKILL);
  }
  return ::pwrite(fd, data, size, offset);
}

class SamStoreCutOff : public testing::TestWithParam<std::size_t> {};

TEST_P(SamStoreCutOff, LeavesTheOldDataOrTheNew) {
  Store store(dying_write);
  const std::size_t size = GetParam();
  g_writes_left = UINT_MAX;
  open_and_share(store);
  Bytes stored = pattern(size, 0);
  ASSERT_EQ(put(store, stored), CS_OK);
  bool completed = false;
  unsigned seed = 0;
  for (unsigned writes = 0; !completed; ++writes) {
    for (std::size_t part = 0; part <= 13; ++part) {
      const Bytes next = pattern(size + writes % 3, ++seed);
      const int status = in_child([&] {
        g_writes_left = writes;
        g_bytes_of_last = part;
        if (put(store, next) != CS_OK) ::_exit(2);
      });
      ASSERT_TRUE(status == 0 || status == SIGKILL) << status;
      completed = status == 0;
      const Bytes found = get(store);
      if (completed) {
        ASSERT_EQ(found, next);
      } else {
        ASSERT_TRUE(found == stored || found == next) << writes << " writes and " << part;
      }
      stored = found;
    }
    ASSERT_LT(writes, 1000U);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, SamStoreCutOff, testing::Values(1, 40, 64, 300));

ssize_t write_that_dies_at_the_header(int fd, const void* data, std::size_t size, off_t offset) {
  if (offset == 0) ::raise(SIGKILL);
  return ::pwrite(fd, data, size, offset);
}

TEST_F(SamStore, MemoryOfAnUnfinishedStoreIsGivenBack) {
  Store dying(write_that_dies_at_the_header);
  open_and_share(dying);
  EXPECT_EQ(in_child([&] { (void)put(dying, Bytes(4 << 20, 1)); }), SIGKILL);
  EXPECT_GE(shared_memory(), 4U << 20);
  dying.discard_old();
  EXPECT_LT(shared_memory(), 1U << 20);
}

// Two processes of one instance, each with its own notion of which slot is in use.
TEST_F(SamStore, StoresOfTwoProcessesAtOnceAreWhole) {
  constexpr unsigned kStores = 400;
  const Bytes mine = pattern(30'000, 1);
  const Bytes others = pattern(20'000, 2);
  const pid_t child = ::fork();
  if (child == 0) {
    for (unsigned i = 0; i < kStores; ++i) {
      if (put(store_, others) != CS_OK) ::_exit(1);
    }
    ::_exit(0);
  }
  Bytes seen(mine.size());
  for (unsigned i = 0; i < kStores; ++i) {
    ASSERT_EQ(put(store_, mine), CS_OK);
    ASSERT_EQ(store_.restore(seen.data(), seen.size()), CS_OK);
    ASSERT_TRUE(seen == mine || std::equal(others.begin(), others.end(), seen.begin()));
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(SamStore, ProcessKilledInAStoreHoldsUpNobody) {
  Store dying(write_that_dies_at_the_header);
  open_and_share(dying);
  const pid_t child = ::fork();
  if (child == 0) {
    (void)dying.store("child", 5);
    ::_exit(1);
  }
  siginfo_t end{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &end, WEXITED | WNOWAIT), 0);
  ASSERT_EQ(end.si_status, SIGKILL);
  EXPECT_TRUE(dying.size());
  // While it is a zombie: this one is killed as well, so it had the lock.
  EXPECT_EQ(in_child([&] { (void)dying.store("other", 5); }), SIGKILL);
  ::waitpid(child, nullptr, 0);
}

// What one asks before it stores.
struct Answers {
  unsigned left;  // so often yes
};

Permit yes_for(Answers& answers) {
  return {[](const void* of) {
            auto& asked = *static_cast<Answers*>(const_cast<void*>(of));
            return asked.left > 0 && asked.left-- > 0;
          },
          &answers};
}

TEST_F(SamStore, StoreWithoutPermitChangesNothing) {
  ASSERT_EQ(store_.store("old", 3), CS_OK);
  for (const unsigned times : {0U, 1U}) {
    Answers answers{times};
    EXPECT_EQ(store_.store("new data", 8, yes_for(answers)), CS_ERR_LIBRARY) << times;
    EXPECT_EQ(store_.store(nullptr, 0, yes_for(answers)), CS_ERR_LIBRARY) << times;
    EXPECT_EQ(get(store_), (Bytes{'o', 'l', 'd'})) << times;
  }
  Answers answers{2};
  EXPECT_EQ(store_.store("new", 3, yes_for(answers)), CS_OK);
  EXPECT_EQ(get(store_), (Bytes{'n', 'e', 'w'}));
}

// Each write of a process left behind may come at any later time.
ssize_t write_when_continued(int fd, const void* data, std::size_t size, off_t offset) {
  ::raise(SIGSTOP);
  return ::pwrite(fd, data, size, offset);
}

TEST_F(SamStore, ProcessLeftBehindInTheMiddleOfAStoreIsShutOut) {
  Store late(write_when_continued);
  open_and_share(late);
  const pid_t child = ::fork();
  if (child == 0) {
    const Bytes bytes = pattern(5000, 9);
    ::_exit(late.store(bytes.data(), bytes.size()) == CS_OK ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
  ASSERT_TRUE(WIFSTOPPED(status));
  late.discard_old();
  const Bytes mine = pattern(3000, 1);
  const pid_t next = ::fork();
  if (next == 0) {
    (void)late.store(mine.data(), mine.size());
    (void)late.store(mine.data(), mine.size());
    ::_exit(0);
  }
  const auto let_end = [](pid_t pid) {
    int how = -1;
    for (;;) {
      ::kill(pid, SIGCONT);
      if (::waitpid(pid, &how, WUNTRACED) != pid || !WIFSTOPPED(how)) return how;
    }
  };
  EXPECT_EQ(let_end(next), 0);
  EXPECT_EQ(get(late), mine);
  (void)let_end(child);
  EXPECT_EQ(get(late), mine);
}

Store* g_handlers_store;
volatile std::sig_atomic_t g_handled;

TEST_F(SamStore, SignalHandlersMayStore) {
  g_handlers_store = &store_;
  g_handled = 0;
  struct sigaction action {};
  struct sigaction previous;
  action.sa_handler = [](int) {
    if (g_handlers_store->store("handler", 7) != CS_OK) ::abort();
    g_handled = g_handled + 1;
  };
  ::sigaction(SIGALRM, &action, &previous);
  const itimerval often{{0, 100}, {0, 100}};
  const itimerval off{};
  ::setitimer(ITIMER_REAL, &often, nullptr);
  for (int i = 0; i < 1000000 && g_handled < 200; ++i) {
    ASSERT_EQ(store_.store("straight", 8), CS_OK);
  }
  ::setitimer(ITIMER_REAL, &off, nullptr);
  ::sigaction(SIGALRM, &previous, nullptr);
  EXPECT_GE(g_handled, 200);
  const Bytes left = get(store_);
  EXPECT_TRUE(left.size() == 7 || left.size() == 8);
}

// A process forked while one of its threads was storing finds the lock held by nobody.
TEST_F(SamStore, ForkDuringAStoreLeavesTheChildFree) {
  std::atomic<bool> stop = false;
  std::thread busy([&] {
    const Bytes bytes = pattern(100000, 1);
    while (!stop) EXPECT_EQ(put(store_, bytes), CS_OK);
  });
  for (int i = 0; i < 50; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(30);  // a lock that is never free is a failure, not a hang
      (void)store_.size();
      ::_exit(0);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  stop = true;
  busy.join();
}

}  // namespace
}  // namespace cs::sam
