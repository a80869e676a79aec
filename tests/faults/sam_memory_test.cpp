// SPDX-License-Identifier: BSD-3-Clause
// libsam in a memory control group that has no room for what an instance wants to store.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <fstream>

#include "faults/in_child.h"
#include "faults/map_shared.h"
#include "faults/memory_cgroup.h"
#include "faults/sam_trial.h"

namespace cs::faults {
namespace {

constexpr std::size_t kRoom = 32 << 20;
constexpr std::size_t kTooMuch = 2 * kRoom;

// What happened to the stores that had no room.
struct Attempts {
  std::atomic<unsigned> begun = 0;
  std::atomic<unsigned> refused = 0;
};

// In an instance that is started and has stored: the data are pages that take no memory.
void store_too_much(Attempts& attempts) {
  constexpr unsigned kTimes = 3;
  if (attempts.begun == kTimes) return;
  ++attempts.begun;
  void* const zeros = ::mmap(nullptr, kTooMuch, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (zeros == MAP_FAILED) ::_exit(kBroken);
  const cs_error_t status = sam_data_store(zeros, kTooMuch);
  if (status != CS_ERR_NO_MEMORY) ::_exit(kBroken);
  ::munmap(zeros, kTooMuch);
  ++attempts.refused;
}

// If one must go, it is an instance.
void volunteer() { std::ofstream("/proc/self/oom_score_adj") << 1000 << std::flush; }

class SamMemory : public testing::Test {
 protected:
  void SetUp() override {
    std::string why;
    auto made = MemoryCgroup::make(why);
    if (!made) GTEST_SKIP() << "no memory control group can be made here: " << why;
    group_.emplace(std::move(*made));
    ASSERT_TRUE(group_->limit(kRoom));
  }

  [[nodiscard]] const MemoryCgroup& group() const { return *group_; }

  void live() {
    const auto outcome = in_child([this] {
      Way way;
      way.hook = [this](Moment moment) {
        if (moment == Moment::kBegin && !group().enter()) ::_exit(kBroken);
        if (moment == Moment::kRegistered) volunteer();
        if (moment == Moment::kCrash) store_too_much(attempts_);
      };
      expect_life(way);
    });
    EXPECT_TRUE(outcome.exited_with(0)) << outcome;
    EXPECT_GT(attempts_.begun, 0U);
    std::cout << attempts_.begun << " stores without room, " << attempts_.refused << " refused"
              << std::endl;
  }

  Attempts& attempts_ = *map_shared<Attempts>();

 private:
  std::optional<MemoryCgroup> group_;
};

// The kernel refuses the memory, or kills the instance; the store before counts either way.
TEST_F(SamMemory, StoreWithoutRoomLeavesTheOldOne) { live(); }

// A sanitizer's own use of memory would wait for room for ever.
#ifndef CS_SANITIZED
TEST_F(SamMemory, StoreThatIsRefusedLeavesTheOldOne) {
  if (!group().spare_processes()) GTEST_SKIP() << "this version always kills";
  live();
  EXPECT_GT(attempts_.refused, 0U);
}
#endif

}  // namespace
}  // namespace cs::faults
