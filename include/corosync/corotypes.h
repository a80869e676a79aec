/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Types and result codes that all corosync client libraries share, and the three functions of
 * libcorosync_common. Names, values and layout are those of corosync itself.
 */
#ifndef COROTYPES_H_DEFINED
#define COROTYPES_H_DEFINED

#include <errno.h>
#include <stdint.h>
#include <sys/time.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A point in time or a duration, in nanoseconds. */
typedef int64_t cs_time_t;

#define CS_FALSE 0
#define CS_TRUE !CS_FALSE
#define CS_MAX_NAME_LENGTH 256
#define CS_TIME_END ((cs_time_t)0x7FFFFFFFFFFFFFFFULL) /* later than everything else */
#define CS_MAX(x, y) (((x) > (y)) ? (x) : (y))

/* printf conversions for node ids, ring sequence numbers and ring ids ("node.sequence").
 * They need <inttypes.h>. */
#define CS_PRI_NODE_ID "%" PRIu32
#define CS_PRI_NODE_ID_PADDED "%10" PRIu32
#define CS_PRI_RING_ID_SEQ "%" PRIx64
#define CS_PRI_RING_ID "%" PRIx32 ".%" PRIx64

/* A counted name: length bytes of value are used, without a terminating NUL. */
typedef struct {
  uint16_t length;
  uint8_t value[CS_MAX_NAME_LENGTH];
} cs_name_t;

/* The version of an interface, for example 'B', 1, 1. */
typedef struct {
  char releaseCode;
  unsigned char majorVersion;
  unsigned char minorVersion;
} cs_version_t;

/* How long a dispatch function waits and how many events it handles. */
/* clang-format off: it leaves columns of comments ragged */
typedef enum {
  CS_DISPATCH_ONE = 1,            /* wait for one event, handle it */
  CS_DISPATCH_ALL = 2,            /* handle what has arrived; do not wait */
  CS_DISPATCH_BLOCKING = 3,       /* handle events as they come, until the handle is finalized */
  CS_DISPATCH_ONE_NONBLOCKING = 4 /* handle one event if there is one; do not wait */
} cs_dispatch_flags_t;

/* What a track function reports. The bits may be combined. */
#define CS_TRACK_CURRENT 0x01      /* the current state, at once */
#define CS_TRACK_CHANGES 0x02      /* the current state, and every change from then on */
#define CS_TRACK_CHANGES_ONLY 0x04 /* every change from now on */

/* Result of every function of the client libraries. Success is CS_OK, which is not 0. */
typedef enum {
  CS_OK = 1,
  CS_ERR_LIBRARY = 2, /* no connection to the daemon, or an internal failure */
  CS_ERR_VERSION = 3,
  CS_ERR_INIT = 4,
  CS_ERR_TIMEOUT = 5,
  CS_ERR_TRY_AGAIN = 6, /* not now; the same call may succeed later */
  CS_ERR_INVALID_PARAM = 7,
  CS_ERR_NO_MEMORY = 8,
  CS_ERR_BAD_HANDLE = 9, /* unknown or finalized handle, or wrong state for the call */
  CS_ERR_BUSY = 10,
  CS_ERR_ACCESS = 11, /* not permitted, or the peer is not trusted */
  CS_ERR_NOT_EXIST = 12,
  CS_ERR_NAME_TOO_LONG = 13,
  CS_ERR_EXIST = 14,
  CS_ERR_NO_SPACE = 15,
  CS_ERR_INTERRUPT = 16,
  CS_ERR_NAME_NOT_FOUND = 17,
  CS_ERR_NO_RESOURCES = 18,
  CS_ERR_NOT_SUPPORTED = 19,
  CS_ERR_BAD_OPERATION = 20,
  CS_ERR_FAILED_OPERATION = 21,
  CS_ERR_MESSAGE_ERROR = 22, /* a message that does not follow the protocol */
  CS_ERR_QUEUE_FULL = 23,
  CS_ERR_QUEUE_NOT_AVAILABLE = 24,
  CS_ERR_BAD_FLAGS = 25,
  CS_ERR_TOO_BIG = 26,
  CS_ERR_NO_SECTIONS = 27, /* end of an iteration */
  CS_ERR_CONTEXT_NOT_FOUND = 28,
  CS_ERR_TOO_MANY_GROUPS = 30,
  CS_ERR_SECURITY = 100
} cs_error_t;
/* clang-format on */

/* How long corosync's own libraries wait for an answer, in milliseconds: no limit. */
#define CS_IPC_TIMEOUT_MS -1

#define CS_TIME_MS_IN_SEC 1000ULL
#define CS_TIME_US_IN_SEC 1000000ULL
#define CS_TIME_NS_IN_SEC 1000000000ULL
#define CS_TIME_US_IN_MSEC 1000ULL
#define CS_TIME_NS_IN_MSEC 1000000ULL
#define CS_TIME_NS_IN_USEC 1000ULL

/* Returns the time of the monotonic clock in nanoseconds, or of the wall clock where there is no
 * monotonic one. Thread safe and async-signal-safe. */
#if defined(__GNUC__)
static __inline__ uint64_t cs_timestamp_get(void)
#else
static inline uint64_t cs_timestamp_get(void)
#endif
{
#if defined _POSIX_MONOTONIC_CLOCK && _POSIX_MONOTONIC_CLOCK >= 0
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * CS_TIME_NS_IN_SEC + (uint64_t)now.tv_nsec;
#else
  struct timeval now;

  gettimeofday(&now, 0);
  return (uint64_t)now.tv_sec * CS_TIME_NS_IN_SEC + (uint64_t)now.tv_usec * CS_TIME_NS_IN_USEC;
#endif
}

/* Turns a result of libqb into a result of the client libraries.
 *
 * result  0 or more: success. Negative: an errno value with its sign changed.
 *
 * Returns CS_OK for success, and CS_ERR_LIBRARY for every errno that has no closer counterpart.
 * Thread safe and async-signal-safe. */
cs_error_t qb_to_cs_error(int result);

/* Returns the name of a result: "success" for CS_OK, "CS_ERR_..." for the errors above, and
 * "unknown error" for any other number. The text is constant and must not be freed.
 * Thread safe and async-signal-safe. */
const char *cs_strerror(cs_error_t err);

/* Turns a result of libqb's handle database into a result of the client libraries.
 *
 * res  0: success. Negative: an errno value with its sign changed.
 *
 * Returns CS_OK for 0 and CS_ERR_LIBRARY for everything without a closer counterpart, positive
 * numbers included. Thread safe and async-signal-safe. */
cs_error_t hdb_error_to_cs(int res);

#ifdef __cplusplus
}
#endif

#endif /* COROTYPES_H_DEFINED */
