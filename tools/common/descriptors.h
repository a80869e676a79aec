/* SPDX-License-Identifier: BSD-3-Clause
 * Descriptors of our own, clear of the standard streams.
 */
#ifndef CS_TOOLS_DESCRIPTORS_H
#define CS_TOOLS_DESCRIPTORS_H

/* Where standard streams are closed, their numbers stay free, and a new descriptor may get one.
 * Moves it above them, closed on exec, and returns the new number: -1 when there is no room, and
 * the descriptor is closed then. One that is above them already, or negative, is returned as is. */
int move_above_streams(int fd);

#endif
