// SPDX-License-Identifier: BSD-3-Clause
// A program that is linked for a fixed address: whether it can jump is its exit status. How it
// refers to siglongjmp, if at all, is chosen when it is compiled.
#include <setjmp.h>

int look_for_jumps(void);

#if defined(CS_CALLS_JUMP) || defined(CS_POINTS_TO_JUMP)
static sigjmp_buf back;

static void jump(void) {
#ifdef CS_POINTS_TO_JUMP
  void (*volatile function)(sigjmp_buf, int) = siglongjmp;
  function(back, 1);
#else
  siglongjmp(back, 1);
#endif
}
#endif

int main(void) {
#if defined(CS_CALLS_JUMP) || defined(CS_POINTS_TO_JUMP)
  if (sigsetjmp(back, 1) == 0) jump();
#endif
  return look_for_jumps();
}
