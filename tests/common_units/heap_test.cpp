// SPDX-License-Identifier: BSD-3-Clause
// Heap objects without operator new.
#include "common/heap.h"

#include <gtest/gtest.h>

#include <cstdint>

// Under a sanitizer too a request that cannot be met is to be refused, not to end the program.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }
extern "C" const char* __tsan_default_options() { return "allocator_may_return_null=1"; }

namespace cs {
namespace {

struct Tally {
  explicit Tally(int& count) noexcept : alive(count) { ++alive; }
  ~Tally() { --alive; }
  Tally(const Tally&) = delete;
  Tally& operator=(const Tally&) = delete;
  int& alive;
};

TEST(MakeHeap, OwnerGoneDestroysTheObject) {
  int alive = 0;
  {
    const HeapPtr<Tally> object = make_heap<Tally>(alive);
    ASSERT_TRUE(object);
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

// Volatile, so that no compiler judges the request before the heap does.
TEST(MakeHeapBytes, NoMemoryIsNull) {
  volatile std::size_t too_much = SIZE_MAX - 4096;
  const HeapBytes bytes = make_heap_bytes(too_much);
  void* volatile memory = bytes.get();  // looked at, or clang leaves the allocation out
  EXPECT_EQ(memory, nullptr);
}

TEST(MakeHeapBytes, EveryByteIsUsable) {
  const HeapBytes bytes = make_heap_bytes(100);
  ASSERT_TRUE(bytes);
  for (std::size_t i = 0; i < 100; ++i) bytes[i] = std::byte{0x5a};
  EXPECT_EQ(bytes[99], std::byte{0x5a});
}

}  // namespace
}  // namespace cs
