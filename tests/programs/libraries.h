// SPDX-License-Identifier: BSD-3-Clause
// Which libraries an unmodified program runs on: the distribution's, or the ones just built.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <string>

namespace cs::test {

enum class Libraries { kStock, kOurs };

// For CorosyncDaemon::run_tool() and start_tool().
[[nodiscard]] std::string library_path(Libraries libraries);

// Whether the running program has mapped that libvotequorum and that libcorosync_common, and not
// the other's: without it, a comparison could compare stock with stock.
[[nodiscard]] testing::AssertionResult runs_on(pid_t pid, Libraries libraries);

}  // namespace cs::test
