// SPDX-License-Identifier: BSD-3-Clause
// Links libsam and libvotequorum, and prints the file name of every shared object that starting
// it has mapped.
#define _GNU_SOURCE
#include <corosync/sam.h>
#include <corosync/votequorum.h>

#include <link.h>
#include <stdio.h>
#include <string.h>

static int print_name(struct dl_phdr_info* info, size_t size, void* unused) {
  const char* slash = strrchr(info->dlpi_name, '/');

  (void)size;
  (void)unused;
  if (slash != NULL) puts(slash + 1);
  return 0;
}

int main(void) {
  // Neither is in a state for the call, so nothing happens; but the libraries are needed.
  if (sam_hc_send() != CS_ERR_BAD_HANDLE || votequorum_finalize(0) != CS_ERR_BAD_HANDLE) return 1;
  dl_iterate_phdr(print_name, NULL);
  return 0;
}
