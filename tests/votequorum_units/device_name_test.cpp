// SPDX-License-Identifier: BSD-3-Clause
// Names of quorum devices: 1 to 254 bytes, NUL to the end of the field.
#include "votequorum/device_name.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace cs::votequorum {
namespace {

void expect_refused(const char* name) {
  const Result<DeviceName> field = make_device_name(name);
  EXPECT_FALSE(field);
  EXPECT_EQ(field.status(), CS_ERR_INVALID_PARAM);
}

TEST(MakeDeviceName, NullIsRefused) { expect_refused(nullptr); }
TEST(MakeDeviceName, EmptyIsRefused) { expect_refused(""); }

TEST(MakeDeviceName, LongestFitsAndOneMoreDoesNot) {
  const Result<DeviceName> longest = make_device_name(std::string(254, 'x').c_str());
  ASSERT_TRUE(longest);
  EXPECT_STREQ(longest.operator*().data(), std::string(254, 'x').c_str());
  expect_refused(std::string(255, 'x').c_str());
  expect_refused(std::string(100000, 'x').c_str());
}

// Without a NUL behind them: a read past 255 bytes would be seen by the address sanitizer.
TEST(MakeDeviceName, UnterminatedIsReadNoFurtherThanItsField) {
  const std::vector<char> name(255, 'x');
  expect_refused(name.data());
}

TEST(MakeDeviceName, EveryByteBehindTheNameIsNul) {
  const Result<DeviceName> field = make_device_name("Qdevice");
  ASSERT_TRUE(field);
  EXPECT_EQ(std::memcmp((*field).data(), "Qdevice", 7), 0);
  EXPECT_TRUE(std::all_of((*field).begin() + 7, (*field).end(), [](char c) { return c == 0; }));
}

TEST(IsTerminated, FieldWithoutNulIsNot) {
  DeviceName field;
  field.fill('x');
  EXPECT_FALSE(is_terminated(field));
  field.back() = 0;
  EXPECT_TRUE(is_terminated(field));
  field.fill(0);
  EXPECT_TRUE(is_terminated(field));
}

}  // namespace
}  // namespace cs::votequorum
