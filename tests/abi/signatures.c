// SPDX-License-Identifier: BSD-3-Clause
// Every public function, empty. Compiled with debug information against either set of headers, so
// that abidiff can compare all types that are reachable from a prototype.
#include <corosync/sam.h>
#include <corosync/votequorum.h>

#pragma GCC diagnostic ignored "-Wunused-parameter"

cs_error_t qb_to_cs_error(int result) { return CS_OK; }
const char* cs_strerror(cs_error_t err) { return ""; }
cs_error_t hdb_error_to_cs(int res) { return CS_OK; }

cs_error_t sam_initialize(int time_interval, sam_recovery_policy_t policy) { return CS_OK; }
cs_error_t sam_finalize(void) { return CS_OK; }
cs_error_t sam_start(void) { return CS_OK; }
cs_error_t sam_stop(void) { return CS_OK; }
cs_error_t sam_warn_signal_set(int warn_signal) { return CS_OK; }
cs_error_t sam_register(unsigned int* instance_id) { return CS_OK; }
cs_error_t sam_hc_send(void) { return CS_OK; }
cs_error_t sam_hc_callback_register(sam_hc_callback_t cb) { return CS_OK; }
cs_error_t sam_data_getsize(size_t* size) { return CS_OK; }
cs_error_t sam_data_restore(void* data, size_t size) { return CS_OK; }
cs_error_t sam_data_store(const void* data, size_t size) { return CS_OK; }
cs_error_t sam_mark_failed(void) { return CS_OK; }

#define HANDLE votequorum_handle_t handle

cs_error_t votequorum_initialize(votequorum_handle_t* handle, votequorum_callbacks_t* callbacks) {
  return CS_OK;
}
cs_error_t votequorum_finalize(HANDLE) { return CS_OK; }
cs_error_t votequorum_dispatch(HANDLE, cs_dispatch_flags_t types) { return CS_OK; }
cs_error_t votequorum_fd_get(HANDLE, int* fd) { return CS_OK; }
cs_error_t votequorum_getinfo(HANDLE, unsigned int nodeid, struct votequorum_info* info) {
  return CS_OK;
}
cs_error_t votequorum_setexpected(HANDLE, unsigned int expected_votes) { return CS_OK; }
cs_error_t votequorum_setvotes(HANDLE, unsigned int nodeid, unsigned int votes) { return CS_OK; }
cs_error_t votequorum_trackstart(HANDLE, uint64_t context, unsigned int flags) { return CS_OK; }
cs_error_t votequorum_trackstop(HANDLE) { return CS_OK; }
cs_error_t votequorum_context_get(HANDLE, void** context) { return CS_OK; }
cs_error_t votequorum_context_set(HANDLE, void* context) { return CS_OK; }
cs_error_t votequorum_qdevice_register(HANDLE, const char* name) { return CS_OK; }
cs_error_t votequorum_qdevice_unregister(HANDLE, const char* name) { return CS_OK; }
cs_error_t votequorum_qdevice_update(HANDLE, const char* oldname, const char* newname) {
  return CS_OK;
}
cs_error_t votequorum_qdevice_poll(HANDLE, const char* name, unsigned int cast_vote,
                                   votequorum_ring_id_t ring_id) {
  return CS_OK;
}
cs_error_t votequorum_qdevice_master_wins(HANDLE, const char* name, unsigned int allow) {
  return CS_OK;
}
