// SPDX-License-Identifier: BSD-3-Clause
// Files without a name that exist only in memory.
#ifndef CS_SAM_MEMORY_FILE_H
#define CS_SAM_MEMORY_FILE_H

#include "common/unique_fd.h"

namespace cs::sam {

// Close-on-exec, and above the standard streams. Empty, with errno, when none can be made.
[[nodiscard]] UniqueFd make_memory_file() noexcept;

}  // namespace cs::sam

#endif
