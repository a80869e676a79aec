// SPDX-License-Identifier: BSD-3-Clause
// Whom a client believes, as users read in its namespace.
#include "ipc/trust.h"

#include <gtest/gtest.h>

#include <cstring>
#include <sys/socket.h>
#include <unistd.h>

namespace cs::ipc {
namespace {

constexpr uid_t kUnknown = 65534;
constexpr uid_t kEffective = 1001;
constexpr uid_t kReal = 1002;

constinit uid_t g_listener = 0;

}  // namespace
}  // namespace cs::ipc

// In place of libc's: a program that was started with another user's rights, and whoever listens.
extern "C" uid_t geteuid() noexcept { return cs::ipc::kEffective; }
extern "C" uid_t getuid() noexcept { return cs::ipc::kReal; }
extern "C" int getsockopt(int, int, int, void* value, socklen_t*) noexcept {
  const ucred listener{.pid = 1, .uid = cs::ipc::g_listener, .gid = 0};
  std::memcpy(value, &listener, sizeof(listener));
  return 0;
}

namespace cs::ipc {
namespace {

// As with files: what it may do is what the user may whose rights it has.
TEST(Trust, OneselfIsTheEffectiveUser) {
  g_listener = kEffective;
  EXPECT_TRUE(listener_is_trusted(0));
  g_listener = kReal;
  EXPECT_FALSE(listener_is_trusted(0));
  g_listener = 0;
  EXPECT_TRUE(listener_is_trusted(0));
}

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
