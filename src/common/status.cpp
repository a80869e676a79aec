// SPDX-License-Identifier: BSD-3-Clause
// errno and libqb codes -> cs_error_t.
#include "common/status.h"

#include <cerrno>

namespace cs {

cs_error_t status_from_errno(int error) noexcept {
  switch (error) {
    case EBADF:
      return CS_ERR_BAD_HANDLE;
    case ENOMEM:
      return CS_ERR_NO_MEMORY;
    case EAGAIN:
    case ETIMEDOUT:
    case ENOBUFS:
    case ENOMSG:
      return CS_ERR_TRY_AGAIN;
    case EBADE:
      return CS_ERR_FAILED_OPERATION;
    case ETIME:
      return CS_ERR_TIMEOUT;
    case EINVAL:
      return CS_ERR_INVALID_PARAM;
    case EBUSY:
      return CS_ERR_BUSY;
    case EACCES:
      return CS_ERR_ACCESS;
    case EOVERFLOW:
      return CS_ERR_NAME_TOO_LONG;
    case EEXIST:
      return CS_ERR_EXIST;
    case ENOSPC:
      return CS_ERR_NO_SPACE;
    case EINTR:
      return CS_ERR_INTERRUPT;
    case ENOENT:
    case ENODEV:
      return CS_ERR_NOT_EXIST;
    case ENOSYS:
    case ENOTSUP:
      return CS_ERR_NOT_SUPPORTED;
    case EBADMSG:
      return CS_ERR_MESSAGE_ERROR;
    case EMSGSIZE:
    case E2BIG:
      return CS_ERR_TOO_BIG;
    default:
      return CS_ERR_LIBRARY;
  }
}

cs_error_t status_from_qb(long result) noexcept {
  return result >= 0 ? CS_OK : status_from_errno(static_cast<int>(-result));
}

}  // namespace cs
