/* SPDX-License-Identifier: BSD-3-Clause
 * The process that asks the daemon. Only it enters the library, which may wait there without limit.
 */
#ifndef CS_QUORUM_CHECK_ASK_H
#define CS_QUORUM_CHECK_ASK_H

/* Starts it. Returns its end of the line, from which one struct answer after the other can be
 * received until the process ends; -1, with errno, if it cannot be started. It is told to end by
 * stop_asking(), and is killed with the process that has started it. */
int start_asking(void);

/* Gives it so many milliseconds to leave the daemon, then kills it, wherever it is. */
void stop_asking(int line, int milliseconds);

#endif
