// SPDX-License-Identifier: BSD-3-Clause
// The caller's functions, for the header that was included before. CALLER names the result.
#include "abi/caller.h"

#include <stddef.h>
#include <string.h>

// The field model is left unset, as upstream's own programs leave it.
static int open_handle(uint64_t* handle, caller_event_fn on_event) {
  votequorum_model_v1_data_t model;

  if (on_event == NULL) return votequorum_model_initialize(handle, NULL);
  memset(&model, 0xa5, sizeof(model));
  model.votequorum_quorum_notify_fn = NULL;
  model.votequorum_expectedvotes_notify_fn = NULL;
  model.votequorum_nodelist_notify_fn = NULL;
  model.votequorum_qdevice_extra_info_fn = on_event;
  return votequorum_model_initialize(handle, &model);
}

static int get(uint64_t handle, unsigned int nodeid, struct caller_answer* answer) {
  return votequorum_get_qdevice_extra_info(handle, nodeid, &answer->size, answer->info);
}

static int get_raw(uint64_t handle, unsigned int nodeid, uint32_t* size, void* info) {
  return votequorum_get_qdevice_extra_info(handle, nodeid, size, info);
}

static int set(uint64_t handle, uint32_t size, const void* info) {
  return votequorum_set_qdevice_extra_info(handle, size, info);
}

const struct caller CALLER = {CALLER_NAME,
                              VOTEQUORUM_INFO_QDEVICE_HAS_EXTRA_INFO,
                              VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE,
                              open_handle,
                              get,
                              get_raw,
                              set};
