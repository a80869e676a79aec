// SPDX-License-Identifier: BSD-3-Clause
// How a benchmark becomes an active process.
#ifndef CS_BENCH_SAM_H
#define CS_BENCH_SAM_H

#include <corosync/sam.h>

#include "harness.h"

namespace cs::bench {

// Returns in each instance; the caller stays behind as the supervisor.
inline void become_active_process(int interval_ms, sam_recovery_policy_t policy) {
  require(sam_initialize(interval_ms, policy) == CS_OK, "sam_initialize");
  require(sam_register(nullptr) == CS_OK, "sam_register");
}

inline void start() { require(sam_start() == CS_OK, "sam_start"); }

// The last instance ends, and the supervisor with it.
inline void finish() { require(sam_finalize() == CS_OK, "sam_finalize"); }

}  // namespace cs::bench

#endif
