// SPDX-License-Identifier: BSD-3-Clause
// A part of a test that runs in a child process of its own.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <functional>
#include <iostream>

#include "support/child.h"

namespace cs::faults {

// Whatever the body expects in vain is a failure of the child, which then exits with 1, not 0.
[[nodiscard]] inline test::Child start_in_child(const std::function<void()>& body) {
  return test::Child::run([&] {
    const auto& result = *testing::UnitTest::GetInstance()->current_test_info()->result();
    const int inherited = result.total_part_count();  // failures of the parent's
    body();
    std::cout << std::flush;
    std::fflush(stdout);  // the child ends without
    return result.total_part_count() > inherited ? 1 : 0;
  });
}

[[nodiscard]] inline test::Outcome in_child(const std::function<void()>& body) {
  return start_in_child(body).wait();
}

}  // namespace cs::faults
