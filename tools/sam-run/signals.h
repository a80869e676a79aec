/* SPDX-License-Identifier: BSD-3-Clause
 * Names of signals.
 */
#ifndef CS_SAM_RUN_SIGNALS_H
#define CS_SAM_RUN_SIGNALS_H

#include <stdbool.h>
#include <stddef.h>

/* The number behind TERM, SIGTERM, 15, RTMIN+1 or RTMAX-1; 0 if there is no such signal. `length`
 * bytes of the text count. */
int parse_signal(const char *text, size_t length);

/* Whether the text is a list like TERM,HUP of signals that libsam forwards. */
bool is_forward_list(const char *text);

#endif
