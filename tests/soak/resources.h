// SPDX-License-Identifier: BSD-3-Clause
// What a process holds, and what it has left behind.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <iosfwd>

namespace cs::soak {

struct Resources {
  std::size_t descriptors = 0;
  std::int64_t threads = 0;
  std::size_t children = 0;  // zombies included
  std::size_t zombies = 0;
  std::size_t mappings = 0;
  std::size_t heap_bytes = 0;  // given out by malloc and not given back; 0 under a sanitizer
  std::int64_t resident_kib = 0;
  std::size_t shared_segments = 0;  // files in /dev/shm, of all processes
  std::size_t daemon_descriptors = 0;
  std::int64_t daemon_kib = 0;
};
std::ostream& operator<<(std::ostream& out, const Resources& resources);

// Of this process, and of the daemon.
[[nodiscard]] Resources measure(pid_t daemon);

// Nothing grew but memory, and that by less than a leak of a few bytes per round would make of it.
[[nodiscard]] bool is_as_before(const Resources& now, const Resources& before);

}  // namespace cs::soak
