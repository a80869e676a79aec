/* SPDX-License-Identifier: BSD-3-Clause
 * quorum-watch: prints what corosync's votequorum service says now, then a line for each
 * notification, until Ctrl-C. Exit status 0 after Ctrl-C or SIGTERM, 1 after an error.
 * Build: cc quorum-watch.c -o quorum-watch \
 *            $(pkg-config --cflags --libs libvotequorum libcorosync_common)
 */
#define _POSIX_C_SOURCE 200809L
#include <corosync/corotypes.h>
#include <corosync/votequorum.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int failed(const char *what, cs_error_t error)
{
    fprintf(stderr, "quorum-watch: %s: %s\n", what, cs_strerror(error));
    return 1;
}

static const char *state_name(unsigned int state)
{
    switch (state) {
        case VOTEQUORUM_NODESTATE_MEMBER:
            return "member";
        case VOTEQUORUM_NODESTATE_DEAD:
            return "dead";
        case VOTEQUORUM_NODESTATE_LEAVING:
            return "leaving";
        default:
            return "unknown";
    }
}

/* A callback may call the library: here, for the votes behind the verdict. */
static void on_quorum(votequorum_handle_t handle, uint64_t context, uint32_t quorate,
                      uint32_t count, votequorum_node_t nodes[])
{
    struct votequorum_info info;
    uint32_t i;

    (void)context;
    printf("event: quorum %s", quorate ? "yes" : "NO");
    if (votequorum_getinfo(handle, 0, &info) == CS_OK)
        printf(", %u of %u expected votes, %u needed", info.total_votes, info.highest_expected,
               info.quorum);
    for (i = 0; i < count; i++)
        printf("%s %" PRIu32 " %s", i == 0 ? "; nodes:" : ",", nodes[i].nodeid,
               state_name(nodes[i].state));
    printf("\n");
}

static void on_nodelist(votequorum_handle_t handle, uint64_t context, votequorum_ring_id_t ring,
                        uint32_t count, uint32_t nodes[])
{
    uint32_t i;

    (void)handle;
    (void)context;
    printf("event: ring %" PRIu32 ".%" PRIu64 ", members:", ring.nodeid, ring.seq);
    for (i = 0; i < count; i++)
        printf(" %" PRIu32, nodes[i]);
    printf("\n");
}

static void on_expected_votes(votequorum_handle_t handle, uint64_t context, uint32_t expected)
{
    (void)handle;
    (void)context;
    printf("event: expected votes now %" PRIu32 "\n", expected);
}

/* Node 0 asks for the node that we run on. */
static cs_error_t print_status(votequorum_handle_t handle)
{
    struct votequorum_info info;
    cs_error_t error = votequorum_getinfo(handle, 0, &info);

    if (error != CS_OK)
        return error;
    printf("node %u (%s) has %u vote(s)\n", info.node_id, state_name(info.node_state),
           info.node_votes);
    printf("cluster: %s, %u vote(s) of %u expected, quorum needs %u\n",
           info.flags & VOTEQUORUM_INFO_QUORATE ? "quorate" : "NOT quorate", info.total_votes,
           info.highest_expected, info.quorum);
    return CS_OK;
}

/* Returns when a signal arrives (CS_OK) or the service is lost. */
static cs_error_t watch(votequorum_handle_t handle, int signals)
{
    struct pollfd sources[2] = {{.events = POLLIN}, {.fd = signals, .events = POLLIN}};
    cs_error_t error = votequorum_fd_get(handle, &sources[0].fd);

    while (error == CS_OK) {
        if (poll(sources, 2, -1) < 0 && errno != EINTR)
            return CS_ERR_LIBRARY;
        if (sources[1].revents)
            return CS_OK;
        if (sources[0].revents)
            error = votequorum_dispatch(handle, CS_DISPATCH_ALL);
    }
    return error;
}

int main(void)
{
    votequorum_callbacks_t callbacks = {on_quorum, on_expected_votes, on_nodelist};
    votequorum_handle_t handle;
    sigset_t stop;
    int signals, status = 0;
    cs_error_t error;

    setvbuf(stdout, NULL, _IOLBF, 0); /* each line at once, through a pipe too */
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    signals = signalfd(-1, &stop, SFD_CLOEXEC);
    if (signals < 0) {
        fprintf(stderr, "quorum-watch: signalfd: %s\n", strerror(errno));
        return 1;
    }

    error = votequorum_initialize(&handle, &callbacks);
    if (error != CS_OK)
        return failed("cannot connect (does corosync run here?)", error);
    if ((error = print_status(handle)) != CS_OK)
        status = failed("cannot read the status", error);
    else if ((error = votequorum_trackstart(handle, 0, CS_TRACK_CURRENT | CS_TRACK_CHANGES)) !=
             CS_OK)
        status = failed("cannot ask for notifications", error);
    else if ((error = watch(handle, signals)) != CS_OK)
        status = failed("lost the service", error);

    votequorum_finalize(handle);
    close(signals);
    return status;
}
