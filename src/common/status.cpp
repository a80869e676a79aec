// SPDX-License-Identifier: BSD-3-Clause
// errno and libqb codes -> cs_error_t, by the table of the libcorosync_common that is installed:
// ours or the distribution's.
#include "common/status.h"

namespace cs {

cs_error_t status_from_errno(int error) noexcept {
  return error > 0 ? qb_to_cs_error(-error) : CS_ERR_LIBRARY;
}

cs_error_t status_from_qb(long result) noexcept {
  return result >= 0 ? CS_OK : status_from_errno(static_cast<int>(-result));
}

}  // namespace cs
