// SPDX-License-Identifier: BSD-3-Clause
// System calls that a filter refuses, as the units of services and containers have them.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

#include <cstdint>
#include <iterator>

namespace cs::test {

// From now on, in this process and all that it forks, for good: the call gives that error (0: does
// nothing, and says that all is well); with flags: only if its argument of that number has one of
// them. False where there are no filters.
[[nodiscard]] inline bool refuse_call(unsigned number, unsigned error, unsigned argument = 0,
                                      std::uint32_t flags = 0) {
  const auto offset = static_cast<unsigned>(offsetof(seccomp_data, args)) + 8 * argument;
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, flags, 0, static_cast<std::uint8_t>(flags != 0 ? 1 : 0)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {std::size(code), code};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace cs::test
