// SPDX-License-Identifier: BSD-3-Clause
// Whether a sanitizer is built in: it takes memory, stacks and time of its own.
#pragma once

namespace cs::test {

#ifdef CS_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace cs::test
