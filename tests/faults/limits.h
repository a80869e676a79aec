// SPDX-License-Identifier: BSD-3-Clause
// Limits of a process, lowered and raised again.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

#include "support/proc.h"

namespace cs::faults {

inline void lower(__rlimit_resource resource, rlim_t value) {
  rlimit limit;
  ::getrlimit(resource, &limit);
  limit.rlim_cur = std::min(value, limit.rlim_max);
  ::setrlimit(resource, &limit);
}

inline void raise(__rlimit_resource resource) { lower(resource, RLIM_INFINITY); }

// So much more than this process has now.
inline void leave_address_space(std::size_t kib) {
  const auto used = static_cast<std::size_t>(test::proc::status_number(::getpid(), "VmSize"));
  lower(RLIMIT_AS, (used + kib) * 1024);
}

// The limit with which so many more can be opened.
inline rlim_t descriptor_limit(unsigned left) {
  rlim_t limit = 0;
  for (;; ++limit) {
    const bool is_free = ::fcntl(static_cast<int>(limit), F_GETFD) < 0;
    if (is_free && left-- == 0) return limit;
  }
}

}  // namespace cs::faults
