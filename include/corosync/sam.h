/* SPDX-License-Identifier: BSD-3-Clause
 *
 * SAM, the simple availability manager. A process that registers splits in two: the application
 * goes on in a child, the active process. The parent stays behind as the supervisor: it watches the
 * active process, and carries out the recovery policy when that dies or hangs. Names, values and
 * layout are those of corosync itself.
 *
 * Conventions
 *
 *  1. States. There is no handle: each process has one SAM, in one of five states:
 *       new -> sam_initialize -> initialized -> sam_register -> registered
 *       registered -> sam_start -> started -> sam_stop -> registered
 *       initialized, registered or started -> sam_finalize -> finalized, for good
 *     A function called in a state where it is not allowed returns CS_ERR_BAD_HANDLE.
 *  2. Results. Every function returns CS_OK (which is not 0) or the reason why it did nothing.
 *  3. Supervisor. Functions marked "Asks the supervisor" need it. When it is gone they raise
 *     SIGPIPE. If the process ignores or survives that, they return CS_ERR_LIBRARY. They also
 *     return CS_ERR_LIBRARY when the application has closed descriptors of SAM.
 *  4. Daemon. With the flags QUORUM and CMAP the supervisor is a client of the cluster.
 *     sam_initialize() and sam_register() connect, and wait up to a minute for the daemon. They may
 *     return CS_ERR_LIBRARY (no daemon, or no descriptors left), CS_ERR_TRY_AGAIN (not ready, too
 *     busy, or no answer in time), CS_ERR_ACCESS (user not permitted, or the owner of the socket is
 *     not trusted), CS_ERR_NO_MEMORY, CS_ERR_NO_SPACE (shared memory), CS_ERR_NOT_EXIST (shared
 *     memory not visible here), CS_ERR_NOT_SUPPORTED (the service is being unloaded), or
 *     CS_ERR_MESSAGE_ERROR (an answer that does not follow the protocol).
 *  5. Out-parameters are written only when the result is CS_OK.
 *  6. Threads. Call sam_initialize() and sam_register() before the process starts threads. Any
 *     number of threads may call the other functions at once. A thread may be cancelled in them, or
 *     leave them by siglongjmp() from a signal handler.
 *  7. Signals. sam_hc_send(), sam_warn_signal_set(), sam_mark_failed() and the three functions for
 *     data are async-signal-safe. The others are not.
 *  8. Fork. An active process may become a daemon: it forks and exits with 0, and the process that
 *     goes on is the active process. Its other children are not supervised, and may outlive it
 *     without disturbing its recovery. There is one exception: if it exits with 0 while started, a
 *     child that lives on and has not called exec is taken for the daemon. SAM's descriptors are
 *     closed on exec, and are never 0, 1 or 2.
 *  9. All times are those of the monotonic clock.
 */
#ifndef COROSYNC_SAM_H_DEFINED
#define COROSYNC_SAM_H_DEFINED

#include <corosync/corotypes.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What happens when the active process fails: QUIT or RESTART, with or without flags. */
typedef enum {
  SAM_RECOVERY_POLICY_QUIT = 1,      /* the supervisor ends too */
  SAM_RECOVERY_POLICY_RESTART = 2,   /* the supervisor starts the next instance */
  SAM_RECOVERY_POLICY_QUORUM = 0x08, /* flag: run only while the cluster is quorate */
  SAM_RECOVERY_POLICY_QUORUM_QUIT = SAM_RECOVERY_POLICY_QUORUM | SAM_RECOVERY_POLICY_QUIT,
  SAM_RECOVERY_POLICY_QUORUM_RESTART = SAM_RECOVERY_POLICY_QUORUM | SAM_RECOVERY_POLICY_RESTART,
  SAM_RECOVERY_POLICY_CMAP = 0x10,  /* flag: publish the state in cmap, resources.process.PID. */
  SAM_RECOVERY_POLICY_CONFDB = 0x10 /* old name of the same flag */
} sam_recovery_policy_t;

/* A health check by callback. It returns 0 when the process is healthy. Any other value is a
 * failure, and so is not returning; the callback is not called again then. It runs in a thread of
 * SAM's own. */
typedef int (*sam_hc_callback_t)(void);

/* Says how this process is to be watched. With the flag QUORUM, connects to the cluster.
 *
 * time_interval    longest time between two health checks, in milliseconds; 0 or less: no limit,
 *                  only death is a failure
 * recovery_policy  QUIT or RESTART, with or without flags
 *
 * CS_ERR_BAD_HANDLE     already initialized (checked first)
 * CS_ERR_INVALID_PARAM  recovery_policy, flags aside, is neither QUIT nor RESTART
 * With QUORUM, also the errors of the daemon; the call may then be repeated.
 *
 * Not thread safe; not async-signal-safe. */
cs_error_t sam_initialize(int time_interval, sam_recovery_policy_t recovery_policy);

/* Ends the use of SAM; stops first if started. When this process ends, the supervisor ends with the
 * same exit code. If another thread is waiting in sam_start(), that call returns CS_ERR_BAD_HANDLE;
 * so does one that is interrupted by a signal handler that calls this function. Asks the
 * supervisor.
 *
 * CS_ERR_BAD_HANDLE  never initialized, or already finalized
 * CS_ERR_LIBRARY     the supervisor is gone
 *
 * Thread safe; not async-signal-safe. */
cs_error_t sam_finalize(void);

/* Starts supervision; counts as a health check. With the flag QUORUM it first waits until the
 * cluster is quorate; if the daemon is gone, until it is back. A thread that leaves the call, by
 * cancellation or siglongjmp(), has not started anything. Asks the supervisor.
 *
 * CS_ERR_BAD_HANDLE        not registered; already started, or being started by another thread; or
 *                          finalized, before or during the call
 * CS_ERR_FAILED_OPERATION  the operator has asked for a stop (see sam_environment(7)), and the call
 *                          would have to wait for quorum
 * CS_ERR_LIBRARY           the supervisor is gone
 *
 * Thread safe; not async-signal-safe. */
cs_error_t sam_start(void);

/* Stops supervision: until the next sam_start() nothing counts as a failure, and the supervisor
 * ends when the process does. Asks the supervisor.
 *
 * CS_ERR_BAD_HANDLE  not started
 * CS_ERR_LIBRARY     the supervisor is gone
 *
 * Thread safe; not async-signal-safe. */
cs_error_t sam_stop(void);

/* Chooses the signal that warns the active process before it is killed. The default is SIGTERM.
 * Later instances keep the choice. Counts as a health check while started. Asks the supervisor once
 * registered.
 *
 * warn_signal  a signal number; SIGKILL or 0: no warning
 *
 * CS_ERR_BAD_HANDLE     never initialized, or finalized (checked first)
 * CS_ERR_INVALID_PARAM  not between 0 and SIGRTMAX
 * CS_ERR_LIBRARY        the supervisor is gone
 *
 * Thread safe; async-signal-safe. */
cs_error_t sam_warn_signal_set(int warn_signal);

/* Splits the process: forks, and returns in the child, the active process. The caller itself stays
 * inside as the supervisor. It leaves only by exit(), with the exit code of the active process, or
 * with 0 if that died of a signal. With RESTART, each later instance also returns from this call.
 * Call it before the process starts threads: only the calling thread goes on. The supervisor reaps
 * its other children; a SIGCHLD handler of the application runs there for each of them first. With
 * the flag CMAP, connects to the cluster.
 *
 * instance_id  receives 1 in the first instance, 2 in the second and so on; may be NULL
 *
 * CS_ERR_BAD_HANDLE  never initialized, already registered, or finalized
 * CS_ERR_LIBRARY     no pipe, memory file or process could be made (see errno); or the supervisor
 *                    broke down, and has killed the active process. This process is the only one
 * With CMAP, also the errors of the daemon; with QUORUM too if the process has forked since
 * sam_initialize(). The call may then be repeated.
 *
 * Not thread safe; not async-signal-safe. */
cs_error_t sam_register(unsigned int *instance_id);

/* Confirms that the active process is healthy. Call it at least once per time_interval; it takes
 * nanoseconds. sam_data_store() and sam_warn_signal_set() count as health checks, too.
 *
 * CS_ERR_BAD_HANDLE  not started
 * CS_ERR_LIBRARY     the supervisor is gone (noticed within a second) and SIGPIPE has not ended
 *                    this process; or this process was left behind by an earlier instance
 *
 * Thread safe; async-signal-safe. */
cs_error_t sam_hc_send(void);

/* Lets SAM do the health checks: between sam_start() and sam_stop() a thread of its own calls the
 * callback once in each interval, with the signal mask that the caller has now. If the interval is
 * negative it never does.
 *
 * cb  the callback, which replaces an earlier one; NULL goes back to sam_hc_send()
 *
 * CS_ERR_BAD_HANDLE     not registered, or started
 * CS_ERR_INVALID_PARAM  time_interval is 0, or cb is NULL and there was no callback
 * CS_ERR_LIBRARY        the thread could not be created (see errno)
 *
 * Thread safe; not async-signal-safe. */
cs_error_t sam_hc_callback_register(sam_hc_callback_t cb);

/* Returns the size of the stored data.
 *
 * size  receives it, in bytes; 0: nothing is stored
 *
 * CS_ERR_INVALID_PARAM  size is NULL
 * CS_ERR_BAD_HANDLE     never initialized, or finalized
 * CS_ERR_LIBRARY        the application has closed descriptors of SAM, or the data are damaged or
 *                       cannot be read now
 *
 * Thread safe; async-signal-safe. */
cs_error_t sam_data_getsize(size_t *size);

/* Copies the stored data, which may be those of an earlier instance. When nothing is stored,
 * returns CS_OK and leaves data unchanged.
 *
 * data  receives them
 * size  room at data, in bytes
 *
 * CS_ERR_INVALID_PARAM  data is NULL or not writable, or size is less than what is stored
 * CS_ERR_BAD_HANDLE     never initialized, or finalized
 * CS_ERR_LIBRARY        the application has closed descriptors of SAM, or the data are damaged or
 *                       cannot be read now
 *
 * Thread safe; async-signal-safe. */
cs_error_t sam_data_restore(void *data, size_t size);

/* Stores data in place of what was stored before. Once this has returned CS_OK the data survive
 * whatever kills this process, at any moment. Until then the old data do.
 *
 * data  copied; NULL erases what is stored, for any size below SSIZE_MAX
 * size  in bytes
 *
 * CS_ERR_TOO_BIG        size is SSIZE_MAX or more
 * CS_ERR_BAD_HANDLE     never initialized, or finalized
 * CS_ERR_INVALID_PARAM  data is not readable
 * CS_ERR_NO_MEMORY      out of memory, or over the limit on file sizes
 * CS_ERR_LIBRARY        the application has closed descriptors of SAM; the files for the data
 *                       cannot be read or written now, or there are none (see errno); this process
 *                       was left behind by an earlier instance; or another process is in the middle
 *                       of a store
 * The old data remain on every error.
 *
 * Thread safe; async-signal-safe. */
cs_error_t sam_data_store(const void *data, size_t size);

/* Tells the supervisor to kill this process without a warning and to end, whatever the policy,
 * leaving the state "failed" in cmap. May return before the kill comes. Asks the supervisor.
 *
 * CS_ERR_BAD_HANDLE     not registered
 * CS_ERR_INVALID_PARAM  the policy does not have the flag CMAP
 * CS_ERR_LIBRARY        the supervisor is gone
 *
 * Thread safe; async-signal-safe. */
cs_error_t sam_mark_failed(void);

#ifdef __cplusplus
}
#endif

#endif /* COROSYNC_SAM_H_DEFINED */
