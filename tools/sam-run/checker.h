/* SPDX-License-Identifier: BSD-3-Clause
 * The process that makes the health checks for a command that knows nothing of them.
 */
#ifndef CS_SAM_RUN_CHECKER_H
#define CS_SAM_RUN_CHECKER_H

#include <stdbool.h>

struct checks {
    const char
        *command; /* asked by /bin/sh whether all is well; NULL: that the process lives is enough */
    int period;   /* milliseconds from one check to the next, and the longest that one may take */
};

/* Starts it. Call it in the instance after sam_start(), before it turns into the command. The
 * process is not a child of the caller's, so that the command meets no child that it does not know,
 * and ends with the caller. False, with errno, if it cannot be started. */
bool start_checker(const struct checks *checks);

#endif
