// SPDX-License-Identifier: BSD-3-Clause
// The table from errno and libqb's results to ours: every listed code, and all the others.
#include "common/status.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <climits>
#include <map>

namespace cs {
namespace {

const std::map<int, cs_error_t> kListed = {
    {EBADF, CS_ERR_BAD_HANDLE},       {ENOMEM, CS_ERR_NO_MEMORY},
    {EAGAIN, CS_ERR_TRY_AGAIN},       {ETIMEDOUT, CS_ERR_TRY_AGAIN},
    {ENOBUFS, CS_ERR_TRY_AGAIN},      {ENOMSG, CS_ERR_TRY_AGAIN},
    {EBADE, CS_ERR_FAILED_OPERATION}, {ETIME, CS_ERR_TIMEOUT},
    {EINVAL, CS_ERR_INVALID_PARAM},   {EBUSY, CS_ERR_BUSY},
    {EACCES, CS_ERR_ACCESS},          {EOVERFLOW, CS_ERR_NAME_TOO_LONG},
    {EEXIST, CS_ERR_EXIST},           {ENOSPC, CS_ERR_NO_SPACE},
    {EINTR, CS_ERR_INTERRUPT},        {ENOENT, CS_ERR_NOT_EXIST},
    {ENODEV, CS_ERR_NOT_EXIST},       {ENOSYS, CS_ERR_NOT_SUPPORTED},
    {ENOTSUP, CS_ERR_NOT_SUPPORTED},  {EBADMSG, CS_ERR_MESSAGE_ERROR},
    {EMSGSIZE, CS_ERR_TOO_BIG},       {E2BIG, CS_ERR_TOO_BIG},
};

TEST(StatusFromErrno, ListedCodesHaveTheirsAndAllOthersAreLibrary) {
  for (int error = -10; error <= 200; ++error) {
    const auto listed = kListed.find(error);
    const cs_error_t expected = listed != kListed.end() ? listed->second : CS_ERR_LIBRARY;
    EXPECT_EQ(status_from_errno(error), expected) << "errno " << error;
  }
}

TEST(StatusFromQb, ZeroAndMoreIsSuccess) {
  EXPECT_EQ(status_from_qb(0), CS_OK);
  EXPECT_EQ(status_from_qb(1), CS_OK);
  EXPECT_EQ(status_from_qb(LONG_MAX), CS_OK);
}

TEST(StatusFromQb, NegativeIsAnErrno) {
  for (const auto& [error, status] : kListed) EXPECT_EQ(status_from_qb(-error), status) << error;
  EXPECT_EQ(status_from_qb(-ENOTCONN), CS_ERR_LIBRARY);
  EXPECT_EQ(status_from_qb(-EMFILE), CS_ERR_LIBRARY);
  EXPECT_EQ(status_from_qb(INT_MIN), CS_ERR_LIBRARY);
}

}  // namespace
}  // namespace cs
