// SPDX-License-Identifier: BSD-3-Clause
// What malloc has given out. 0 where that is not known: with another libc, or a sanitizer's malloc.
#pragma once

#include <malloc.h>

#include <cstddef>

#include "support/sanitized.h"

namespace cs::test {

inline std::size_t memory_in_use() {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
  return kSanitized ? 0 : ::mallinfo2().uordblks;
#else
  return 0;
#endif
}

}  // namespace cs::test
