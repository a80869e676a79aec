// SPDX-License-Identifier: BSD-3-Clause
// Why a process may be silent without being hung: the kernel says so.
#ifndef CS_SAM_EXCUSE_H
#define CS_SAM_EXCUSE_H

#include <cstdint>
#include <sys/types.h>

namespace cs::sam {

enum class Excuse : std::uint8_t {
  kNone,
  kDumpingCore,     // it is about to die, and what it leaves is wanted
  kHeldByDebugger,  // stopped by it: one that is only traced runs on, and is as hung as any
};

// What /proc/PID/status says; pure, the text is terminated.
[[nodiscard]] Excuse parse_excuse(const char* status) noexcept;

// The same of all that can be read from there.
[[nodiscard]] Excuse read_excuse(int fd) noexcept;

// Asks /proc. None where that does not answer.
[[nodiscard]] Excuse find_excuse(pid_t pid) noexcept;

}  // namespace cs::sam

#endif
