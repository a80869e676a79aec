// SPDX-License-Identifier: BSD-3-Clause
// Prints size, offset and value of everything public in the headers; compiled with either set of
// headers it must print the same. What came after 3.1.7 is printed after a '+'.
#include <corosync/corodefs.h>
#include <corosync/corotypes.h>
#include <corosync/hdb.h>
#include <corosync/sam.h>
#include <corosync/votequorum.h>

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#define IS_SIGNED(type) ((type)-1 < (type)1)
#define TYPE(type) printf("%s: size %zu, align %zu\n", #type, sizeof(type), _Alignof(type))
#define NUMBER(type) \
  printf("%s: size %zu, %ssigned\n", #type, sizeof(type), IS_SIGNED(type) ? "" : "un")
#define FIELD(type, field)                                                      \
  printf("%s.%s: offset %zu, size %zu\n", #type, #field, offsetof(type, field), \
         sizeof(((type*)0)->field))
#define VALUE(name)                                                                \
  printf("%s: %lld, size %zu, %ssigned\n", #name, (long long)(name), sizeof(name), \
         IS_SIGNED(__typeof__(name)) ? "" : "un")
#define TEXT(name) printf("%s: %s\n", #name, name)

static void common(void) {
  NUMBER(cs_time_t);
  VALUE(CS_FALSE);
  VALUE(CS_TRUE);
  VALUE(CS_MAX_NAME_LENGTH);
  VALUE(CS_TIME_END);
  VALUE(CS_MAX(1, 2));
  VALUE(CS_MAX(2, 1));
  TEXT(CS_PRI_NODE_ID);
  TEXT(CS_PRI_NODE_ID_PADDED);
  TEXT(CS_PRI_RING_ID_SEQ);
  TEXT(CS_PRI_RING_ID);
  TYPE(cs_name_t);
  FIELD(cs_name_t, length);
  FIELD(cs_name_t, value);
  TYPE(cs_version_t);
  FIELD(cs_version_t, releaseCode);
  FIELD(cs_version_t, majorVersion);
  FIELD(cs_version_t, minorVersion);
  NUMBER(cs_dispatch_flags_t);
  VALUE(CS_DISPATCH_ONE);
  VALUE(CS_DISPATCH_ALL);
  VALUE(CS_DISPATCH_BLOCKING);
  VALUE(CS_DISPATCH_ONE_NONBLOCKING);
  VALUE(CS_TRACK_CURRENT);
  VALUE(CS_TRACK_CHANGES);
  VALUE(CS_TRACK_CHANGES_ONLY);
  VALUE(CS_IPC_TIMEOUT_MS);
  VALUE(CS_TIME_MS_IN_SEC);
  VALUE(CS_TIME_US_IN_SEC);
  VALUE(CS_TIME_NS_IN_SEC);
  VALUE(CS_TIME_US_IN_MSEC);
  VALUE(CS_TIME_NS_IN_MSEC);
  VALUE(CS_TIME_NS_IN_USEC);
}

static void errors(void) {
  NUMBER(cs_error_t);
  VALUE(CS_OK);
  VALUE(CS_ERR_LIBRARY);
  VALUE(CS_ERR_VERSION);
  VALUE(CS_ERR_INIT);
  VALUE(CS_ERR_TIMEOUT);
  VALUE(CS_ERR_TRY_AGAIN);
  VALUE(CS_ERR_INVALID_PARAM);
  VALUE(CS_ERR_NO_MEMORY);
  VALUE(CS_ERR_BAD_HANDLE);
  VALUE(CS_ERR_BUSY);
  VALUE(CS_ERR_ACCESS);
  VALUE(CS_ERR_NOT_EXIST);
  VALUE(CS_ERR_NAME_TOO_LONG);
  VALUE(CS_ERR_EXIST);
  VALUE(CS_ERR_NO_SPACE);
  VALUE(CS_ERR_INTERRUPT);
  VALUE(CS_ERR_NAME_NOT_FOUND);
  VALUE(CS_ERR_NO_RESOURCES);
  VALUE(CS_ERR_NOT_SUPPORTED);
  VALUE(CS_ERR_BAD_OPERATION);
  VALUE(CS_ERR_FAILED_OPERATION);
  VALUE(CS_ERR_MESSAGE_ERROR);
  VALUE(CS_ERR_QUEUE_FULL);
  VALUE(CS_ERR_QUEUE_NOT_AVAILABLE);
  VALUE(CS_ERR_BAD_FLAGS);
  VALUE(CS_ERR_TOO_BIG);
  VALUE(CS_ERR_NO_SECTIONS);
  VALUE(CS_ERR_CONTEXT_NOT_FOUND);
  VALUE(CS_ERR_TOO_MANY_GROUPS);
  VALUE(CS_ERR_SECURITY);
}

static void services_and_handles(void) {
  NUMBER(enum corosync_service_types);
  VALUE(CMAP_SERVICE);
  VALUE(CFG_SERVICE);
  VALUE(CPG_SERVICE);
  VALUE(QUORUM_SERVICE);
  VALUE(PLOAD_SERVICE);
  VALUE(VOTEQUORUM_SERVICE);
  VALUE(MON_SERVICE);
  VALUE(WD_SERVICE);
  VALUE(PROCESSOR_COUNT_MAX);
  VALUE(TOTEMIP_ADDRLEN);
  NUMBER(hdb_handle_t);
  TEXT(HDB_D_FORMAT);
  TEXT(HDB_X_FORMAT);
  TYPE(struct hdb_handle_database);
}

static void sam(void) {
  NUMBER(sam_recovery_policy_t);
  VALUE(SAM_RECOVERY_POLICY_QUIT);
  VALUE(SAM_RECOVERY_POLICY_RESTART);
  VALUE(SAM_RECOVERY_POLICY_QUORUM);
  VALUE(SAM_RECOVERY_POLICY_QUORUM_QUIT);
  VALUE(SAM_RECOVERY_POLICY_QUORUM_RESTART);
  VALUE(SAM_RECOVERY_POLICY_CMAP);
  VALUE(SAM_RECOVERY_POLICY_CONFDB);
  TYPE(sam_hc_callback_t);
}

static void votequorum_values(void) {
  VALUE(VOTEQUORUM_INFO_TWONODE);
  VALUE(VOTEQUORUM_INFO_QUORATE);
  VALUE(VOTEQUORUM_INFO_WAIT_FOR_ALL);
  VALUE(VOTEQUORUM_INFO_LAST_MAN_STANDING);
  VALUE(VOTEQUORUM_INFO_AUTO_TIE_BREAKER);
  VALUE(VOTEQUORUM_INFO_ALLOW_DOWNSCALE);
  VALUE(VOTEQUORUM_INFO_QDEVICE_REGISTERED);
  VALUE(VOTEQUORUM_INFO_QDEVICE_ALIVE);
  VALUE(VOTEQUORUM_INFO_QDEVICE_CAST_VOTE);
  VALUE(VOTEQUORUM_INFO_QDEVICE_MASTER_WINS);
  VALUE(VOTEQUORUM_QDEVICE_NODEID);
  VALUE(VOTEQUORUM_QDEVICE_MAX_NAME_LEN);
  VALUE(VOTEQUORUM_QDEVICE_DEFAULT_TIMEOUT);
  VALUE(VOTEQUORUM_QDEVICE_DEFAULT_SYNC_TIMEOUT);
  VALUE(VOTEQUORUM_NODESTATE_MEMBER);
  VALUE(VOTEQUORUM_NODESTATE_DEAD);
  VALUE(VOTEQUORUM_NODESTATE_LEAVING);
}

static void votequorum_types(void) {
  NUMBER(votequorum_handle_t);
  TYPE(struct votequorum_info);
  FIELD(struct votequorum_info, node_id);
  FIELD(struct votequorum_info, node_state);
  FIELD(struct votequorum_info, node_votes);
  FIELD(struct votequorum_info, node_expected_votes);
  FIELD(struct votequorum_info, highest_expected);
  FIELD(struct votequorum_info, total_votes);
  FIELD(struct votequorum_info, quorum);
  FIELD(struct votequorum_info, flags);
  FIELD(struct votequorum_info, qdevice_votes);
  FIELD(struct votequorum_info, qdevice_name);
  TYPE(votequorum_node_t);
  FIELD(votequorum_node_t, nodeid);
  FIELD(votequorum_node_t, state);
  TYPE(votequorum_ring_id_t);
  FIELD(votequorum_ring_id_t, nodeid);
  FIELD(votequorum_ring_id_t, seq);
  TYPE(votequorum_quorum_notification_fn_t);
  TYPE(votequorum_nodelist_notification_fn_t);
  TYPE(votequorum_expectedvotes_notification_fn_t);
  TYPE(votequorum_callbacks_t);
  FIELD(votequorum_callbacks_t, votequorum_quorum_notify_fn);
  FIELD(votequorum_callbacks_t, votequorum_expectedvotes_notify_fn);
  FIELD(votequorum_callbacks_t, votequorum_nodelist_notify_fn);
}

static void additions(void) {
#ifdef VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE
  fputs("+", stdout), VALUE(VOTEQUORUM_INFO_QDEVICE_HAS_EXTRA_INFO);
  fputs("+", stdout), VALUE(VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE);
  fputs("+", stdout), NUMBER(votequorum_model_t);
  fputs("+", stdout), VALUE(VOTEQUORUM_MODEL_V1);
  fputs("+", stdout), TYPE(votequorum_qdevice_extra_info_fn_t);
  fputs("+", stdout), TYPE(votequorum_model_v1_data_t);
  fputs("+", stdout), FIELD(votequorum_model_v1_data_t, model);
  fputs("+", stdout), FIELD(votequorum_model_v1_data_t, votequorum_quorum_notify_fn);
  fputs("+", stdout), FIELD(votequorum_model_v1_data_t, votequorum_expectedvotes_notify_fn);
  fputs("+", stdout), FIELD(votequorum_model_v1_data_t, votequorum_nodelist_notify_fn);
  fputs("+", stdout), FIELD(votequorum_model_v1_data_t, votequorum_qdevice_extra_info_fn);
#endif
}

int main(void) {
  common();
  errors();
  services_and_handles();
  sam();
  votequorum_values();
  votequorum_types();
  additions();
  return 0;
}
