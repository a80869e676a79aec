// SPDX-License-Identifier: BSD-3-Clause
// The place where a program runs: a private daemon that can be stopped and started, paused and
// resumed, robbed of its quorum. It listens at the socket CS_PLACE.
#pragma once

#include <string>

namespace cs::differential {

// Asks for something, and returns the answer once it is done; empty if nobody listens.
std::string ask_place(const std::string& what);

// Whether a daemon runs and answers, as far as this process has had it changed.
[[nodiscard]] bool daemon_answers() noexcept;

// Until what was asked of the daemon so far has been done, and the events have been sent.
void settle();

}  // namespace cs::differential
