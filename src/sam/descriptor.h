// SPDX-License-Identifier: BSD-3-Clause
// Descriptors that live inside an application which knows nothing of them.
#ifndef CS_SAM_DESCRIPTOR_H
#define CS_SAM_DESCRIPTOR_H

#include "common/file_identity.h"
#include "common/unique_fd.h"

#endif
