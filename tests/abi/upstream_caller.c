// SPDX-License-Identifier: BSD-3-Clause
// The caller that knows of the three newest functions what upstream's development head says, and
// has not seen our header.
#include <stdint.h>

#define VOTEQUORUM_INFO_QDEVICE_HAS_EXTRA_INFO 1024
#define VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE 4096

typedef enum { VOTEQUORUM_MODEL_V1 = 1 } votequorum_model_t;

typedef void (*votequorum_qdevice_extra_info_fn_t)(uint64_t handle, uint64_t context,
                                                   uint32_t nodeid, uint32_t ei_size,
                                                   void* extra_info);

// The callbacks that are older are not of interest here, but their places are.
typedef struct {
  votequorum_model_t model;
  void (*votequorum_quorum_notify_fn)(void);
  void (*votequorum_expectedvotes_notify_fn)(void);
  void (*votequorum_nodelist_notify_fn)(void);
  votequorum_qdevice_extra_info_fn_t votequorum_qdevice_extra_info_fn;
} votequorum_model_v1_data_t;

int votequorum_model_initialize(uint64_t* handle, const votequorum_model_v1_data_t* model);
int votequorum_get_qdevice_extra_info(uint64_t handle, unsigned int nodeid, uint32_t* ei_size,
                                      void* extra_info);
int votequorum_set_qdevice_extra_info(uint64_t handle, uint32_t ei_size, const void* extra_info);

#define CALLER upstream_caller
#define CALLER_NAME "UpstreamsHeader"
#include "abi/caller_body.h"
