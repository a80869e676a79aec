// SPDX-License-Identifier: BSD-3-Clause
// Objects on the heap without operator new, which would bring in the C++ run-time.
#ifndef CS_COMMON_HEAP_H
#define CS_COMMON_HEAP_H

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>

namespace cs {

struct HeapDelete {
  template <typename T>
  void operator()(T* object) const noexcept {
    object->~T();
    std::free(object);
  }
};

struct HeapFree {
  void operator()(void* memory) const noexcept { std::free(memory); }
};

template <typename T>
using HeapPtr = std::unique_ptr<T, HeapDelete>;

// Bytes without a type of their own: message buffers.
using HeapBytes = std::unique_ptr<std::byte[], HeapFree>;

// Null when there is no memory.
template <typename T, typename... Args>
[[nodiscard]] HeapPtr<T> make_heap(Args&&... args) noexcept {
  static_assert(alignof(T) <= alignof(std::max_align_t));
  void* const memory = std::malloc(sizeof(T));
  return HeapPtr<T>(memory != nullptr ? ::new (memory) T(std::forward<Args>(args)...) : nullptr);
}

[[nodiscard]] inline HeapBytes make_heap_bytes(std::size_t size) noexcept {
  return HeapBytes(static_cast<std::byte*>(std::malloc(size)));
}

}  // namespace cs

#endif
