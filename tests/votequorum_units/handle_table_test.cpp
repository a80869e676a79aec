// SPDX-License-Identifier: BSD-3-Clause
// Handles: found while they live, refused for ever after, whatever happens to their slots.
#include "votequorum/handle_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

namespace cs::votequorum {
namespace {

struct Item : Shared {
  Item(int n, std::atomic<int>& count) noexcept : number(n), alive(count) { ++alive; }
  ~Item() { --alive; }
  const int number;
  std::atomic<int>& alive;
};

class HandleTableTest : public testing::Test {
 protected:
  std::uint64_t insert(int number) {
    const auto handle = table_.insert(SharedRef(make_heap<Item>(number, alive_)));
    EXPECT_TRUE(handle);
    return *handle;
  }

  // The table never frees its slots (it is made to be global); what is left in it goes here.
  void TearDown() override {
    for (const std::uint64_t handle : left_) (void)table_.remove(handle);
    EXPECT_EQ(alive_, 0);
  }

  static inline constinit HandleTable<Item> table_;
  std::atomic<int> alive_ = 0;
  std::vector<std::uint64_t> left_;
};

TEST_F(HandleTableTest, HandleFindsItsObject) {
  left_ = {insert(1), insert(2)};
  EXPECT_EQ(table_.find(left_[0])->number, 1);
  EXPECT_EQ(table_.find(left_[1])->number, 2);
}

TEST_F(HandleTableTest, UnknownHandlesAreRefused) {
  left_ = {insert(1)};
  const std::uint64_t known = left_[0];
  for (const std::uint64_t handle :
       {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}, known + 1, known - 1,
        known ^ (std::uint64_t{1} << 63), known ^ (std::uint64_t{1} << 20), known ^ 0xfffffu}) {
    EXPECT_FALSE(table_.find(handle)) << handle;
    EXPECT_FALSE(table_.remove(handle)) << handle;
  }
}

TEST_F(HandleTableTest, RemovedHandleIsRefused) {
  const std::uint64_t handle = insert(1);
  EXPECT_EQ(table_.remove(handle)->number, 1);
  EXPECT_FALSE(table_.find(handle));
  EXPECT_FALSE(table_.remove(handle));
}

TEST_F(HandleTableTest, ObjectLivesUntilItsLastUserIsDone) {
  const std::uint64_t handle = insert(1);
  {
    const SharedRef<Item> user = table_.find(handle);
    (void)table_.remove(handle);
    EXPECT_EQ(alive_, 1);
    EXPECT_EQ(user->number, 1);
  }
  EXPECT_EQ(alive_, 0);
}

TEST_F(HandleTableTest, SlotsAreUsedAgainHandlesNever) {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 10000; ++i) {
    const std::uint64_t handle = insert(i);
    ASSERT_NE(handle, 0u);
    ASSERT_TRUE(seen.insert(handle).second) << "handed out twice: " << handle;
    (void)table_.remove(handle);
  }
  for (const std::uint64_t handle : seen) ASSERT_FALSE(table_.find(handle));
}

TEST_F(HandleTableTest, ManyHandlesLiveAtOnce) {
  constexpr int kCount = 3000;
  for (int i = 0; i < kCount; ++i) left_.push_back(insert(i));
  for (int i = 0; i < kCount; i += 2) (void)table_.remove(left_[static_cast<std::size_t>(i)]);
  for (int i = 0; i < kCount; ++i) {
    const SharedRef<Item> item = table_.find(left_[static_cast<std::size_t>(i)]);
    ASSERT_EQ(static_cast<bool>(item), i % 2 == 1) << i;
    if (item) {
      ASSERT_EQ(item->number, i);
    }
  }
}

// Each thread's handles must find its own objects and be refused once removed, whatever the others
// do to the table, which grows meanwhile.
TEST_F(HandleTableTest, ThreadsDoNotDisturbOneAnother) {
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([this, thread, &wrong] {
      std::vector<std::uint64_t> mine;
      for (int i = 0; i < 500; ++i) mine.push_back(insert(thread));
      for (const std::uint64_t handle : mine) {
        const SharedRef<Item> item = table_.find(handle);
        if (!item || item->number != thread) ++wrong;
        if (!table_.remove(handle) || table_.find(handle)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// Of many removers one gets the object, as of many finalising threads one succeeds.
TEST_F(HandleTableTest, OneRemoverWins) {
  for (int round = 0; round < 200; ++round) {
    const std::uint64_t handle = insert(round);
    std::atomic<int> winners = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([handle, &winners] {
        (void)table_.find(handle);
        if (table_.remove(handle)) ++winners;
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(winners, 1);
  }
}

}  // namespace
}  // namespace cs::votequorum
