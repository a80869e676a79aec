// SPDX-License-Identifier: BSD-3-Clause
// A value, or the reason why there is none.
#include "common/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace cs {
namespace {

TEST(Result, ValueIsSuccess) {
  const Result<int> result = 7;
  EXPECT_TRUE(result);
  EXPECT_EQ(result.status(), CS_OK);
  EXPECT_EQ(*result, 7);
}

TEST(Result, ZeroIsAValueToo) {
  const Result<int> result = 0;
  EXPECT_TRUE(result);
  EXPECT_EQ(*result, 0);
}

TEST(Result, ErrorHasNoValue) {
  const Result<int> result = CS_ERR_NOT_EXIST;
  EXPECT_FALSE(result);
  EXPECT_EQ(result.status(), CS_ERR_NOT_EXIST);
}

TEST(Result, ValueThatOnlyMovesCanBeTakenOut) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(3);
  ASSERT_TRUE(result);
  EXPECT_EQ(*result->get(), 3);
  const std::unique_ptr<int> taken = std::move(*result);
  EXPECT_EQ(*taken, 3);
}

}  // namespace
}  // namespace cs
