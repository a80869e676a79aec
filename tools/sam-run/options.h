/* SPDX-License-Identifier: BSD-3-Clause
 * The command line of sam-run.
 */
#ifndef CS_SAM_RUN_OPTIONS_H
#define CS_SAM_RUN_OPTIONS_H

#include <corosync/sam.h>
#include <stdbool.h>

/* Of sam-run itself, as timeout(1) and env(1) have it. */
enum { EXIT_OWN_FAILURE = 125, EXIT_CANNOT_RUN = 126, EXIT_NOT_FOUND = 127 };

enum { NO_SIGNAL_GIVEN = -1 };

struct options {
    sam_recovery_policy_t policy;
    const char *check; /* NULL: none */
    long interval;     /* milliseconds between two checks; 0: not given */
    long grace;        /* milliseconds; 0: not given */
    int warn_signal;   /* or NO_SIGNAL_GIVEN */
    char **command;
};

/* Returns -1 to go on, or the exit status. What libsam does itself is put into its environment
 * variables. */
int take_options(int argc, char *argv[], struct options *options);

/* After that: takes libsam's variables out of the environment, for the command. */
void clear_environment(void);

#endif
