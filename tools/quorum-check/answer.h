/* SPDX-License-Identifier: BSD-3-Clause
 * What one round of questions to the daemon has brought: passed from the process that asks to the
 * one that judges and prints.
 */
#ifndef CS_QUORUM_CHECK_ANSWER_H
#define CS_QUORUM_CHECK_ANSWER_H

#include <corosync/votequorum.h>
#include <stdbool.h>
#include <stdint.h>

enum { MOST_NODES = 512 }; /* corosync itself has room for 384 */

struct node {
    uint32_t id;
    uint32_t state; /* VOTEQUORUM_NODESTATE_... */
    uint32_t votes;
    bool has_votes; /* false: the daemon did not know the node any more */
};

struct answer {
    cs_error_t error; /* unless it is CS_OK, only error_number says something */
    int error_number; /* errno of a connection that failed */
    struct votequorum_info info;
    votequorum_ring_id_t ring;
    uint32_t node_count;
    struct node nodes[MOST_NODES]; /* in the daemon's order */
};

#endif
