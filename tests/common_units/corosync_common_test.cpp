// SPDX-License-Identifier: BSD-3-Clause
// libcorosync_common's three functions: the documented results, and the same as the distribution's
// for every number near and far.
#include <corosync/corotypes.h>
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <climits>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "support/corosync_daemon.h"

namespace cs::test {
namespace {

// As C callers see them: any number may be asked for, not only the enumerators.
using NameOf = const char* (*)(int);
using ResultOf = int (*)(int);

NameOf name_of(void* library) { return reinterpret_cast<NameOf>(::dlsym(library, "cs_strerror")); }

// The library this program is linked with, which RTLD_DEFAULT finds first.
std::string our_name(int code) { return name_of(RTLD_DEFAULT)(code); }

const std::map<int, std::string> kNames = {
    {1, "success"},
    {2, "CS_ERR_LIBRARY"},
    {3, "CS_ERR_VERSION"},
    {4, "CS_ERR_INIT"},
    {5, "CS_ERR_TIMEOUT"},
    {6, "CS_ERR_TRY_AGAIN"},
    {7, "CS_ERR_INVALID_PARAM"},
    {8, "CS_ERR_NO_MEMORY"},
    {9, "CS_ERR_BAD_HANDLE"},
    {10, "CS_ERR_BUSY"},
    {11, "CS_ERR_ACCESS"},
    {12, "CS_ERR_NOT_EXIST"},
    {13, "CS_ERR_NAME_TOO_LONG"},
    {14, "CS_ERR_EXIST"},
    {15, "CS_ERR_NO_SPACE"},
    {16, "CS_ERR_INTERRUPT"},
    {17, "CS_ERR_NAME_NOT_FOUND"},
    {18, "CS_ERR_NO_RESOURCES"},
    {19, "CS_ERR_NOT_SUPPORTED"},
    {20, "CS_ERR_BAD_OPERATION"},
    {21, "CS_ERR_FAILED_OPERATION"},
    {22, "CS_ERR_MESSAGE_ERROR"},
    {23, "CS_ERR_QUEUE_FULL"},
    {24, "CS_ERR_QUEUE_NOT_AVAILABLE"},
    {25, "CS_ERR_BAD_FLAGS"},
    {26, "CS_ERR_TOO_BIG"},
    {27, "CS_ERR_NO_SECTIONS"},
    {28, "CS_ERR_CONTEXT_NOT_FOUND"},
    {30, "CS_ERR_TOO_MANY_GROUPS"},
    {100, "CS_ERR_SECURITY"},
};

TEST(CsStrerror, EveryResultHasItsNameAndNoOtherNumberHasOne) {
  for (int code = -200; code <= 200; ++code) {
    const auto named = kNames.find(code);
    EXPECT_EQ(our_name(code), named != kNames.end() ? named->second : "unknown error") << code;
  }
}

TEST(CsStrerror, FarNumbersAreUnknown) {
  EXPECT_EQ(our_name(INT_MIN), "unknown error");
  EXPECT_EQ(our_name(INT_MAX), "unknown error");
}

TEST(QbToCsError, SuccessAndSomeErrors) {
  EXPECT_EQ(qb_to_cs_error(0), CS_OK);
  EXPECT_EQ(qb_to_cs_error(INT_MAX), CS_OK);
  EXPECT_EQ(qb_to_cs_error(-EAGAIN), CS_ERR_TRY_AGAIN);
  EXPECT_EQ(qb_to_cs_error(-ENOTCONN), CS_ERR_LIBRARY);
  EXPECT_EQ(qb_to_cs_error(INT_MIN), CS_ERR_LIBRARY);
}

TEST(HdbErrorToCs, EveryNumber) {
  const std::map<int, cs_error_t> listed = {{0, CS_OK},
                                            {-EBADF, CS_ERR_BAD_HANDLE},
                                            {-ENOMEM, CS_ERR_NO_MEMORY},
                                            {-EMFILE, CS_ERR_NO_RESOURCES},
                                            {-EACCES, CS_ERR_ACCESS}};
  for (int result = -200; result <= 200; ++result) {
    const auto known = listed.find(result);
    EXPECT_EQ(hdb_error_to_cs(result), known != listed.end() ? known->second : CS_ERR_LIBRARY)
        << result;
  }
}

// The distribution's library, loaded beside ours.
class StockComparison : public testing::Test {
 protected:
  void SetUp() override {
    std::stringstream folders(CorosyncDaemon::stock_library_path());
    for (std::string folder; std::getline(folders, folder, ':');) {
      const std::string path = folder + "/libcorosync_common.so.4";
      if (std::filesystem::exists(path)) stock_ = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    }
    if (stock_ == nullptr) return skip_or_fail("no library in " + CorosyncDaemon::root());
    ASSERT_NE(::dlsym(stock_, "cs_strerror"), ::dlsym(RTLD_DEFAULT, "cs_strerror"));
  }

  void compare(const char* function) {
    const auto theirs = reinterpret_cast<ResultOf>(::dlsym(stock_, function));
    const auto ours = reinterpret_cast<ResultOf>(::dlsym(RTLD_DEFAULT, function));
    ASSERT_NE(theirs, nullptr);
    ASSERT_NE(ours, nullptr);
    for (int result = -200; result <= 200; ++result)
      EXPECT_EQ(ours(result), theirs(result)) << result;
    for (const int far : {INT_MIN, INT_MIN + 1, INT_MAX}) EXPECT_EQ(ours(far), theirs(far)) << far;
  }

  void* stock_ = nullptr;  // stays loaded until the program ends
};

TEST_F(StockComparison, CsStrerror) {
  for (int code = -200; code <= 200; ++code) {
    EXPECT_EQ(our_name(code), std::string(name_of(stock_)(code))) << code;
  }
}

TEST_F(StockComparison, QbToCsError) { compare("qb_to_cs_error"); }
TEST_F(StockComparison, HdbErrorToCs) { compare("hdb_error_to_cs"); }

}  // namespace
}  // namespace cs::test
