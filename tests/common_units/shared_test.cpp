// SPDX-License-Identifier: BSD-3-Clause
// Shared ownership: the last owner destroys, exactly once.
#include "common/shared.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace cs {
namespace {

struct Counted : Shared {
  explicit Counted(std::atomic<int>& count) noexcept : alive(count) { ++alive; }
  ~Counted() { --alive; }
  std::atomic<int>& alive;
};

class SharedRefTest : public testing::Test {
 protected:
  SharedRef<Counted> make() { return SharedRef(make_heap<Counted>(alive)); }
  std::atomic<int> alive = 0;
};

TEST_F(SharedRefTest, DefaultIsEmpty) {
  const SharedRef<Counted> none;
  EXPECT_FALSE(none);
}

TEST_F(SharedRefTest, NoMemoryIsEmpty) {
  const SharedRef<Counted> none{HeapPtr<Counted>()};
  EXPECT_FALSE(none);
}

TEST_F(SharedRefTest, CopyKeepsTheObjectAlive) {
  SharedRef<Counted> first = make();
  {
    const SharedRef<Counted> second = first;
    first = {};
    EXPECT_FALSE(first);
    EXPECT_EQ(alive, 1);
    EXPECT_EQ(&second->alive, &alive);
  }
  EXPECT_EQ(alive, 0);
}

TEST_F(SharedRefTest, MoveLeavesOneOwner) {
  SharedRef<Counted> first = make();
  SharedRef<Counted> second = std::move(first);
  EXPECT_EQ(alive, 1);
  second = {};
  EXPECT_EQ(alive, 0);
}

TEST_F(SharedRefTest, AssignmentLetsGoOfTheOldObject) {
  std::atomic<int> others = 0;
  SharedRef<Counted> reference = make();
  reference = SharedRef(make_heap<Counted>(others));
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(others, 1);
}

TEST_F(SharedRefTest, AssignmentToItselfKeepsTheObject) {
  SharedRef<Counted> reference = make();
  const SharedRef<Counted>& same = reference;
  reference = same;
  EXPECT_EQ(alive, 1);
  EXPECT_TRUE(reference);
}

TEST_F(SharedRefTest, OwnersOfManyThreadsDestroyOnce) {
  for (int round = 0; round < 200; ++round) {
    SharedRef<Counted> first = make();
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([mine = first]() mutable {
        const SharedRef<Counted> copy = mine;
        mine = {};
      });
    }
    first = {};
    for (std::thread& thread : threads) thread.join();
    threads.clear();
    ASSERT_EQ(alive, 0);
  }
}

}  // namespace
}  // namespace cs
