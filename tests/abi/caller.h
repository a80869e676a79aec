// SPDX-License-Identifier: BSD-3-Clause
// A C program's use of the three newest functions, compiled once with our header and once with what
// upstream's development head says: the library must serve both alike.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What votequorum_get_qdevice_extra_info is given, with memory between that nobody may touch.
struct caller_answer {
  uint32_t size;
  char guard[28];
  char info[4096];
};

typedef void (*caller_event_fn)(uint64_t handle, uint64_t context, uint32_t nodeid, uint32_t size,
                                void* info);

struct caller {
  const char* name;
  unsigned int has_extra_info;  // the flag
  uint32_t most;                // bytes of extra info
  // Results are those of the functions.
  int (*open)(uint64_t* handle, caller_event_fn on_event);  // NULL: no callbacks at all
  int (*get)(uint64_t handle, unsigned int nodeid, struct caller_answer* answer);
  int (*get_raw)(uint64_t handle, unsigned int nodeid, uint32_t* size, void* info);
  int (*set)(uint64_t handle, uint32_t size, const void* info);
};

extern const struct caller our_caller;
extern const struct caller upstream_caller;

#ifdef __cplusplus
}
#endif
