// SPDX-License-Identifier: BSD-3-Clause
// Memory that a test shares with the processes it forks.
#pragma once

#include <sys/mman.h>

#include <new>

namespace cs::faults {

// Never destroyed.
template <typename Value>
[[nodiscard]] Value* map_shared() {
  void* const memory =
      ::mmap(nullptr, sizeof(Value), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return ::new (memory) Value();
}

}  // namespace cs::faults
