/* SPDX-License-Identifier: BSD-3-Clause
 * The process that asks the daemon, again and again, and tells each answer. A daemon that is
 * stopped in the middle of a request leaves it waiting in the library; its parent is not held up by
 * that.
 */
#define _GNU_SOURCE
#include "quorum-check/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include "common/descriptors.h"
#include "quorum-check/answer.h"

enum { PAUSE_MS = 250 };

static pid_t asker;
/* Not handed to the callbacks as their context: that comes back from the daemon, which must not
 * choose where we write. */
static struct answer answer;

static void on_quorum(votequorum_handle_t handle, uint64_t context, uint32_t quorate,
                      uint32_t count, votequorum_node_t nodes[])
{
    (void)handle;
    (void)context;
    (void)quorate; /* getinfo says it together with the votes */
    answer.node_count = 0;
    for (uint32_t i = 0; i < count && answer.node_count < MOST_NODES; i++) {
        if (nodes[i].nodeid == VOTEQUORUM_QDEVICE_NODEID)
            continue;
        answer.nodes[answer.node_count++] =
            (struct node){.id = nodes[i].nodeid, .state = nodes[i].state};
    }
}

static void on_nodelist(votequorum_handle_t handle, uint64_t context, votequorum_ring_id_t ring,
                        uint32_t count, uint32_t nodes[])
{
    (void)handle;
    (void)context;
    (void)count;
    (void)nodes;
    answer.ring = ring;
}

static cs_error_t connect_to_daemon(votequorum_handle_t *handle)
{
    votequorum_callbacks_t callbacks = {.votequorum_quorum_notify_fn = on_quorum,
                                        .votequorum_nodelist_notify_fn = on_nodelist};
    cs_error_t error;

    errno = 0;
    error = votequorum_initialize(handle, &callbacks);
    if (error != CS_OK) {
        answer.error_number = errno;
        *handle = 0;
        return error;
    }
    return votequorum_trackstart(*handle, 0, CS_TRACK_CURRENT | CS_TRACK_CHANGES);
}

static cs_error_t ask_for_votes(votequorum_handle_t handle, struct node *node)
{
    struct votequorum_info info;
    cs_error_t error = votequorum_getinfo(handle, node->id, &info);

    node->has_votes = error == CS_OK;
    if (error == CS_OK)
        node->votes = info.node_votes;
    return error == CS_ERR_NOT_EXIST ? CS_OK : error;
}

static cs_error_t ask_once(votequorum_handle_t *handle)
{
    cs_error_t error = CS_OK;

    answer.error_number = 0;
    if (*handle == 0)
        error = connect_to_daemon(handle);
    if (error == CS_OK)
        error = votequorum_dispatch(*handle, CS_DISPATCH_ALL);
    if (error == CS_OK)
        error = votequorum_getinfo(*handle, 0, &answer.info);
    for (uint32_t i = 0; i < answer.node_count && error == CS_OK; i++)
        error = ask_for_votes(*handle, &answer.nodes[i]);
    return error;
}

/* Returns when the parent has had enough. */
static void ask_on(int line)
{
    votequorum_handle_t handle = 0;
    struct pollfd parent = {.fd = line, .events = POLLIN};

    do {
        answer.error = ask_once(&handle);
        if (answer.error != CS_OK && handle != 0) {
            votequorum_finalize(handle);
            handle = 0;
        }
        if (send(line, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
            break;
    } while (poll(&parent, 1, PAUSE_MS) == 0);
    if (handle != 0)
        votequorum_finalize(handle);
}

/* Whoever reads the output waits for the end of everybody who could still write to it. */
static void let_go_of_output(void)
{
    int null = open("/dev/null", O_RDWR);

    for (int fd = 0; fd <= 2 && null >= 0; fd++)
        dup2(null, fd);
}

static void close_line(const int line[2])
{
    for (int end = 0; end < 2; end++) {
        if (line[end] >= 0)
            close(line[end]);
    }
}

static bool open_line(int line[2])
{
    /* Messages, so that an answer is there as a whole or not at all. */
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line) != 0)
        return false;
    for (int end = 0; end < 2; end++)
        line[end] = move_above_streams(line[end]); /* what is written there is not for the line */
    if (line[0] >= 0 && line[1] >= 0)
        return true;
    close_line(line);
    return false;
}

int start_asking(void)
{
    pid_t parent = getpid();
    int line[2];

    if (!open_line(line))
        return -1;
    asker = fork();
    if (asker < 0) {
        close_line(line);
        return -1;
    }
    if (asker > 0) {
        close(line[1]);
        return line[0];
    }
    close(line[0]);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    let_go_of_output();
    ask_on(line[1]);
    _exit(0);
}

void stop_asking(int line, int milliseconds)
{
    struct pollfd event = {.fd = line, .events = 0}; /* POLLHUP */

    shutdown(line, SHUT_WR);
    poll(&event, 1, milliseconds);
    kill(asker, SIGKILL);
}
