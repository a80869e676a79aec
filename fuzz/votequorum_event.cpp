// SPDX-License-Identifier: BSD-3-Clause
// Fuzz target: what libvotequorum reads out of an event, whatever bytes the daemon sends.
#include "votequorum/events.h"

#include "message.h"

namespace {

using cs::fuzz::ends_message;
using cs::fuzz::require;
namespace vq = cs::votequorum;
namespace wire = cs::wire::votequorum;

// Each kind of event: its number, and its list inside the message and within the protocol's limit.
class Check {
 public:
  Check(std::int32_t id, std::span<const std::byte> message) : id_(id), message_(message) {}

  void operator()(const vq::UnknownEvent&) const {
    require(id_ != wire::QuorumEvent::kId && id_ != wire::ExpectedVotesEvent::kId &&
            id_ != wire::NodelistEvent::kId && id_ != wire::ExtraInfoEvent::kId);
  }
  void operator()(const vq::QuorumState& event) const {
    require(id_ == wire::QuorumEvent::kId);
    require(event.nodes.size() <= wire::kMaxEntries && ends_message(event.nodes, message_));
  }
  void operator()(const vq::ExpectedVotes&) const {
    require(id_ == wire::ExpectedVotesEvent::kId);
    require(message_.size() == sizeof(wire::ExpectedVotesEvent));
  }
  void operator()(const vq::Nodelist& event) const {
    require(id_ == wire::NodelistEvent::kId);
    require(event.nodes.size() <= wire::kMaxEntries && ends_message(event.nodes, message_));
  }
  void operator()(const vq::ExtraInfo& event) const {
    require(id_ == wire::ExtraInfoEvent::kId);
    require(event.data.size() <= wire::kMaxExtraInfo && ends_message(event.data, message_));
  }

 private:
  const std::int32_t id_;
  const std::span<const std::byte> message_;
};

void decode(cs::fuzz::Message message) {
  cs::fuzz::Message before(message.bytes());
  const auto event = vq::decode_event(message.bytes());
  require(before.holds(message.bytes()));
  if (!event) {
    require(event.status() == CS_ERR_MESSAGE_ERROR);
    return;
  }
  // Of an unknown event only the header need be there.
  require(std::holds_alternative<vq::UnknownEvent>(*event) ||
          static_cast<std::size_t>(message.header().size) == message.bytes().size());
  std::visit(Check(message.header().id, message.bytes()), *event);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  decode(cs::fuzz::Message(cs::fuzz::input(data, size)));
  cs::fuzz::Message truthful(cs::fuzz::input(data, size));
  truthful.correct_size();
  decode(std::move(truthful));
  return 0;
}
