// SPDX-License-Identifier: BSD-3-Clause
// What the sanitizers have to be told, and be spared.
#ifndef CS_COMMON_SANITIZER_H
#define CS_COMMON_SANITIZER_H

#include <atomic>
#include <stddef.h>

// gcc has macros, clang has features.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CS_ADDRESS_SANITIZER
#endif
#if __has_feature(thread_sanitizer)
#define CS_THREAD_SANITIZER
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(CS_ADDRESS_SANITIZER)
#define CS_ADDRESS_SANITIZER
#endif
#if defined(__SANITIZE_THREAD__) && !defined(CS_THREAD_SANITIZER)
#define CS_THREAD_SANITIZER
#endif

#ifdef CS_ADDRESS_SANITIZER
extern "C" void __asan_unpoison_memory_region(const volatile void* begin, size_t size);
extern "C" void __lsan_ignore_object(const void* object);
#endif

namespace cs {

// Frames that cancellation has skipped never took the marks off their variables, which lie where
// the next frames will be. Call this first in what runs on such a stack next. Not
// __asan_handle_no_return(), whose own frame may hit such a mark.
inline void forget_skipped_frames() noexcept {
#ifdef CS_ADDRESS_SANITIZER
  constexpr size_t kBelow = 32 * 1024;  // deeper than our calls go
  constexpr size_t kAbove = 1024;       // the caller's own frame
  const char* here = static_cast<const char*>(__builtin_frame_address(0));
  __asan_unpoison_memory_region(here - kBelow, kBelow + kAbove);
#endif
}

// What object holds is left behind on purpose.
inline void leave_behind([[maybe_unused]] const void* object) noexcept {
#ifdef CS_ADDRESS_SANITIZER
  __lsan_ignore_object(object);
#endif
}

// Orders everything before it with everything after it. The thread sanitizer knows no fences.
inline void full_fence() noexcept {
#ifndef CS_THREAD_SANITIZER
  std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

}  // namespace cs

#endif
