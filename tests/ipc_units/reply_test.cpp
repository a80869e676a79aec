// SPDX-License-Identifier: BSD-3-Clause
// The checks that a reply passes before it reaches a caller.
#include "ipc/reply.h"

#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "wire/header.h"

namespace cs::ipc {
namespace {

constexpr std::int32_t kId = 6;
constexpr std::size_t kMinSize = 32;
constexpr std::byte kUntouched{0xa5};

// A reply of `size` bytes with a header that is true unless a test changes it.
struct Reply {
  wire::ResponseHeader header;
  std::size_t size;

  explicit Reply(std::size_t length) : size(length) {
    header.id = kId;
    header.size = static_cast<std::int32_t>(length);
    header.error = CS_OK;
  }

  [[nodiscard]] std::vector<std::byte> bytes() const {
    std::vector<std::byte> message(size, std::byte{7});
    const std::size_t copied = std::min(size, sizeof(header));
    if (copied != 0) std::memcpy(message.data(), &header, copied);
    return message;
  }
};

// Accepts replies of kMinSize to 40 bytes with the number kId.
class AcceptReply : public testing::Test {
 protected:
  [[nodiscard]] cs_error_t accept(const Reply& reply) {
    return accept_reply(reply.bytes(), {kId, kMinSize, into_});
  }
  [[nodiscard]] bool untouched() const {
    return into_ == std::vector<std::byte>(into_.size(), kUntouched);
  }

  std::vector<std::byte> into_ = std::vector<std::byte>(40, kUntouched);
};

TEST_F(AcceptReply, WhatWasAskedForIsCopied) {
  const Reply reply(36);
  EXPECT_EQ(accept(reply), CS_OK);
  EXPECT_EQ(std::vector(into_.begin(), into_.begin() + 36), reply.bytes());
  EXPECT_EQ(into_[36], kUntouched);
}

TEST_F(AcceptReply, ShorterThanTheLeastOrLongerThanTheRoomIsRefused) {
  for (const std::size_t size : {kMinSize - 1, sizeof(wire::ResponseHeader), std::size_t{41}}) {
    EXPECT_EQ(accept(Reply(size)), CS_ERR_MESSAGE_ERROR) << size;
  }
  EXPECT_TRUE(untouched());
}

TEST_F(AcceptReply, ShorterThanAHeaderIsRefused) {
  for (std::size_t size = 0; size < sizeof(wire::ResponseHeader); ++size) {
    EXPECT_EQ(accept(Reply(size)), CS_ERR_MESSAGE_ERROR) << size;
  }
}

TEST_F(AcceptReply, LengthFieldThatLiesIsRefused) {
  for (const std::int32_t lie : {-1, 0, 35, 37, INT32_MIN, INT32_MAX}) {
    Reply reply(36);
    reply.header.size = lie;
    EXPECT_EQ(accept(reply), CS_ERR_MESSAGE_ERROR) << lie;
  }
  EXPECT_TRUE(untouched());
}

TEST_F(AcceptReply, AnotherNumberIsRefused) {
  Reply reply(36);
  reply.header.id = kId + 1;
  EXPECT_EQ(accept(reply), CS_ERR_MESSAGE_ERROR);
  EXPECT_TRUE(untouched());
}

TEST_F(AcceptReply, ErrorIsPassedOnAndNothingIsWritten) {
  Reply reply(36);
  reply.header.error = CS_ERR_NOT_EXIST;
  EXPECT_EQ(accept(reply), CS_ERR_NOT_EXIST);
  EXPECT_TRUE(untouched());
}

TEST_F(AcceptReply, BareErrorMayComeInPlaceOfAnyAnswer) {
  Reply reply(sizeof(wire::ResponseHeader));
  reply.header.id = 0;
  reply.header.error = CS_ERR_INVALID_PARAM;
  EXPECT_EQ(accept(reply), CS_ERR_INVALID_PARAM);
}

TEST_F(AcceptReply, BareSuccessIsNoAnswer) {
  Reply reply(sizeof(wire::ResponseHeader));
  reply.header.id = 0;
  EXPECT_EQ(accept(reply), CS_ERR_MESSAGE_ERROR);
}

TEST_F(AcceptReply, CodeThatIsNoneIsRefused) {
  for (const std::int32_t code : {0, -1, INT32_MIN, CS_ERR_SECURITY + 1, 256, INT32_MAX}) {
    Reply reply(36);
    reply.header.error = code;
    EXPECT_EQ(accept(reply), CS_ERR_MESSAGE_ERROR) << code;
  }
  EXPECT_TRUE(untouched());
}

}  // namespace
}  // namespace cs::ipc
