// SPDX-License-Identifier: BSD-3-Clause
// What /proc tells about a process of the application under test.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace cs::test::proc {

// A line of /proc/PID/status, without its name: status(pid, "SigIgn"). Empty if there is none.
[[nodiscard]] std::string status(pid_t pid, const std::string& name);
[[nodiscard]] std::int64_t status_number(pid_t pid, const std::string& name);
[[nodiscard]] std::int64_t processor_time(pid_t pid);  // nanoseconds spent running
[[nodiscard]] char state(pid_t pid);  // R, S, T, Z and so on; 0 when there is no such process
[[nodiscard]] bool exists(pid_t pid);
[[nodiscard]] std::size_t count_descriptors(pid_t pid);
[[nodiscard]] std::vector<pid_t> children(pid_t pid);
[[nodiscard]] std::size_t count_zombies_of(pid_t parent);

}  // namespace cs::test::proc
