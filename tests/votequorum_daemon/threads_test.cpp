// SPDX-License-Identifier: BSD-3-Clause
// Any number of threads on one handle, on their own, opening, closing, dispatching: with the real
// daemon, which must be as idle afterwards as before.
#include <corosync/votequorum.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <future>
#include <mutex>

#include "votequorum_daemon/daemon_session.h"

namespace cs::test {
namespace {

using std::chrono::seconds;

class Threads : public SharedDaemonTest {
 protected:
  // Of the daemon, so far, in clock ticks (100 a second).
  static long processor_time() {
    std::ifstream file("/proc/" + std::to_string(daemon().pid()) + "/stat");
    std::string line;
    std::getline(file, line);
    std::istringstream fields(line.substr(line.rfind(')') + 2));
    std::string skipped;
    for (int i = 3; i < 14; ++i) fields >> skipped;
    long user = 0, system = 0;
    fields >> user >> system;
    return user + system;
  }

  // A daemon left spinning would use all of every second.
  static void expect_idle_daemon() {
    EXPECT_TRUE(eventually(
        [] {
          const long before = processor_time();
          std::this_thread::sleep_for(milliseconds(500));
          return processor_time() - before < 15;
        },
        seconds(10)));
  }
};

TEST_F(Threads, RequestsAndDispatchMixOnOneHandle) {
  ASSERT_EQ(votequorum_trackstart(handle(), 7, CS_TRACK_CHANGES_ONLY), CS_OK);
  constexpr std::size_t kEvents = 300;
  std::atomic<int> wrong = 0;
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        votequorum_info info{};
        if (votequorum_getinfo(handle(), 0, &info) != CS_OK || info.node_id != 1) ++wrong;
        if (votequorum_getinfo(handle(), 2, &info) != CS_ERR_NOT_EXIST) ++wrong;
      }
    });
  }
  for (const auto flag :
       {CS_DISPATCH_BLOCKING, CS_DISPATCH_BLOCKING, CS_DISPATCH_ONE, CS_DISPATCH_ALL}) {
    threads.emplace_back([&, flag, h = handle()] {
      cs_error_t status = CS_OK;
      while (status == CS_OK) status = votequorum_dispatch(h, flag);
      if (status != CS_ERR_BAD_HANDLE) ++wrong;
    });
  }
  for (std::size_t i = 0; i < kEvents; ++i) {
    if (votequorum_setexpected(handle(), 1) != CS_OK) ++wrong;
  }
  // Each event once, whichever thread takes it.
  EXPECT_TRUE(eventually([this] { return session_.event_count() >= kEvents; }));
  stop = true;
  for (int i = 0; i < 4; ++i) threads[static_cast<std::size_t>(i)].join();
  EXPECT_EQ(session_.event_count(), kEvents);
  EXPECT_EQ(session_.finalize(), CS_OK);
  for (std::size_t i = 4; i < threads.size(); ++i) threads[i].join();
  for (const std::string& line : session_.take_events()) {
    if (line != "expected context 7: 1") ++wrong;
  }
  EXPECT_EQ(wrong, 0);
  expect_idle_daemon();
}

TEST_F(Threads, EachOpensAndClosesItsOwn) {
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&wrong] {
      for (int round = 0; round < 25; ++round) {
        Session session;
        if (session.open() != CS_OK) ++wrong;
        if (votequorum_trackstart(session.handle(), 7, CS_TRACK_CURRENT) != CS_OK) ++wrong;
        if (session.dispatch(CS_DISPATCH_ALL) != CS_OK || session.event_count() != 2) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  expect_idle_daemon();
}

// One of them succeeds; whoever comes later meets a stale handle; nobody crashes.
TEST_F(Threads, FinalizeWhileOthersUseTheHandle) {
  for (int round = 0; round < 30; ++round) {
    Session session;
    ASSERT_EQ(session.open(), CS_OK);
    ASSERT_EQ(votequorum_trackstart(session.handle(), 7, CS_TRACK_CHANGES), CS_OK);
    const votequorum_handle_t shared = session.handle();
    std::atomic<int> finalized = 0;
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        cs_error_t status = CS_OK;
        votequorum_info info{};
        while (status == CS_OK) status = votequorum_getinfo(shared, 0, &info);
        if (status != CS_ERR_BAD_HANDLE) ++wrong;
      });
    }
    threads.emplace_back([&] {
      if (votequorum_dispatch(shared, CS_DISPATCH_BLOCKING) != CS_ERR_BAD_HANDLE) ++wrong;
    });
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&] {
        std::this_thread::sleep_for(milliseconds(3));
        if (votequorum_finalize(shared) == CS_OK) ++finalized;
      });
    }
    for (std::thread& thread : threads) thread.join();
    (void)session.release();
    EXPECT_EQ(finalized, 1);
    EXPECT_EQ(wrong, 0);
  }
  expect_idle_daemon();
}

// While a callback of one thread runs, another dispatches and asks: no lock is held meanwhile.
TEST_F(Threads, CallbackHoldsUpNobody) {
  ASSERT_EQ(votequorum_trackstart(handle(), 7, CS_TRACK_CURRENT), CS_OK);
  std::promise<void> first_runs, first_may_end;
  session_.in_callback = [&](Session& session) {
    session.in_callback = {};
    first_runs.set_value();
    EXPECT_EQ(first_may_end.get_future().wait_for(seconds(20)), std::future_status::ready);
  };
  std::thread first([this] { EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE), CS_OK); });
  ASSERT_EQ(first_runs.get_future().wait_for(seconds(20)), std::future_status::ready);
  EXPECT_EQ(session_.getinfo(), CS_OK);
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE), CS_OK);
  EXPECT_EQ(session_.event_count(), 2U);
  first_may_end.set_value();
  first.join();
}

// A dispatch whose handle another thread finalizes during its callback ends when that returns.
TEST_F(Threads, FinalizeDuringACallbackOfAnotherThread) {
  ASSERT_EQ(votequorum_trackstart(handle(), 7, CS_TRACK_CHANGES), CS_OK);
  std::promise<void> runs, may_end;
  session_.in_callback = [&](Session& session) {
    session.in_callback = {};
    runs.set_value();
    EXPECT_EQ(may_end.get_future().wait_for(seconds(20)), std::future_status::ready);
  };
  auto dispatching = std::async(
      std::launch::async, [h = handle()] { return votequorum_dispatch(h, CS_DISPATCH_BLOCKING); });
  ASSERT_EQ(runs.get_future().wait_for(seconds(20)), std::future_status::ready);
  EXPECT_EQ(session_.finalize(), CS_OK);
  may_end.set_value();
  EXPECT_EQ(dispatching.get(), CS_ERR_BAD_HANDLE);
  EXPECT_EQ(session_.event_count(), 1U);
}

TEST_F(Threads, KilledDaemonEndsThemAll) {
  CorosyncDaemon& victim = daemon();
  ASSERT_EQ(votequorum_trackstart(handle(), 7, CS_TRACK_CHANGES_ONLY), CS_OK);
  std::vector<std::future<cs_error_t>> results;
  for (int i = 0; i < 4; ++i) {
    results.push_back(std::async(std::launch::async, [this] {
      cs_error_t status = CS_OK;
      while (status == CS_OK) status = session_.getinfo();
      return status;
    }));
    results.push_back(
        std::async(std::launch::async, [this] { return session_.dispatch(CS_DISPATCH_BLOCKING); }));
  }
  EXPECT_EQ(results[0].wait_for(milliseconds(200)), std::future_status::timeout);
  victim.kill_hard();
  for (auto& result : results) EXPECT_EQ(result.get(), CS_ERR_LIBRARY);
  EXPECT_EQ(session_.finalize(), CS_OK);
  ASSERT_TRUE(victim.restart());
}

}  // namespace
}  // namespace cs::test
