/* SPDX-License-Identifier: BSD-3-Clause
 * What an answer means. No clock and no system call: the same answer gives the same verdict.
 */
#ifndef CS_QUORUM_CHECK_VERDICT_H
#define CS_QUORUM_CHECK_VERDICT_H

#include "quorum-check/answer.h"

/* The exit codes of the monitoring plugins. */
enum status { STATUS_OK = 0, STATUS_WARNING = 1, STATUS_CRITICAL = 2, STATUS_UNKNOWN = 3 };

enum { MOST_PROBLEMS = 3, PROBLEM_SIZE = 400 };

struct verdict {
    enum status status;
    unsigned problem_count;
    char problems[MOST_PROBLEMS][PROBLEM_SIZE]; /* printable ASCII without '|' */
};

/* Votes that can go before quorum does; negative when it holds, or is lost, with fewer than
 * needed. */
long margin_of(const struct votequorum_info *info);

/* A name that came from elsewhere, fit for every kind of output: what is not printable ASCII, and
 * what has a meaning to those who read the output, becomes '?'. Returns `text`. */
const char *clean_name(const char *name, char text[VOTEQUORUM_QDEVICE_MAX_NAME_LEN]);

/* least_margin: a warning is due with a smaller one. */
void judge(const struct answer *answer, long least_margin, struct verdict *verdict);

/* There was no answer in time. */
void judge_silence(long long milliseconds, struct verdict *verdict);

/* The process that asks has ended, or could not be started. */
void judge_failure(const char *reason, struct verdict *verdict);

#endif
