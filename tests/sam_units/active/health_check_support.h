// SPDX-License-Identifier: BSD-3-Clause
// What tests of the health-check thread share.
#pragma once

#include <atomic>
#include <poll.h>

#include "sam/active/health_check_thread.h"

namespace cs::sam {

// Waits until a counter has got that far; false after a generous time.
inline bool reaches(const std::atomic<unsigned>& counter, unsigned value) {
  for (int i = 0; i < 20000 && counter < value; ++i) ::poll(nullptr, 0, 1);
  return counter >= value;
}

// As sam_stop does.
inline void stop(HealthCheckThread& thread) {
  thread.halt();
  thread.wait_for_callback();
}

}  // namespace cs::sam
