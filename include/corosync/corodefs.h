/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Numbers that the corosync daemon and its clients agree on.
 */
#ifndef CORODEFS_H_DEFINED
#define CORODEFS_H_DEFINED

#include <netinet/in.h>

/* Numbers of the daemon's services. */
enum corosync_service_types {
  CMAP_SERVICE = 0,
  CFG_SERVICE = 1,
  CPG_SERVICE = 2,
  QUORUM_SERVICE = 3,
  PLOAD_SERVICE = 4,
  VOTEQUORUM_SERVICE = 5,
  MON_SERVICE = 6,
  WD_SERVICE = 7
};

/* Largest number of nodes in a cluster. */
#ifdef HAVE_SMALL_MEMORY_FOOTPRINT
#define PROCESSOR_COUNT_MAX 16
#else
#define PROCESSOR_COUNT_MAX 384
#endif

/* Room for an address of either family, in bytes. */
#define TOTEMIP_ADDRLEN (sizeof(struct in6_addr))

#endif /* CORODEFS_H_DEFINED */
