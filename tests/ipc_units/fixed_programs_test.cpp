// SPDX-License-Identifier: BSD-3-Clause
// Programs that are linked for a fixed address. GNU ld leaves their table of exported symbols empty
// when they export nothing, or has imported functions in it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace cs::test {
namespace {

// Whether it can jump.
int ask(const std::string& program) {
  const int status = std::system((CS_FIXED_PROGRAM + program).c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(FixedProgram, ThatCallsSiglongjmpCanJump) { EXPECT_EQ(ask("calls"), 1); }

TEST(FixedProgram, ThatCallsItFortifiedCanJump) { EXPECT_EQ(ask("fortified"), 1); }

TEST(FixedProgram, ThatTakesTheAddressOfSiglongjmpCanJump) { EXPECT_EQ(ask("points"), 1); }

TEST(FixedProgram, WithTheOldTableOfSymbolsCanJump) { EXPECT_EQ(ask("sysv"), 1); }

TEST(FixedProgram, ThatDoesNotReferToItCannot) { EXPECT_EQ(ask("plain"), 0); }

}  // namespace
}  // namespace cs::test
