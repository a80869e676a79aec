/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls libcorosync_common where the C library is not the one that it was developed with. */
#include <corosync/corotypes.h>

#include <errno.h>
#include <string.h>

int main(void) {
  if (strcmp(cs_strerror(CS_OK), "success") != 0) return 1;
  if (qb_to_cs_error(-ENOMEM) != CS_ERR_NO_MEMORY) return 2;
  if (hdb_error_to_cs(-EBADF) != CS_ERR_BAD_HANDLE) return 3;
  return 0;
}
