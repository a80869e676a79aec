// SPDX-License-Identifier: BSD-3-Clause
// The one place where codes of the system and of libqb become results of ours.
#ifndef CS_COMMON_STATUS_H
#define CS_COMMON_STATUS_H

#include <corosync/corotypes.h>

namespace cs {

// For an errno value (positive). Everything without a closer counterpart is CS_ERR_LIBRARY.
[[nodiscard]] cs_error_t status_from_errno(int error) noexcept;

// For a libqb result: 0 or more is success, negative an errno value with its sign changed.
[[nodiscard]] cs_error_t status_from_qb(long result) noexcept;

}  // namespace cs

#endif
