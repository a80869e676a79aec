// SPDX-License-Identifier: BSD-3-Clause
// The twelve functions of libsam, and the one session behind them.
#include <corosync/sam.h>

#include "common/export.h"
#include "sam/session.h"

namespace {

// Never destroyed: the supervisor's exit() runs the application's handlers, which may still use it.
union SessionStorage {
  constexpr SessionStorage() noexcept : session() {}
  ~SessionStorage() {}  // NOLINT(modernize-use-equals-default): that would be deleted

  cs::sam::Session session;
};

constinit SessionStorage g_storage;
constexpr cs::sam::Session& session() { return g_storage.session; }

}  // namespace

extern "C" CS_EXPORT cs_error_t sam_initialize(int time_interval,
                                               sam_recovery_policy_t recovery_policy) {
  return session().initialize(time_interval, recovery_policy);
}

extern "C" CS_EXPORT cs_error_t sam_finalize(void) { return session().finalize(); }

extern "C" CS_EXPORT cs_error_t sam_register(unsigned int* instance_id) {
  return session().register_process(instance_id);
}

extern "C" CS_EXPORT cs_error_t sam_start(void) { return session().start(); }

extern "C" CS_EXPORT cs_error_t sam_stop(void) { return session().stop(); }

extern "C" CS_EXPORT cs_error_t sam_hc_send(void) { return session().send_health_check(); }

extern "C" CS_EXPORT cs_error_t sam_hc_callback_register(sam_hc_callback_t cb) {
  return session().set_callback(cb);
}

extern "C" CS_EXPORT cs_error_t sam_warn_signal_set(int warn_signal) {
  return session().set_warn_signal(warn_signal);
}

extern "C" CS_EXPORT cs_error_t sam_mark_failed(void) { return session().mark_failed(); }

extern "C" CS_EXPORT cs_error_t sam_data_getsize(size_t* size) { return session().data_size(size); }

extern "C" CS_EXPORT cs_error_t sam_data_restore(void* data, size_t size) {
  return session().restore_data(data, size);
}

extern "C" CS_EXPORT cs_error_t sam_data_store(const void* data, size_t size) {
  return session().store_data(data, size);
}
