// SPDX-License-Identifier: BSD-3-Clause
// Fuzz target: what the supervisor reads out of a quorum event, whatever bytes the daemon sends.
#include "sam/supervisor/quorum_client.h"

#include "message.h"
#include "wire/quorum.h"

namespace {

using cs::fuzz::require;
namespace wire = cs::wire::quorum;

// What the event says, read another way than the decoder does.
template <typename T>
T field(std::span<const std::byte> message, std::size_t offset) {
  T value;
  std::memcpy(&value, message.data() + offset, sizeof(value));
  return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cs::fuzz::Message message(cs::fuzz::input(data, size));
  const auto bytes = message.bytes();
  const auto verdict = cs::sam::decode_quorum_event(bytes);
  require(message.holds(cs::fuzz::input(data, size)));
  if (!verdict) {
    require(verdict.status() == CS_ERR_MESSAGE_ERROR);
  } else if (*verdict) {
    const auto entries = field<std::uint32_t>(bytes, 40);
    require(message.header().id == wire::QuorumEvent::kId);
    require(entries <= wire::kMaxEntries && bytes.size() == 48 + 4 * std::size_t{entries});
    require(**verdict == (field<std::int32_t>(bytes, 24) != 0));
  } else {
    require(message.header().id != wire::QuorumEvent::kId);
  }
  return 0;
}
