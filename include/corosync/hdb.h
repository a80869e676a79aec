/* SPDX-License-Identifier: BSD-3-Clause
 *
 * libqb's handle database under the names that it had in corosync. Programs that use it link libqb,
 * whose <qb/qbhdb.h> documents the functions; hdb_error_to_cs() turns their results into ours.
 */
#ifndef HDB_H_DEFINED
#define HDB_H_DEFINED

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <qb/qbhdb.h>

#if defined(__GNUC__)
#define CS_HDB_INLINE static __inline__
#else
#define CS_HDB_INLINE static inline
#endif

typedef qb_handle_t hdb_handle_t;

/* printf conversions for handles. */
#define HDB_D_FORMAT QB_HDB_D_FORMAT
#define HDB_X_FORMAT QB_HDB_X_FORMAT

#define hdb_handle_database qb_hdb
#define DECLARE_HDB_DATABASE QB_HDB_DECLARE

/* The lock of corosync's former database: pthread's functions under other names. */
CS_HDB_INLINE void hdb_database_lock(pthread_mutex_t *mutex) { pthread_mutex_lock(mutex); }

CS_HDB_INLINE void hdb_database_unlock(pthread_mutex_t *mutex) { pthread_mutex_unlock(mutex); }

CS_HDB_INLINE void hdb_database_lock_init(pthread_mutex_t *mutex) {
  pthread_mutex_init(mutex, NULL);
}

CS_HDB_INLINE void hdb_database_lock_destroy(pthread_mutex_t *mutex) {
  pthread_mutex_destroy(mutex);
}

/* Each of these calls the function of libqb that has "qb_" before its name. */
CS_HDB_INLINE void hdb_create(struct hdb_handle_database *handle_database) {
  qb_hdb_create(handle_database);
}

CS_HDB_INLINE void hdb_destroy(struct hdb_handle_database *handle_database) {
  qb_hdb_destroy(handle_database);
}

CS_HDB_INLINE int hdb_handle_create(struct hdb_handle_database *handle_database, int instance_size,
                                    hdb_handle_t *handle_id_out) {
  return qb_hdb_handle_create(handle_database, instance_size, handle_id_out);
}

CS_HDB_INLINE int hdb_handle_get(struct hdb_handle_database *handle_database,
                                 hdb_handle_t handle_in, void **instance) {
  return qb_hdb_handle_get(handle_database, handle_in, instance);
}

CS_HDB_INLINE int hdb_handle_get_always(struct hdb_handle_database *handle_database,
                                        hdb_handle_t handle_in, void **instance) {
  return qb_hdb_handle_get_always(handle_database, handle_in, instance);
}

CS_HDB_INLINE int hdb_handle_put(struct hdb_handle_database *handle_database,
                                 hdb_handle_t handle_in) {
  return qb_hdb_handle_put(handle_database, handle_in);
}

CS_HDB_INLINE int hdb_handle_destroy(struct hdb_handle_database *handle_database,
                                     hdb_handle_t handle_in) {
  return qb_hdb_handle_destroy(handle_database, handle_in);
}

CS_HDB_INLINE int hdb_handle_refcount_get(struct hdb_handle_database *handle_database,
                                          hdb_handle_t handle_in) {
  return qb_hdb_handle_refcount_get(handle_database, handle_in);
}

CS_HDB_INLINE void hdb_iterator_reset(struct hdb_handle_database *handle_database) {
  qb_hdb_iterator_reset(handle_database);
}

CS_HDB_INLINE int hdb_iterator_next(struct hdb_handle_database *handle_database, void **instance,
                                    hdb_handle_t *handle) {
  return qb_hdb_iterator_next(handle_database, instance, handle);
}

/* The lower half of a handle, without its check number. */
CS_HDB_INLINE unsigned int hdb_base_convert(hdb_handle_t handle) {
  return qb_hdb_base_convert(handle);
}

/* Makes an unchecked handle from that half. */
CS_HDB_INLINE unsigned long long hdb_nocheck_convert(unsigned int handle) {
  return qb_hdb_nocheck_convert(handle);
}

#undef CS_HDB_INLINE

#endif /* HDB_H_DEFINED */
