// SPDX-License-Identifier: BSD-3-Clause
// Requests as they are sent, byte for byte (sizes and offsets are checked where they are declared).
#include "wire/votequorum.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include "support/votequorum_messages.h"

namespace cs::wire::votequorum {
namespace {

template <typename Request>
std::vector<std::uint32_t> words_of(Request request) {
  request.header.id = Request::kId;
  request.header.size = sizeof(request);
  std::vector<std::uint32_t> words(sizeof(request) / 4);
  std::memcpy(words.data(), &request, sizeof(request));
  return words;
}

using test::halves;
using Words = std::vector<std::uint32_t>;

// As a real client sent it.
TEST(TrackStartRequest, Bytes) {
  const auto context = halves(0x1122334455667788);
  EXPECT_EQ(words_of(TrackStartRequest{.context = 0x1122334455667788, .track_flags = 1}),
            (Words{3, 0, 0x20, 0, context[0], context[1], 1, 0}));
}

TEST(GetInfoRequest, Bytes) {
  EXPECT_EQ(words_of(GetInfoRequest{.node_id = 9}), (Words{0, 0, 24, 0, 9, 0}));
}

TEST(SetVotesRequest, Bytes) {
  EXPECT_EQ(words_of(SetVotesRequest{.votes = 2, .node_id = 9}), (Words{2, 0, 24, 0, 2, 9}));
}

TEST(QdevicePollRequest, Bytes) {
  QdevicePollRequest request{.cast_vote = 1, .ring_id = {.node_id = 3, .sequence = 0x500000004}};
  request.name[0] = 'Q';
  Words words = words_of(request);
  ASSERT_EQ(words.size(), 74U);
  EXPECT_EQ(words[4], std::bit_cast<std::uint32_t>(std::array{'Q', '\0', '\0', '\0'}));
  for (std::size_t i = 5; i < 68; ++i) EXPECT_EQ(words[i], 0U) << i;
  const auto sequence = halves(0x500000004);
  EXPECT_EQ(Words(words.begin() + 68, words.end()), (Words{1, 0, 3, 0, sequence[0], sequence[1]}));
}

TEST(Requests, NumbersAreTheProtocols) {
  EXPECT_EQ(SetExpectedRequest::kId, 1);
  EXPECT_EQ(TrackStopRequest::kId, 4);
  EXPECT_EQ(QdeviceRegisterRequest::kId, 5);
  EXPECT_EQ(QdeviceUnregisterRequest::kId, 6);
  EXPECT_EQ(QdeviceUpdateRequest::kId, 7);
  EXPECT_EQ(QdeviceMasterWinsRequest::kId, 9);
  EXPECT_EQ(SetExtraInfoRequest::kId, 10);
  EXPECT_EQ(GetExtraInfoRequest::kId, 11);
}

}  // namespace
}  // namespace cs::wire::votequorum
