// SPDX-License-Identifier: BSD-3-Clause
// What only our library does, with the real daemon: small stacks, finalizing from another thread,
// many threads on one handle, forks. Every case here fails with the distribution's library.
#include <corosync/votequorum.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <future>

#include "support/sanitized.h"
#include "votequorum_daemon/daemon_session.h"

namespace cs::test {
namespace {

using std::chrono::seconds;
using testing::SizeIs;

class DispatchBeyondStock : public SharedDaemonTest {};

// Runs on a stack of 64 KiB, or of the least that the machine allows (128 KiB on arm64).
void run_on_small_stack(void* (*body)(void*), void* argument) {
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  constexpr std::size_t kSmall = (kSanitized ? 512 : 64) * 1024;  // sanitizers' frames are large
  const auto size = std::max(kSmall, static_cast<std::size_t>(PTHREAD_STACK_MIN));
  ASSERT_EQ(::pthread_attr_setstacksize(&attributes, size), 0);
  pthread_t thread;
  ASSERT_EQ(::pthread_create(&thread, &attributes, body, argument), 0);
  ::pthread_join(thread, nullptr);
  ::pthread_attr_destroy(&attributes);
}

TEST_F(DispatchBeyondStock, SmallStackIsEnough) {
  ASSERT_EQ(votequorum_trackstart(handle(), 7, CS_TRACK_CURRENT), CS_OK);
  run_on_small_stack(
      [](void* session) -> void* {
        EXPECT_EQ(static_cast<Session*>(session)->dispatch(CS_DISPATCH_ALL), CS_OK);
        return nullptr;
      },
      &session_);
  EXPECT_THAT(session_.take_events(), SizeIs(2));
}

class FinalizeBeyondStock : public SharedDaemonTest,
                            public testing::WithParamInterface<cs_dispatch_flags_t> {};

INSTANTIATE_TEST_SUITE_P(Waiting, FinalizeBeyondStock,
                         testing::Values(CS_DISPATCH_ONE, CS_DISPATCH_BLOCKING));

TEST_P(FinalizeBeyondStock, EndsTheDispatchesOfOtherThreads) {
  std::vector<std::future<cs_error_t>> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.push_back(std::async(std::launch::async,
                                 [h = handle()] { return votequorum_dispatch(h, GetParam()); }));
  }
  EXPECT_EQ(waiting[0].wait_for(milliseconds(200)), std::future_status::timeout);
  EXPECT_EQ(session_.finalize(), CS_OK);
  const auto finalized = Clock::now();
  for (auto& result : waiting) {
    // A thread that never returns can't be joined either.
    if (result.wait_for(seconds(5)) == std::future_status::timeout) std::abort();
    EXPECT_EQ(result.get(), CS_ERR_BAD_HANDLE);
  }
  EXPECT_LT(Clock::now() - finalized, seconds(2));
}

class ThreadsBeyondStock : public OwnDaemonTest {
 protected:
  void TearDown() override { OwnDaemonTest::TearDown(); }
};

// On the distribution's library answers get mixed up, threads hang, and the daemon may go on
// spinning.
TEST_F(ThreadsBeyondStock, ShareOneHandle) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  std::atomic<int> done = 0;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 2000; ++i) {
        votequorum_info info{};
        const bool known = (thread + i) % 2 == 0;
        const cs_error_t expected = known ? CS_OK : CS_ERR_NOT_EXIST;
        if (votequorum_getinfo(handle(), known ? 1 : 2, &info) != expected) ++wrong;
        if (known && info.node_id != 1) ++wrong;
      }
      ++done;
    });
  }
  const bool all = eventually([&done] { return done == 8; });
  if (!all) std::abort();  // a thread that never returns can't be joined either
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

class ForkBeyondStock : public SharedDaemonTest {};

TEST_F(ForkBeyondStock, ChildThatFinalizesDoesNotCutOffItsParent) {
  Child child = Child::run([this] { return votequorum_finalize(handle()) == CS_OK ? 0 : 1; });
  EXPECT_TRUE(child.wait().exited_with(0));
  EXPECT_EQ(session_.getinfo(), CS_OK);
  ASSERT_EQ(votequorum_trackstart(handle(), 7, CS_TRACK_CHANGES_ONLY), CS_OK);
  const EventLater event;
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ONE), CS_OK);
  EXPECT_THAT(session_.take_events(), SizeIs(1));
}

}  // namespace
}  // namespace cs::test
