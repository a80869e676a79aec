/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Client of the cluster's vote counting service. It tells whether this partition is quorate, which
 * nodes vote and how many votes are expected, and it serves the quorum device. Names, values and
 * layout are those of corosync itself.
 *
 * Conventions
 *
 *  1. Handles. A handle names one connection to the daemon. Any number may be open. The number of a
 *     finalized handle is not given to another connection; on armel and mipsel, not to the next
 *     131,071 connections.
 *  2. Results. Every function returns CS_OK (which is not 0) or the reason why it did nothing.
 *     CS_ERR_BAD_HANDLE: the handle is unknown or finalized. CS_ERR_INVALID_PARAM: a required
 *     pointer is NULL, or a value is one that the function's comment forbids. Parameters are
 *     checked before the handle, except in votequorum_set_qdevice_extra_info().
 *  3. Requests. Functions marked "Asks the daemon" wait for its answer, without a time limit, and
 *     may also return
 *       CS_ERR_LIBRARY        the daemon is gone; all that is left is to finalize the handle
 *       CS_ERR_TRY_AGAIN      the daemon takes no requests at the moment; nothing was done
 *       CS_ERR_MESSAGE_ERROR  the answer does not follow the protocol; the handle is still usable
 *     A daemon that is too old to know a request answers CS_ERR_INVALID_PARAM.
 *  4. Out-parameters are written only when the result is CS_OK.
 *  5. Threads. Any number of threads may call any function at once, even with the same handle.
 *     Requests on one handle are made one after another. Callbacks run in the thread that
 *     dispatches (in several, possibly at once, if several dispatch the same handle) and may call
 *     every function, votequorum_finalize() included.
 *  6. Signals. No function is async-signal-safe. A signal handler that runs during a call does not
 *     cut its wait short. If it leaves the call by siglongjmp(), or the thread is cancelled there,
 *     the handle stays usable.
 *  7. Fork. A handle belongs to the process that made it. While its parent lives, a child must not
 *     use a handle that it inherited: it initializes its own, and may finalize the inherited one.
 *     Descriptors are closed on exec.
 */
#ifndef COROSYNC_VOTEQUORUM_H_DEFINED
#define COROSYNC_VOTEQUORUM_H_DEFINED

#include <corosync/corotypes.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Names one connection. */
typedef uint64_t votequorum_handle_t;

/* Bits of votequorum_info.flags. The first six describe the local daemon, whichever node was asked
 * for; those of the quorum device describe the node that was asked for. */
#define VOTEQUORUM_INFO_TWONODE 1                   /* special rules for two nodes */
#define VOTEQUORUM_INFO_QUORATE 2                   /* this partition may go on */
#define VOTEQUORUM_INFO_WAIT_FOR_ALL 4              /* not quorate until all nodes have been seen */
#define VOTEQUORUM_INFO_LAST_MAN_STANDING 8         /* expected votes fall some time after a loss */
#define VOTEQUORUM_INFO_AUTO_TIE_BREAKER 16         /* one half of an even split may go on */
#define VOTEQUORUM_INFO_ALLOW_DOWNSCALE 32          /* expected votes fall as nodes leave cleanly */
#define VOTEQUORUM_INFO_QDEVICE_REGISTERED 64       /* the node has a quorum device */
#define VOTEQUORUM_INFO_QDEVICE_ALIVE 128           /* ... which polls in time */
#define VOTEQUORUM_INFO_QDEVICE_CAST_VOTE 256       /* ... and gives its votes to the node */
#define VOTEQUORUM_INFO_QDEVICE_MASTER_WINS 512     /* ... and alone can make the node quorate */
#define VOTEQUORUM_INFO_QDEVICE_HAS_EXTRA_INFO 1024 /* ... and has attached extra info */

#define VOTEQUORUM_QDEVICE_NODEID 0                    /* stands for the device in node lists */
#define VOTEQUORUM_QDEVICE_MAX_NAME_LEN 255            /* bytes, the terminating NUL included */
#define VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE 4096 /* bytes of extra info */
#define VOTEQUORUM_QDEVICE_DEFAULT_TIMEOUT 10000       /* between polls, milliseconds */
#define VOTEQUORUM_QDEVICE_DEFAULT_SYNC_TIMEOUT 30000  /* poll during a transition, milliseconds */

/* States of a node. */
#define VOTEQUORUM_NODESTATE_MEMBER 1
#define VOTEQUORUM_NODESTATE_DEAD 2
#define VOTEQUORUM_NODESTATE_LEAVING 3

/* What is known of one node and of the cluster's votes. */
struct votequorum_info {
  unsigned int node_id;             /* the real one, even if 0 was asked for */
  unsigned int node_state;          /* VOTEQUORUM_NODESTATE_... */
  unsigned int node_votes;          /* votes of the node */
  unsigned int node_expected_votes; /* votes the cluster should have, as the node sees it */
  unsigned int highest_expected;    /* the highest such number among the members */
  unsigned int total_votes;         /* votes of the members, and of a device that casts its vote */
  unsigned int quorum;              /* votes needed to be quorate */
  unsigned int flags;               /* VOTEQUORUM_INFO_... */
  unsigned int qdevice_votes;       /* votes of the node's quorum device */
  char qdevice_name[VOTEQUORUM_QDEVICE_MAX_NAME_LEN]; /* its name; empty if there is none */
};

/* One entry of a quorum notification. */
typedef struct {
  uint32_t nodeid; /* VOTEQUORUM_QDEVICE_NODEID: the quorum device of the local node */
  uint32_t state;  /* VOTEQUORUM_NODESTATE_...; 0 for the quorum device */
} votequorum_node_t;

/* Names one membership. */
typedef struct {
  uint32_t nodeid; /* a member of it */
  uint64_t seq;    /* grows with each membership */
} votequorum_ring_id_t;

/* A transition has ended, or quorate has changed. The list holds every node seen since the daemon
 * started, in no particular order, and is valid only during the call.
 *
 * context    the value given to votequorum_trackstart(); the same in all callbacks
 * quorate    1: this partition may go on. 0: it may not
 * node_list  node_list_entries elements */
typedef void (*votequorum_quorum_notification_fn_t)(votequorum_handle_t handle, uint64_t context,
                                                    uint32_t quorate, uint32_t node_list_entries,
                                                    votequorum_node_t node_list[]);

/* A transition begins; the quorum notification of the new membership follows. The list is valid
 * only during the call.
 *
 * ring_id    the new membership, to be passed to votequorum_qdevice_poll()
 * node_list  ids of its node_list_entries members */
typedef void (*votequorum_nodelist_notification_fn_t)(votequorum_handle_t handle, uint64_t context,
                                                      votequorum_ring_id_t ring_id,
                                                      uint32_t node_list_entries,
                                                      uint32_t node_list[]);

/* The number of votes that the cluster should have is now expected_votes. */
typedef void (*votequorum_expectedvotes_notification_fn_t)(votequorum_handle_t handle,
                                                           uint64_t context,
                                                           uint32_t expected_votes);

/* The quorum device of a node has set (ei_size above 0) or cleared (0) its extra info. The bytes
 * are valid only during the call.
 *
 * nodeid   the node whose device it is
 * ei_size  bytes at extra_info */
typedef void (*votequorum_qdevice_extra_info_fn_t)(votequorum_handle_t handle, uint64_t context,
                                                   uint32_t nodeid, uint32_t ei_size,
                                                   void *extra_info);

/* Callbacks for votequorum_initialize(). An event whose callback is NULL is dropped. */
typedef struct {
  votequorum_quorum_notification_fn_t votequorum_quorum_notify_fn;
  votequorum_expectedvotes_notification_fn_t votequorum_expectedvotes_notify_fn;
  votequorum_nodelist_notification_fn_t votequorum_nodelist_notify_fn;
} votequorum_callbacks_t;

/* Which set of callbacks a model structure holds. */
typedef enum {
  VOTEQUORUM_MODEL_V1 = 1
} votequorum_model_t;

/* Callbacks for votequorum_model_initialize(). An event whose callback is NULL is dropped. */
typedef struct {
  votequorum_model_t model; /* VOTEQUORUM_MODEL_V1; ignored, as there is no other */
  votequorum_quorum_notification_fn_t votequorum_quorum_notify_fn;
  votequorum_expectedvotes_notification_fn_t votequorum_expectedvotes_notify_fn;
  votequorum_nodelist_notification_fn_t votequorum_nodelist_notify_fn;
  votequorum_qdevice_extra_info_fn_t votequorum_qdevice_extra_info_fn;
} votequorum_model_v1_data_t;

/* Connects to the daemon.
 *
 * handle     receives the handle
 * callbacks  copied; NULL is the same as a structure of NULLs
 *
 * CS_ERR_INVALID_PARAM  handle is NULL
 * CS_ERR_LIBRARY        no daemon is listening, votequorum is not its quorum provider, or
 *                       descriptors have run out, here (errno EMFILE or ENFILE) or in the daemon
 * CS_ERR_TRY_AGAIN      the daemon is starting, is busy, or has not answered within 5 seconds
 * CS_ERR_ACCESS         the daemon refuses this user, or its socket's owner is neither root nor
 *                       this user
 * CS_ERR_NO_MEMORY      out of memory
 * CS_ERR_NO_SPACE       out of shared memory
 * CS_ERR_NOT_EXIST      the daemon's shared memory is not visible here (another mount namespace)
 * CS_ERR_NOT_SUPPORTED  the daemon is unloading the service
 *
 * Thread safe; not async-signal-safe. */
cs_error_t votequorum_initialize(votequorum_handle_t *handle, votequorum_callbacks_t *callbacks);

/* Connects to the daemon, with all callbacks.
 *
 * handle  receives the handle
 * model   copied; NULL is the same as a structure of NULLs
 *
 * CS_ERR_INVALID_PARAM  handle is NULL
 * and every error of votequorum_initialize().
 *
 * Thread safe; not async-signal-safe. */
cs_error_t votequorum_model_initialize(votequorum_handle_t *handle,
                                       const votequorum_model_v1_data_t *model);

/* Ends the use of a handle, even if the daemon is gone. Other threads that wait on it for events
 * get CS_ERR_BAD_HANDLE within milliseconds; the connection is closed when the last call on it has
 * returned.
 *
 * CS_ERR_BAD_HANDLE  unknown or finalized handle
 *
 * Thread safe; not async-signal-safe. */
cs_error_t votequorum_finalize(votequorum_handle_t handle);

/* Receives events and calls the callbacks. An event of a kind that this library does not know is
 * dropped and does not count. If a callback is left by longjmp() or by an exception, the handle
 * stays usable; its connection then stays open, finalized or not, until the thread ends.
 *
 * dispatch_types  CS_DISPATCH_ONE              waits for one event and handles it
 *                 CS_DISPATCH_ALL              handles what has arrived
 *                 CS_DISPATCH_BLOCKING         handles events until there is an error
 *                 CS_DISPATCH_ONE_NONBLOCKING  handles one event if one has arrived
 *
 * CS_ERR_INVALID_PARAM  no such dispatch type
 * CS_ERR_BAD_HANDLE     unknown handle, or finalized before or during the call
 * CS_ERR_TRY_AGAIN      CS_DISPATCH_ONE_NONBLOCKING, and no event has arrived
 * CS_ERR_LIBRARY        the daemon is gone
 * CS_ERR_MESSAGE_ERROR  an event does not follow the protocol; it is dropped, the handle is usable
 *
 * Thread safe; not async-signal-safe. */
cs_error_t votequorum_dispatch(votequorum_handle_t handle, cs_dispatch_flags_t dispatch_types);

/* Returns the descriptor that is ready for reading (POLLIN) when votequorum_dispatch() has
 * something to do. It is for polling only, and is closed with the handle.
 *
 * fd  receives the descriptor
 *
 * CS_ERR_INVALID_PARAM  fd is NULL
 * CS_ERR_BAD_HANDLE     unknown or finalized handle
 *
 * Thread safe; not async-signal-safe. */
cs_error_t votequorum_fd_get(votequorum_handle_t handle, int *fd);

/* Asks the daemon what it knows about a node.
 *
 * nodeid  a node, or 0 for the local one
 * info    receives the answer
 *
 * CS_ERR_INVALID_PARAM  info is NULL
 * CS_ERR_BAD_HANDLE     unknown or finalized handle
 * CS_ERR_NOT_EXIST      node not seen since the daemon started
 * and the errors that every request may return.
 *
 * Thread safe; not async-signal-safe. */
cs_error_t votequorum_getinfo(votequorum_handle_t handle, unsigned int nodeid,
                              struct votequorum_info *info);

/* Asks the daemon to change the number of votes the cluster should have, on every node.
 *
 * expected_votes  at least the votes now present
 *
 * CS_ERR_BAD_HANDLE     unknown or finalized handle
 * CS_ERR_INVALID_PARAM  fewer than the votes now present, or the cluster would lose quorum
 * CS_ERR_NO_RESOURCES   the other nodes could not be told; part of the change was made here
 * and the errors that every request may return.
 *
 * Thread safe; not async-signal-safe. */
cs_error_t votequorum_setexpected(votequorum_handle_t handle, unsigned int expected_votes);

/* Asks the daemon to change the number of votes of a node.
 *
 * nodeid  the node. Beware: 0 means the quorum device, whether there is one or not
 * votes   its new number of votes
 *
 * CS_ERR_BAD_HANDLE      unknown or finalized handle
 * CS_ERR_NAME_NOT_FOUND  node not seen since the daemon started
 * CS_ERR_INVALID_PARAM   quorum would exceed the votes present, or be less than half of them
 * CS_ERR_NO_RESOURCES    the other nodes could not be told; part of the change was made here
 * and the errors that every request may return.
 *
 * Thread safe; not async-signal-safe. */
cs_error_t votequorum_setvotes(votequorum_handle_t handle, unsigned int nodeid, unsigned int votes);

/* Asks the daemon for events. Those for the current state have arrived when the function returns:
 * the node list, the quorum state and, from daemons that know it, the extra info of each device. If
 * that is more than the connection has room for (about 15 nodes with 4096 bytes each), only the
 * first part has arrived; the rest arrives as events are dispatched.
 *
 * context  handed to the callbacks
 * flags    CS_TRACK_CURRENT       the current state
 *          CS_TRACK_CHANGES       the current state, and every change
 *          CS_TRACK_CHANGES_ONLY  every change
 *          May be combined; 0 asks for nothing.
 *
 * CS_ERR_BAD_HANDLE  unknown or finalized handle
 * CS_ERR_EXIST       changes are already being reported, with the context first given; the
 *                    current state, if asked for, comes with this context
 * and the errors that every request may return.
 *
 * Thread safe; not async-signal-safe. */
cs_error_t votequorum_trackstart(votequorum_handle_t handle, uint64_t context, unsigned int flags);

/* Asks the daemon to stop reporting changes. Events that have arrived are still dispatched.
 *
 * CS_ERR_BAD_HANDLE  unknown or finalized handle
 * CS_ERR_NOT_EXIST   changes are not reported
 * and the errors that every request may return.
 *
 * Thread safe; not async-signal-safe. */
cs_error_t votequorum_trackstop(votequorum_handle_t handle);

/* Returns the pointer that was last given to votequorum_context_set(); NULL at first. It has
 * nothing to do with the context of the callbacks.
 *
 * context  receives the pointer
 *
 * CS_ERR_INVALID_PARAM  context is NULL
 * CS_ERR_BAD_HANDLE     unknown or finalized handle
 *
 * Thread safe; not async-signal-safe. */
cs_error_t votequorum_context_get(votequorum_handle_t handle, void **context);

/* Keeps a pointer with the handle, for the caller's own use.
 *
 * context  any pointer, including NULL
 *
 * CS_ERR_BAD_HANDLE  unknown or finalized handle
 *
 * Thread safe; not async-signal-safe. */
cs_error_t votequorum_context_set(votequorum_handle_t handle, void *context);

/* Asks the daemon to register a quorum device for the local node. The registration belongs to the
 * node: it outlives the handle, and every permitted client that knows the name may use it.
 *
 * name  1 to 254 bytes and a NUL
 *
 * CS_ERR_INVALID_PARAM  name is NULL, empty or too long
 * CS_ERR_BAD_HANDLE     unknown or finalized handle
 * CS_ERR_ACCESS         the configuration forbids quorum devices
 * CS_ERR_EXIST          the cluster knows a device of another name
 * CS_ERR_TRY_AGAIN      a registration is under way, or the other nodes could not be told
 * and the errors that every request may return. If a device of this name is registered already, the
 * result is CS_OK.
 *
 * Thread safe; not async-signal-safe. */
cs_error_t votequorum_qdevice_register(votequorum_handle_t handle, const char *name);

/* Asks the daemon to forget the quorum device of the local node. It answers before the cluster was
 * told; votequorum_getinfo says whether the device is still registered.
 *
 * name  1 to 254 bytes and a NUL
 *
 * CS_ERR_INVALID_PARAM  name is NULL, empty or too long, or not that of the device
 * CS_ERR_BAD_HANDLE     unknown or finalized handle
 * CS_ERR_NOT_EXIST      the node has no device
 * and the errors that every request may return.
 *
 * Thread safe; not async-signal-safe. */
cs_error_t votequorum_qdevice_unregister(votequorum_handle_t handle, const char *name);

/* Asks the daemon to give the quorum device of the local node another name. It answers before the
 * cluster was told; until then the old name counts. votequorum_getinfo says which one does.
 *
 * oldname, newname  1 to 254 bytes and a NUL
 *
 * CS_ERR_INVALID_PARAM  a name is NULL, empty or too long, or oldname is not that of the device
 * CS_ERR_BAD_HANDLE     unknown or finalized handle
 * CS_ERR_NOT_EXIST      the node has no device
 * and the errors that every request may return.
 *
 * Thread safe; not async-signal-safe. */
cs_error_t votequorum_qdevice_update(votequorum_handle_t handle, const char *oldname,
                                     const char *newname);

/* Tells the daemon that the quorum device is alive, and whether it votes for the local node. Repeat
 * it at least every VOTEQUORUM_QDEVICE_DEFAULT_TIMEOUT (or as configured) milliseconds, or the
 * device counts as dead. Asks the daemon.
 *
 * name       1 to 254 bytes and a NUL
 * cast_vote  0: the device's votes do not count; any other value: they do
 * ring_id    that of the latest nodelist notification
 *
 * CS_ERR_INVALID_PARAM  name is NULL, empty or too long, or not that of the device
 * CS_ERR_BAD_HANDLE     unknown or finalized handle
 * CS_ERR_ACCESS         the configuration forbids quorum devices
 * CS_ERR_NOT_EXIST      the node has no device
 * CS_ERR_MESSAGE_ERROR  ring_id is not that of the current membership
 * and the errors that every request may return.
 *
 * Thread safe; not async-signal-safe. */
cs_error_t votequorum_qdevice_poll(votequorum_handle_t handle, const char *name,
                                   unsigned int cast_vote, votequorum_ring_id_t ring_id);

/* Tells the daemon whether the quorum device alone may make the local node quorate. Asks the
 * daemon.
 *
 * name   1 to 254 bytes and a NUL
 * allow  0: no; any other value: yes
 *
 * CS_ERR_INVALID_PARAM  name is NULL, empty or too long, or not that of the device
 * CS_ERR_BAD_HANDLE     unknown or finalized handle
 * CS_ERR_ACCESS         the configuration forbids quorum devices
 * CS_ERR_NOT_EXIST      the node has no device
 * and the errors that every request may return.
 *
 * Thread safe; not async-signal-safe. */
cs_error_t votequorum_qdevice_master_wins(votequorum_handle_t handle, const char *name,
                                          unsigned int allow);

/* Asks the daemon for the extra info that the quorum device of a node has set. Here
 * VOTEQUORUM_QDEVICE_NODEID means the device itself, which has none: *ei_size is then 0.
 *
 * nodeid      the node
 * ei_size     receives the number of bytes, 0 if none are set; its value on entry is ignored
 * extra_info  receives that many bytes; must have room for the maximum,
 *             VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE
 *
 * CS_ERR_INVALID_PARAM  a pointer is NULL, or the daemon is too old
 * CS_ERR_BAD_HANDLE     unknown or finalized handle
 * CS_ERR_ACCESS         the configuration forbids quorum devices
 * CS_ERR_NOT_EXIST      node not seen since the daemon started
 * and the errors that every request may return.
 *
 * Thread safe; not async-signal-safe. */
cs_error_t votequorum_get_qdevice_extra_info(votequorum_handle_t handle, unsigned int nodeid,
                                             uint32_t *ei_size, void *extra_info);

/* Asks the daemon to attach some bytes to the quorum device of the local node, for all nodes to
 * see.
 *
 * ei_size     how many bytes, at most VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE; 0 clears
 * extra_info  the bytes; NULL clears, whatever ei_size is
 *
 * CS_ERR_BAD_HANDLE     unknown or finalized handle (checked first, unlike elsewhere)
 * CS_ERR_INVALID_PARAM  too many bytes, or the daemon is too old
 * CS_ERR_ACCESS         the configuration forbids quorum devices
 * CS_ERR_NOT_EXIST      the node has no device
 * and the errors that every request may return.
 *
 * Thread safe; not async-signal-safe. */
cs_error_t votequorum_set_qdevice_extra_info(votequorum_handle_t handle, uint32_t ei_size,
                                             const void *extra_info);

#ifdef __cplusplus
}
#endif

#endif /* COROSYNC_VOTEQUORUM_H_DEFINED */
