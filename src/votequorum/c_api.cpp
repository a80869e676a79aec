// SPDX-License-Identifier: BSD-3-Clause
// The exported functions of libvotequorum: each validates, then makes one call. Parameters are
// looked at before the handle, as upstream does (set_qdevice_extra_info the other way round).
#include <corosync/votequorum.h>

#include <cstdint>

#include "common/export.h"
#include "votequorum/clients.h"

namespace {

using cs::votequorum::Callbacks;
using cs::votequorum::Clients;
using cs::votequorum::make_device_name;

constinit Clients clients;

cs_error_t open_client(votequorum_handle_t* handle, const Callbacks& callbacks) {
  const auto opened = clients.open(callbacks);
  if (opened) *handle = *opened;
  return opened.status();
}

}  // namespace

extern "C" CS_EXPORT cs_error_t votequorum_initialize(votequorum_handle_t* handle,
                                                      votequorum_callbacks_t* callbacks) {
  if (handle == nullptr) return CS_ERR_INVALID_PARAM;
  Callbacks table{};
  if (callbacks != nullptr) {
    table.votequorum_quorum_notify_fn = callbacks->votequorum_quorum_notify_fn;
    table.votequorum_expectedvotes_notify_fn = callbacks->votequorum_expectedvotes_notify_fn;
    table.votequorum_nodelist_notify_fn = callbacks->votequorum_nodelist_notify_fn;
  }
  return open_client(handle, table);
}

extern "C" CS_EXPORT cs_error_t
votequorum_model_initialize(votequorum_handle_t* handle, const votequorum_model_v1_data_t* model) {
  if (handle == nullptr) return CS_ERR_INVALID_PARAM;
  // The field model is not looked at, as in upstream: callers leave it unset.
  return open_client(handle, model != nullptr ? *model : Callbacks{});
}

extern "C" CS_EXPORT cs_error_t votequorum_finalize(votequorum_handle_t handle) {
  const auto client = clients.remove(handle);
  if (!client) return CS_ERR_BAD_HANDLE;
  client->finalize();
  return CS_OK;
}

extern "C" CS_EXPORT cs_error_t votequorum_dispatch(votequorum_handle_t handle,
                                                    cs_dispatch_flags_t dispatch_types) {
  if (dispatch_types < CS_DISPATCH_ONE || dispatch_types > CS_DISPATCH_ONE_NONBLOCKING) {
    return CS_ERR_INVALID_PARAM;
  }
  const auto client = clients.find(handle);
  return client ? client->dispatch(handle, dispatch_types) : CS_ERR_BAD_HANDLE;
}

extern "C" CS_EXPORT cs_error_t votequorum_fd_get(votequorum_handle_t handle, int* fd) {
  if (fd == nullptr) return CS_ERR_INVALID_PARAM;
  const auto client = clients.find(handle);
  if (!client) return CS_ERR_BAD_HANDLE;
  *fd = client->fd();
  return CS_OK;
}

extern "C" CS_EXPORT cs_error_t votequorum_getinfo(votequorum_handle_t handle, unsigned int nodeid,
                                                   struct votequorum_info* info) {
  if (info == nullptr) return CS_ERR_INVALID_PARAM;
  const auto client = clients.find(handle);
  return client ? client->get_info(nodeid, *info) : CS_ERR_BAD_HANDLE;
}

extern "C" CS_EXPORT cs_error_t votequorum_setexpected(votequorum_handle_t handle,
                                                       unsigned int expected_votes) {
  const auto client = clients.find(handle);
  return client ? client->set_expected(expected_votes) : CS_ERR_BAD_HANDLE;
}

extern "C" CS_EXPORT cs_error_t votequorum_setvotes(votequorum_handle_t handle, unsigned int nodeid,
                                                    unsigned int votes) {
  const auto client = clients.find(handle);
  return client ? client->set_votes(nodeid, votes) : CS_ERR_BAD_HANDLE;
}

extern "C" CS_EXPORT cs_error_t votequorum_trackstart(votequorum_handle_t handle, uint64_t context,
                                                      unsigned int flags) {
  const auto client = clients.find(handle);
  return client ? client->track_start(context, flags) : CS_ERR_BAD_HANDLE;
}

extern "C" CS_EXPORT cs_error_t votequorum_trackstop(votequorum_handle_t handle) {
  const auto client = clients.find(handle);
  return client ? client->track_stop() : CS_ERR_BAD_HANDLE;
}

extern "C" CS_EXPORT cs_error_t votequorum_context_get(votequorum_handle_t handle, void** context) {
  if (context == nullptr) return CS_ERR_INVALID_PARAM;
  const auto client = clients.find(handle);
  if (!client) return CS_ERR_BAD_HANDLE;
  *context = client->context();
  return CS_OK;
}

extern "C" CS_EXPORT cs_error_t votequorum_context_set(votequorum_handle_t handle, void* context) {
  const auto client = clients.find(handle);
  if (!client) return CS_ERR_BAD_HANDLE;
  client->set_context(context);
  return CS_OK;
}

extern "C" CS_EXPORT cs_error_t votequorum_qdevice_register(votequorum_handle_t handle,
                                                            const char* name) {
  const auto device = make_device_name(name);
  if (!device) return device.status();
  const auto client = clients.find(handle);
  return client ? client->qdevice_register(*device) : CS_ERR_BAD_HANDLE;
}

extern "C" CS_EXPORT cs_error_t votequorum_qdevice_unregister(votequorum_handle_t handle,
                                                              const char* name) {
  const auto device = make_device_name(name);
  if (!device) return device.status();
  const auto client = clients.find(handle);
  return client ? client->qdevice_unregister(*device) : CS_ERR_BAD_HANDLE;
}

extern "C" CS_EXPORT cs_error_t votequorum_qdevice_update(votequorum_handle_t handle,
                                                          const char* oldname,
                                                          const char* newname) {
  const auto old_device = make_device_name(oldname);
  const auto new_device = make_device_name(newname);
  if (!old_device || !new_device) return CS_ERR_INVALID_PARAM;
  const auto client = clients.find(handle);
  return client ? client->qdevice_update(*old_device, *new_device) : CS_ERR_BAD_HANDLE;
}

extern "C" CS_EXPORT cs_error_t votequorum_qdevice_poll(votequorum_handle_t handle,
                                                        const char* name, unsigned int cast_vote,
                                                        votequorum_ring_id_t ring_id) {
  const auto device = make_device_name(name);
  if (!device) return device.status();
  const auto client = clients.find(handle);
  return client ? client->qdevice_poll(*device, cast_vote != 0, ring_id) : CS_ERR_BAD_HANDLE;
}

extern "C" CS_EXPORT cs_error_t votequorum_qdevice_master_wins(votequorum_handle_t handle,
                                                               const char* name,
                                                               unsigned int allow) {
  const auto device = make_device_name(name);
  if (!device) return device.status();
  const auto client = clients.find(handle);
  return client ? client->qdevice_master_wins(*device, allow != 0) : CS_ERR_BAD_HANDLE;
}

extern "C" CS_EXPORT cs_error_t votequorum_get_qdevice_extra_info(votequorum_handle_t handle,
                                                                  unsigned int nodeid,
                                                                  uint32_t* ei_size,
                                                                  void* extra_info) {
  if (ei_size == nullptr || extra_info == nullptr) return CS_ERR_INVALID_PARAM;
  const auto client = clients.find(handle);
  return client ? client->get_extra_info(nodeid, *ei_size, static_cast<std::byte*>(extra_info))
                : CS_ERR_BAD_HANDLE;
}

extern "C" CS_EXPORT cs_error_t votequorum_set_qdevice_extra_info(votequorum_handle_t handle,
                                                                  uint32_t ei_size,
                                                                  const void* extra_info) {
  const auto client = clients.find(handle);
  if (!client) return CS_ERR_BAD_HANDLE;
  // NULL clears whatever the size says, even one that is too large.
  if (extra_info == nullptr) return client->set_extra_info({});
  return client->set_extra_info({static_cast<const std::byte*>(extra_info), ei_size});
}
