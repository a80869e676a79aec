// SPDX-License-Identifier: BSD-3-Clause
// Between the two halves of the harness: the forked child's entry.
#pragma once

#include <functional>

namespace cs::test {

// Makes this process an application of its own and runs the scenario; never returns to the test.
[[noreturn]] void run_scenario(const std::function<void()>& scenario, int report_fd) noexcept;

}  // namespace cs::test
