// SPDX-License-Identifier: BSD-3-Clause
// Whom a client believes, as users read in its namespace.
#include "ipc/trust.h"

#include <gtest/gtest.h>

namespace cs::ipc {
namespace {

constexpr uid_t kUnknown = 65534;

TEST(Trust, FirstNamespaceTrustsRootAndOneself) {
  constexpr Users kUsers{.own = 1000, .system_root = 0, .unknown = kUnknown};
  EXPECT_TRUE(is_trusted(0, kUsers));
  EXPECT_TRUE(is_trusted(1000, kUsers));
  EXPECT_FALSE(is_trusted(1001, kUsers));
  EXPECT_FALSE(is_trusted(kUnknown, kUsers));  // the user "nobody"
}

TEST(Trust, NamespaceWithoutTheRootOfTheFirstTrustsTheUnknown) {
  constexpr Users kUsers{.own = 0, .system_root = kUnknown, .unknown = kUnknown};
  EXPECT_TRUE(is_trusted(0, kUsers));
  EXPECT_TRUE(is_trusted(kUnknown, kUsers));
  EXPECT_FALSE(is_trusted(1, kUsers));
}

// The first namespace's root has a number here: who has none, is not it.
TEST(Trust, NamespaceThatKnowsThatRootTrustsNoUnknown) {
  EXPECT_FALSE(is_trusted(kUnknown, {.own = 1000, .system_root = 5, .unknown = kUnknown}));
  EXPECT_FALSE(is_trusted(kUnknown, {.own = 0, .system_root = 0, .unknown = kUnknown}));
}

}  // namespace
}  // namespace cs::ipc
