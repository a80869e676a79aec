// SPDX-License-Identifier: BSD-3-Clause
// Whether a sanitizer is built in: it takes memory, stacks and time of its own.
#pragma once

namespace cs::test {

#ifdef CS_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// Asynchronous cancellation inside this one's run-time leaves its locks behind.
#ifdef __SANITIZE_THREAD__
inline constexpr bool kThreadSanitized = true;
#else
inline constexpr bool kThreadSanitized = false;
#endif

}  // namespace cs::test
