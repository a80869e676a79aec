// SPDX-License-Identifier: BSD-3-Clause
// For fixed_program.c, which the compiler must not take for a program at any address.
#include "ipc/jumps.h"

extern "C" int look_for_jumps() { return cs::ipc::program_can_jump() ? 1 : 0; }
