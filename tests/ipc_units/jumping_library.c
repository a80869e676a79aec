// SPDX-License-Identifier: BSD-3-Clause
// A library that can jump, to be loaded by a program that cannot.
#include <setjmp.h>

void jump_out(sigjmp_buf outside);

void jump_out(sigjmp_buf outside) { siglongjmp(outside, 1); }
