// SPDX-License-Identifier: BSD-3-Clause
// The threads t0 to t9 of a program and its forked processes c0 to c9. Each does one step at a
// time.
#pragma once

#include "differential/interpreter/step.h"

namespace cs::differential {

// Has it done by who is named in it, and waits for that if the step says so.
void perform_elsewhere(const Step& step);

// Until each thread that is at a step has fallen asleep there and finds nothing more to do, or has
// ended it. For half a second at most.
void wait_until_quiet();

// What the thread at this step would be woken by: the descriptor of the handle it dispatches.
void sleeps_on(int fd) noexcept;

// Whether this step is done by one of those threads, which may then vanish.
[[nodiscard]] bool in_own_thread() noexcept;

}  // namespace cs::differential
