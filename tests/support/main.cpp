// SPDX-License-Identifier: BSD-3-Clause
// main() of the programs that need private namespaces. As GoogleTest's own, but a program that
// could run none of its cases exits with 77, "skipped" for ctest, instead of 0.
#include <gtest/gtest.h>

int main(int argc, char** argv) {
  constexpr int kSkipped = 77;
  testing::InitGoogleTest(&argc, argv);
  const int status = RUN_ALL_TESTS();
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  if (status == 0 && all.skipped_test_count() > 0 && all.successful_test_count() == 0) {
    return kSkipped;
  }
  return status;
}
