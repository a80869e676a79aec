// SPDX-License-Identifier: BSD-3-Clause
// Another thread forks during the first call of all, which prepares the library. There is only one
// first call, so this program has no other test.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <thread>

#include "ipc/in_flight.h"
#include "support/child.h"

namespace cs::test {
namespace {

// The next key is made by a thread that stays there until it may go on.
std::atomic<bool> g_stays = false;
std::atomic<bool> g_is_there = false;
std::atomic<bool> g_may_go_on = false;

void stay() {
  g_is_there = true;
  while (!g_may_go_on) std::this_thread::yield();
}

}  // namespace
}  // namespace cs::test

// In place of libc's: it is called in the middle of preparing.
extern "C" int pthread_key_create(pthread_key_t* key, void (*destructor)(void*)) noexcept {
  using Create = int (*)(pthread_key_t*, void (*)(void*));
  static const auto create = reinterpret_cast<Create>(::dlsym(RTLD_NEXT, "pthread_key_create"));
  if (cs::test::g_stays.exchange(false)) cs::test::stay();
  return create(key, destructor);
}

namespace cs::test {
namespace {

TEST(FirstCall, InTheChildOfAForkDoesNotWaitForAThreadOfItsParent) {
  g_stays = true;
  std::thread first([] { ipc::prepare(nullptr, nullptr); });
  while (!g_is_there) std::this_thread::yield();
  Child child = Child::run([] {
    ipc::prepare(nullptr, nullptr);
    return 0;
  });
  EXPECT_TRUE(child.wait().exited_with(0));
  g_may_go_on = true;
  first.join();
  ipc::prepare(nullptr, nullptr);
}

}  // namespace
}  // namespace cs::test
