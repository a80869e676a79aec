/* SPDX-License-Identifier: BSD-3-Clause
 * The three ways to tell a verdict.
 */
#ifndef CS_QUORUM_CHECK_PRINT_H
#define CS_QUORUM_CHECK_PRINT_H

#include <stdio.h>

#include "quorum-check/verdict.h"

struct report {
    struct verdict verdict;
    const struct answer *answer; /* NULL: there was none */
    long least_margin;
    long long milliseconds; /* from the start of the tool to the verdict */
    long long limit;        /* what it could have taken, in milliseconds */
};

/* The line of the monitoring plugins: status, text, and behind '|' the performance data. */
void print_line(FILE *out, const struct report *report);

/* One JSON object, on one line. */
void print_json(FILE *out, const struct report *report);

/* OpenMetrics text, with its end mark. */
void print_openmetrics(FILE *out, const struct report *report);

#endif
