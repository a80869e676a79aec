// SPDX-License-Identifier: BSD-3-Clause
// Looking into /proc, /dev/shm and malloc.
#include "soak/resources.h"

#include <malloc.h>
#include <unistd.h>

#include <fstream>
#include <ostream>
#include <string>

#include "support/paths_below.h"
#include "support/proc.h"
#include "support/sanitized.h"

namespace cs::soak {
namespace {

namespace proc = cs::test::proc;

// A sanitizer's keeps freed memory, and ever more of it.
constexpr bool kOwnMalloc = !test::kSanitized;

std::size_t heap_bytes() {
  if (!kOwnMalloc) return 0;
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

// With a heap that grows: only those of files, such as a connection's rings and a store.
std::size_t count_mappings() {
  std::ifstream maps("/proc/self/maps");
  std::size_t count = 0;
  for (std::string line; std::getline(maps, line);) {
    count += kOwnMalloc || line.find('/') != std::string::npos ? 1U : 0U;
  }
  return count;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Resources& r) {
  return out << r.descriptors << " descriptors, " << r.threads << " threads, " << r.children
             << " children (" << r.zombies << " zombies), " << r.mappings << " mappings, "
             << r.heap_bytes << " bytes of heap, " << r.resident_kib << " KiB resident, "
             << r.shared_segments << " entries in /dev/shm; daemon: " << r.daemon_descriptors
             << " descriptors, " << r.daemon_kib << " KiB resident";
}

Resources measure(pid_t daemon) {
  const pid_t self = ::getpid();
  return {.descriptors = proc::count_descriptors(self),
          .threads = proc::status_number(self, "Threads"),
          .children = proc::children(self).size(),
          .zombies = proc::count_zombies_of(self),
          .mappings = count_mappings(),
          .heap_bytes = heap_bytes(),
          .resident_kib = proc::status_number(self, "VmRSS"),
          .shared_segments = test::paths_below("/dev/shm").size(),
          .daemon_descriptors = proc::count_descriptors(daemon),
          .daemon_kib = proc::status_number(daemon, "VmRSS")};
}

bool is_as_before(const Resources& now, const Resources& before) {
  constexpr std::size_t kHeapSlack = 64 * 1024;  // of malloc's own making: caches of threads
  constexpr std::size_t kMappingSlack = 8;       // its arenas, stacks kept for the next thread
  constexpr std::int64_t kResidentSlack = 8 * 1024;
  return now.descriptors == before.descriptors && now.threads == before.threads &&
         now.children == before.children && now.zombies == 0 &&
         now.mappings <= before.mappings + kMappingSlack &&
         now.heap_bytes <= before.heap_bytes + kHeapSlack &&
         (!kOwnMalloc || now.resident_kib <= before.resident_kib + kResidentSlack) &&
         now.shared_segments == before.shared_segments &&
         now.daemon_descriptors == before.daemon_descriptors &&
         now.daemon_kib <= before.daemon_kib + kResidentSlack;
}

}  // namespace cs::soak
