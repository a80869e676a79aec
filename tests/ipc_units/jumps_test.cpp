// SPDX-License-Identifier: BSD-3-Clause
// A program that refers to siglongjmp can jump. This one does; what it is without is seen in the
// benchmarks, which would be slower.
#include "ipc/jumps.h"

#include <gtest/gtest.h>
#include <setjmp.h>

namespace cs::ipc {
namespace {

TEST(ProgramCanJump, ReferenceToSiglongjmpIsFound) {
  sigjmp_buf back;
  volatile int jumps = 0;
  if (::sigsetjmp(back, 1) == 0) ::siglongjmp(back, 1);
  jumps = jumps + 1;
  EXPECT_EQ(jumps, 1);
  EXPECT_TRUE(program_can_jump());
  EXPECT_TRUE(program_can_jump());
}

}  // namespace
}  // namespace cs::ipc
