// SPDX-License-Identifier: BSD-3-Clause
// Fuzz target: which replies are accepted. The first byte of an input chooses the request that is
// being answered, the rest is what the daemon sends.
#include "ipc/reply.h"

#include <vector>

#include "message.h"
#include "wire/cmap.h"
#include "wire/votequorum.h"

namespace {

using cs::fuzz::require;

constexpr std::byte kUntouched{0xa5};

bool is_untouched(std::span<const std::byte> memory) {
  static const std::vector<std::byte> pattern(8192, kUntouched);
  return std::memcmp(memory.data(), pattern.data(), memory.size()) == 0;
}

// Memory of exactly the reply's size, so that a byte written past it is seen.
template <typename Reply>
void accept(cs::fuzz::Message& message) {
  std::vector<std::byte> into(sizeof(Reply), kUntouched);
  cs::fuzz::Message before(message.bytes());
  const cs_error_t status =
      cs::ipc::accept_reply(message.bytes(), {Reply::kId, Reply::kMinSize, into});
  require(before.holds(message.bytes()));
  if (status == CS_OK) {
    const std::size_t length = message.bytes().size();
    require(length >= Reply::kMinSize && length <= sizeof(Reply));
    require(message.header().id == Reply::kId && message.header().error == CS_OK);
    require(static_cast<std::size_t>(message.header().size) == length);
    require(message.holds(std::span(into).first(length)));
    require(is_untouched(std::span(into).subspan(length)));
    return;
  }
  require(is_untouched(into));
  require(status > CS_OK && status <= CS_ERR_SECURITY);
  require(status == CS_ERR_MESSAGE_ERROR || status == message.header().error);
}

void accept_as(std::uint8_t kind, cs::fuzz::Message message) {
  switch (kind % 6) {
    case 0:
      return accept<cs::wire::votequorum::Status>(message);
    case 1:
      return accept<cs::wire::votequorum::GetInfoReply>(message);
    case 2:
      return accept<cs::wire::votequorum::GetExtraInfoReply>(message);
    case 3:
      return accept<cs::wire::cmap::IterFinalizeRequest::Reply>(message);
    case 4:
      return accept<cs::wire::cmap::IterInitReply>(message);
    default:
      return accept<cs::wire::cmap::IterNextReply>(message);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  accept_as(data[0], cs::fuzz::Message(cs::fuzz::input(data + 1, size - 1)));
  cs::fuzz::Message truthful(cs::fuzz::input(data + 1, size - 1));
  truthful.correct_size();
  accept_as(data[0], std::move(truthful));
  return 0;
}
