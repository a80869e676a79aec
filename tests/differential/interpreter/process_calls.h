// SPDX-License-Identifier: BSD-3-Clause
// What a program does as a process: signals, children, descriptors, its end.
#pragma once

#include <sys/types.h>

namespace cs::differential {

void sleep_ms(long milliseconds) noexcept;  // not cut short by signals

// A process that has ended, and that nobody has waited for, is none any more.
[[nodiscard]] bool is_running(pid_t pid) noexcept;

void tell_mask() noexcept;     // the signals that this thread blocks
void tell_signals() noexcept;  // and what the process does with the others

// The number of the next instance, and the process that was the active one: in a page that the
// processes of the application share.
[[nodiscard]] unsigned next_instance() noexcept;
pid_t exchange_active(pid_t pid) noexcept;

}  // namespace cs::differential
