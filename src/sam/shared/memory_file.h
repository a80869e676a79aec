// SPDX-License-Identifier: BSD-3-Clause
// Files that exist in memory only and have no name.
#ifndef CS_SAM_MEMORY_FILE_H
#define CS_SAM_MEMORY_FILE_H

#include "common/unique_fd.h"

namespace cs::sam {

// Close-on-exec, and clear of the standard streams. Empty, with errno, when none can be had.
[[nodiscard]] UniqueFd make_memory_file() noexcept;

}  // namespace cs::sam

#endif
