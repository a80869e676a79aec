/* SPDX-License-Identifier: BSD-3-Clause
 * Descriptors of our own, clear of the standard streams.
 */
#define _GNU_SOURCE
#include "common/descriptors.h"

#include <fcntl.h>
#include <unistd.h>

int move_above_streams(int fd)
{
    int above;

    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    above = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(fd);
    return above;
}
