// SPDX-License-Identifier: BSD-3-Clause
// Answers on the shelf: each to its owner, once.
#include "ipc/kept_replies.h"

#include <gtest/gtest.h>

#include <array>
#include <string_view>

namespace cs::ipc {
namespace {

class RepliesKept : public testing::Test {
 protected:
  void keep(std::uint64_t ticket, std::string_view text) {
    kept_.keep(ticket, std::as_bytes(std::span(text)));
  }
  std::string_view take(std::uint64_t ticket) {
    const std::size_t size = kept_.take(ticket, buffer_.data());
    return {reinterpret_cast<const char*>(buffer_.data()), size};
  }

  KeptReplies kept_;
  std::array<std::byte, 16> buffer_{};
};

TEST_F(RepliesKept, EachIsTakenOnceInAnyOrder) {
  keep(1, "one");
  keep(2, "second");
  keep(3, "three");
  EXPECT_EQ(take(2), "second");
  EXPECT_EQ(take(2), "");
  EXPECT_EQ(take(3), "three");
  EXPECT_EQ(take(1), "one");
  EXPECT_EQ(take(1), "");
}

TEST_F(RepliesKept, ForgottenIsGone) {
  keep(1, "one");
  keep(2, "two");
  kept_.forget(1);
  kept_.forget(7);
  EXPECT_EQ(take(1), "");
  EXPECT_EQ(take(2), "two");
}

TEST_F(RepliesKept, WhatNobodyTookIsFreed) { keep(1, "one"); }  // leaks are found by sanitizers

}  // namespace
}  // namespace cs::ipc
