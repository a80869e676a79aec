// SPDX-License-Identifier: BSD-3-Clause
// The caller that was compiled with our header.
#include <corosync/votequorum.h>

#define CALLER our_caller
#define CALLER_NAME "OurHeader"
#include "abi/caller_body.h"
