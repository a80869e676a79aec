// SPDX-License-Identifier: BSD-3-Clause
// Connecting: to a listener that says nothing, too little, or goes away; without descriptors; from
// many threads at once. Nothing may be lost or closed that is not the library's own.
#include <corosync/votequorum.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include "votequorum_standin/listener.h"
#include "votequorum_standin/stand_in_test.h"

namespace cs::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

class Connect : public StandInTest {
 protected:
  // One failing try: the error, with nothing written and no descriptor lost.
  void expect_failure(cs_error_t expected) {
    const std::size_t before = open_descriptors();
    Pattern<votequorum_handle_t> handle;
    EXPECT_EQ(votequorum_initialize(handle.get(), nullptr), expected);
    EXPECT_TRUE(handle.untouched());
    EXPECT_EQ(open_descriptors(), before);
  }
};
using ConnectBeyondStock = Connect;

TEST_F(ConnectBeyondStock, NobodyListens) {
  for (int i = 0; i < 10; ++i) expect_failure(CS_ERR_LIBRARY);
  Pattern<votequorum_handle_t> handle;
  errno = 0;
  EXPECT_EQ(votequorum_initialize(handle.get(), nullptr), CS_ERR_LIBRARY);
  EXPECT_EQ(errno, ECONNREFUSED);
}

// With signals coming all the while.
TEST_F(ConnectBeyondStock, SilentListenerIsGivenUpAfterFiveSeconds) {
  const Listener listener("votequorum", [](int) { ::pause(); });
  struct sigaction action {};
  action.sa_handler = [](int) {};
  ::sigaction(SIGALRM, &action, nullptr);
  const itimerval every{{0, 100000}, {0, 100000}};
  ::setitimer(ITIMER_REAL, &every, nullptr);
  const auto start = Clock::now();
  expect_failure(CS_ERR_TRY_AGAIN);
  const auto took = Clock::now() - start;
  const itimerval never{};
  ::setitimer(ITIMER_REAL, &never, nullptr);
  EXPECT_GE(took, milliseconds(4900));
  EXPECT_LT(took, seconds(15));
}

TEST_F(ConnectBeyondStock, ListenerThatHangsUp) {
  const Listener listener("votequorum", [](int) {});
  for (int i = 0; i < 10; ++i) expect_failure(CS_ERR_LIBRARY);
}

// Only part of the answer, and then silence: no reason to wait on.
TEST_F(ConnectBeyondStock, ListenerThatStopsInItsAnswer) {
  const Listener listener("votequorum", [](int client) {
    const char some[30] = {};
    (void)!::write(client, some, sizeof(some));
    ::pause();
  });
  const auto start = Clock::now();
  const std::size_t before = open_descriptors();
  Pattern<votequorum_handle_t> handle;
  EXPECT_NE(votequorum_initialize(handle.get(), nullptr), CS_OK);
  EXPECT_TRUE(handle.untouched());
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_LT(Clock::now() - start, seconds(15));
}

// Every possible number of descriptors from none to enough, in a child so that no limit lasts.
int try_with_few_descriptors() {
  const std::size_t in_use = open_descriptors();
  struct stat zero {};
  EXPECT_EQ(::fstat(0, &zero), 0);
  rlimit unlimited{};
  ::getrlimit(RLIMIT_NOFILE, &unlimited);
  bool connected = false;
  for (std::size_t spare = 0; spare < 12; ++spare) {
    SCOPED_TRACE(std::to_string(spare) + " descriptors to be had");
    Pattern<votequorum_handle_t> handle;
    const rlimit few{in_use - 1 + spare, unlimited.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
    errno = 0;
    const cs_error_t status = votequorum_initialize(handle.get(), nullptr);
    const int error = errno;
    if (status == CS_OK) {
      EXPECT_EQ(votequorum_finalize(*handle.get()), CS_OK);
    }
    ::setrlimit(RLIMIT_NOFILE, &unlimited);
    connected = status == CS_OK;
    if (!connected) {
      EXPECT_EQ(status, CS_ERR_LIBRARY);
      EXPECT_EQ(error, EMFILE);
      EXPECT_TRUE(handle.untouched());
    }
    struct stat now {};
    EXPECT_EQ(::fstat(0, &now), 0);
    EXPECT_EQ(now.st_ino, zero.st_ino);
    EXPECT_EQ(open_descriptors(), in_use);
  }
  EXPECT_TRUE(connected);
  return testing::Test::HasFailure() ? 1 : 0;
}

TEST_F(ConnectBeyondStock, DescriptorShortageIsToldAndDescriptorZeroStays) {
  stand_in_.emplace([](Peer& peer, const Request&) { peer.reply(info_reply(1)); });
  Child child = Child::run([] {
    // No gaps below the limit, and descriptor 0 something that would be missed.
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::dup2(null, 0);
    ::close(null);
    return try_with_few_descriptors();
  });
  EXPECT_TRUE(child.wait().exited_with(0));
}

TEST_F(Connect, ThreadsOpenAndCloseAtOnce) {
  stand_in_.emplace(
      [](Peer& peer, const Request& request) { peer.reply(info_reply(request.u32(16))); });
  const std::size_t before = open_descriptors();
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (unsigned thread = 0; thread < 8; ++thread) {
    threads.emplace_back([thread, &wrong] {
      for (int i = 0; i < 20; ++i) {
        Session session;
        votequorum_info info{};
        if (session.open() != CS_OK) ++wrong;
        if (votequorum_getinfo(session.handle(), thread, &info) != CS_OK) ++wrong;
        if (info.node_id != thread) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace cs::test
