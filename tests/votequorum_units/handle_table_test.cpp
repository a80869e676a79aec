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

struct Item {
  Item(int n, std::atomic<int>& count) noexcept : number(n), alive(count) { ++alive; }
  ~Item() { --alive; }
  const int number;
  std::atomic<int>& alive;
};

class MachineHandleTable : public testing::Test {
 protected:
  // A user of a handle for a scope, null if it is unknown; or what remove() gives.
  class User {
   public:
    User(std::uint64_t handle, Item* item) : handle_(handle), item_(item) {}
    User(const User&) = delete;
    User& operator=(const User&) = delete;
    ~User() {
      if (item_ != nullptr && table_.let_go(handle_)) table_.retire(handle_, Mutex::make_token(0));
    }
    explicit operator bool() const { return item_ != nullptr; }
    Item* operator->() const { return item_; }

   private:
    const std::uint64_t handle_;
    Item* const item_;
  };
  static User find(std::uint64_t handle) { return {handle, table_.find(handle)}; }
  static User remove(std::uint64_t handle) { return {handle, table_.remove(handle)}; }

  std::uint64_t insert(int number) {
    const auto handle = table_.insert(make_heap<Item>(number, alive_), Mutex::make_token(0));
    EXPECT_TRUE(handle);
    return *handle;
  }

  // The table never frees its slots (it is made to be global); what is left in it goes here.
  void TearDown() override {
    for (const std::uint64_t handle : left_) (void)remove(handle);
    EXPECT_EQ(alive_, 0);
  }

  static inline constinit HandleTable<Item> table_;
  std::atomic<int> alive_ = 0;
  std::vector<std::uint64_t> left_;
};

TEST_F(MachineHandleTable, HandleFindsItsObject) {
  left_ = {insert(1), insert(2)};
  EXPECT_EQ(find(left_[0])->number, 1);
  EXPECT_EQ(find(left_[1])->number, 2);
}

TEST_F(MachineHandleTable, UnknownHandlesAreRefused) {
  left_ = {insert(1)};
  const std::uint64_t known = left_[0];
  for (const std::uint64_t handle :
       {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}, known + 1, known - 1,
        known ^ (std::uint64_t{1} << 63), known ^ (std::uint64_t{1} << 20), known ^ 0xfffffU}) {
    EXPECT_FALSE(find(handle)) << handle;
    EXPECT_FALSE(remove(handle)) << handle;
  }
}

TEST_F(MachineHandleTable, RemovedHandleIsRefused) {
  const std::uint64_t handle = insert(1);
  EXPECT_EQ(remove(handle)->number, 1);
  EXPECT_FALSE(find(handle));
  EXPECT_FALSE(remove(handle));
}

TEST_F(MachineHandleTable, ObjectLivesUntilItsLastUserIsDone) {
  const std::uint64_t handle = insert(1);
  {
    const User user = find(handle);
    (void)remove(handle);
    EXPECT_EQ(alive_, 1);
    EXPECT_EQ(user->number, 1);
  }
  EXPECT_EQ(alive_, 0);
}

TEST_F(MachineHandleTable, SlotsAreUsedAgainHandlesNever) {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 10000; ++i) {
    const std::uint64_t handle = insert(i);
    ASSERT_NE(handle, 0U);
    ASSERT_TRUE(seen.insert(handle).second) << "handed out twice: " << handle;
    (void)remove(handle);
  }
  for (const std::uint64_t handle : seen) ASSERT_FALSE(find(handle));
}

TEST_F(MachineHandleTable, ManyHandlesLiveAtOnce) {
  constexpr int kCount = 8 * 511;  // fills blocks of slots, more than the other tests need
  std::set<std::uint64_t> slots;
  for (int i = 0; i < kCount; ++i) {
    left_.push_back(insert(i));
    slots.insert(left_.back() % (1 << 20));
  }
  EXPECT_EQ(slots.size(), std::size_t{kCount});
  EXPECT_EQ(*slots.rbegin(), std::uint64_t{kCount - 1});  // no slot is left out
  for (int i = 0; i < kCount; i += 2) (void)remove(left_[static_cast<std::size_t>(i)]);
  for (int i = 0; i < kCount; ++i) {
    const User item = find(left_[static_cast<std::size_t>(i)]);
    ASSERT_EQ(static_cast<bool>(item), i % 2 == 1) << i;
    if (item) {
      ASSERT_EQ(item->number, i);
    }
  }
}

// Each thread's handles must find its own objects and be refused once removed, whatever the others
// do to the table, which grows meanwhile.
TEST_F(MachineHandleTable, ThreadsDoNotDisturbOneAnother) {
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([this, thread, &wrong] {
      std::vector<std::uint64_t> mine;
      for (int i = 0; i < 500; ++i) mine.push_back(insert(thread));
      for (const std::uint64_t handle : mine) {
        const User item = find(handle);
        if (!item || item->number != thread) ++wrong;
        if (!remove(handle) || find(handle)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// Of many removers one gets the object, as of many finalizing threads one succeeds.
TEST_F(MachineHandleTable, OneRemoverWins) {
  for (int round = 0; round < 200; ++round) {
    const std::uint64_t handle = insert(round);
    std::atomic<int> winners = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([handle, &winners] {
        (void)find(handle);
        if (remove(handle)) ++winners;
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(winners, 1);
  }
}

// In the child of a fork the uses of its parent's other threads do not count.
TEST_F(MachineHandleTable, UsesOfThreadsThatDoNotExistAreForgotten) {
  const std::uint64_t handle = insert(1);
  ASSERT_NE(table_.find(handle), nullptr);  // another thread's
  {
    ASSERT_NE(table_.find(handle), nullptr);  // of the thread that forks
    table_.keep_only([&](std::uint64_t asked) { return asked == handle ? 1U : 0U; });
    const User own(handle, table_.remove(handle));
    EXPECT_FALSE(table_.let_go(handle));
    EXPECT_EQ(alive_, 1);
  }
  EXPECT_EQ(alive_, 0);
}

// In a callback that has finalized its handle, say.
TEST_F(MachineHandleTable, ClosedHandleGoesWithTheLastUseOfTheThreadThatForks) {
  const std::uint64_t handle = insert(1);
  {
    const User own = find(handle);
    ASSERT_TRUE(own);
    ASSERT_TRUE(remove(handle));
    table_.keep_only([&](std::uint64_t asked) { return asked == handle ? 1U : 0U; });
    EXPECT_EQ(alive_, 1);
  }
  EXPECT_EQ(alive_, 0);
}

// As on machines without access to eight bytes at once.
class NarrowHandleTable : public testing::Test {
 protected:
  const Mutex::Token self_ = Mutex::make_token(0);

  std::uint64_t insert() {
    const auto handle = table_.insert(make_heap<Item>(0, alive_), self_);
    EXPECT_TRUE(handle);
    return *handle;
  }
  void remove(std::uint64_t handle) {
    ASSERT_NE(table_.remove(handle), nullptr);
    if (table_.let_go(handle)) table_.retire(handle, self_);
  }
  void TearDown() override { EXPECT_EQ(alive_, 0); }

  static inline constinit HandleTable<Item, NarrowHandles> table_;
  std::atomic<int> alive_ = 0;
};

TEST_F(NarrowHandleTable, StaleHandleIsRefusedUntilAllNumbersHaveBeenUsed) {
  const std::uint64_t first = insert();
  remove(first);
  std::uint64_t count = 0;
  std::uint64_t handle = 0;
  do {
    handle = insert();
    ASSERT_NE(handle, 0U);
    ++count;
    ASSERT_EQ(table_.find(first) != nullptr, handle == first);
    if (handle == first) (void)table_.let_go(handle);
    remove(handle);
  } while (handle != first);
  EXPECT_EQ(count, NarrowHandles::kMaxSerial);
}

TEST_F(NarrowHandleTable, MoreUsersThanCanBeCountedAreRefused) {
  const std::uint64_t handle = insert();
  unsigned users = 0;
  while (table_.find(handle) != nullptr) ++users;
  EXPECT_EQ(users, NarrowHandles::kUsers - 1);  // and the table
  EXPECT_FALSE(table_.let_go(handle));
  EXPECT_NE(table_.find(handle), nullptr);
  for (; users > 0; --users) EXPECT_FALSE(table_.let_go(handle));
  remove(handle);
}

}  // namespace
}  // namespace cs::votequorum
