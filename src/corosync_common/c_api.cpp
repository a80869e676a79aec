// SPDX-License-Identifier: BSD-3-Clause
// The three functions of libcorosync_common.
#include <corosync/corotypes.h>

#include <cerrno>

#include "common/export.h"

extern "C" CS_EXPORT cs_error_t qb_to_cs_error(int result) {
  if (result >= 0) return CS_OK;
  switch (-static_cast<long>(result)) {
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

extern "C" CS_EXPORT cs_error_t hdb_error_to_cs(int res) {
  switch (res) {
    case 0:
      return CS_OK;
    case -EBADF:
      return CS_ERR_BAD_HANDLE;
    case -ENOMEM:
      return CS_ERR_NO_MEMORY;
    case -EMFILE:
      return CS_ERR_NO_RESOURCES;
    case -EACCES:
      return CS_ERR_ACCESS;
    default:
      return CS_ERR_LIBRARY;
  }
}

extern "C" CS_EXPORT const char* cs_strerror(cs_error_t err) {
#define CS_NAME(code) \
  case code:          \
    return #code
  switch (err) {
    case CS_OK:
      return "success";
      CS_NAME(CS_ERR_LIBRARY);
      CS_NAME(CS_ERR_VERSION);
      CS_NAME(CS_ERR_INIT);
      CS_NAME(CS_ERR_TIMEOUT);
      CS_NAME(CS_ERR_TRY_AGAIN);
      CS_NAME(CS_ERR_INVALID_PARAM);
      CS_NAME(CS_ERR_NO_MEMORY);
      CS_NAME(CS_ERR_BAD_HANDLE);
      CS_NAME(CS_ERR_BUSY);
      CS_NAME(CS_ERR_ACCESS);
      CS_NAME(CS_ERR_NOT_EXIST);
      CS_NAME(CS_ERR_NAME_TOO_LONG);
      CS_NAME(CS_ERR_EXIST);
      CS_NAME(CS_ERR_NO_SPACE);
      CS_NAME(CS_ERR_INTERRUPT);
      CS_NAME(CS_ERR_NAME_NOT_FOUND);
      CS_NAME(CS_ERR_NO_RESOURCES);
      CS_NAME(CS_ERR_NOT_SUPPORTED);
      CS_NAME(CS_ERR_BAD_OPERATION);
      CS_NAME(CS_ERR_FAILED_OPERATION);
      CS_NAME(CS_ERR_MESSAGE_ERROR);
      CS_NAME(CS_ERR_QUEUE_FULL);
      CS_NAME(CS_ERR_QUEUE_NOT_AVAILABLE);
      CS_NAME(CS_ERR_BAD_FLAGS);
      CS_NAME(CS_ERR_TOO_BIG);
      CS_NAME(CS_ERR_NO_SECTIONS);
      CS_NAME(CS_ERR_CONTEXT_NOT_FOUND);
      CS_NAME(CS_ERR_TOO_MANY_GROUPS);
      CS_NAME(CS_ERR_SECURITY);
  }
#undef CS_NAME
  return "unknown error";
}
