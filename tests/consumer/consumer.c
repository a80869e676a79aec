/* SPDX-License-Identifier: BSD-3-Clause
 * A program of somebody else: uses the installed headers and something of every library. */
#include <corosync/sam.h>
#include <corosync/votequorum.h>

#include <stdio.h>

int main(void) {
  votequorum_handle_t handle = 0;
  size_t size;

  printf("%s\n", cs_strerror(votequorum_trackstart(handle, 0, CS_TRACK_CURRENT)));
  printf("%s\n", cs_strerror(sam_initialize(100, SAM_RECOVERY_POLICY_QUIT)));
  printf("%s\n", cs_strerror(sam_data_store("data", 4)));
  printf("%s, size ", cs_strerror(sam_data_getsize(&size)));
  printf("%d\n", (int)size);
  return 0;
}
