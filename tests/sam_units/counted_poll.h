// SPDX-License-Identifier: BSD-3-Clause
// In place of libc's poll, for the program of the one file that includes this: calls are counted.
#pragma once

#include <poll.h>

#include <atomic>
#include <ctime>

namespace cs::sam {
inline constinit std::atomic<int> g_polls = 0;
}  // namespace cs::sam

extern "C" int poll(pollfd* entries, nfds_t count, int timeout_ms) {
  ++cs::sam::g_polls;
  const timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1'000'000L};
  return ::ppoll(entries, count, timeout_ms < 0 ? nullptr : &timeout, nullptr);
}
