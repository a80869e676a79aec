// SPDX-License-Identifier: BSD-3-Clause
// The requests of a votequorum client, one line each where the answer is a status.
#include "votequorum/client.h"

#include <cstring>

#include "wire/votequorum.h"

namespace cs::votequorum {
namespace {

namespace wire = cs::wire::votequorum;

// Long enough for a busy daemon; a hung one must not block its clients for ever.
constexpr std::int64_t kConnectTimeoutMs = 5'000;

static_assert(sizeof(votequorum_info::qdevice_name) == sizeof(wire::GetInfoReply::qdevice_name));

void copy_info(const wire::GetInfoReply& reply, votequorum_info& info) noexcept {
  info.node_id = reply.node_id;
  info.node_state = reply.node_state;
  info.node_votes = reply.node_votes;
  info.node_expected_votes = reply.node_expected_votes;
  info.highest_expected = reply.highest_expected;
  info.total_votes = reply.total_votes;
  info.quorum = reply.quorum;
  info.flags = reply.flags;
  info.qdevice_votes = reply.qdevice_votes;
  std::memcpy(info.qdevice_name, reply.qdevice_name.data(), sizeof(info.qdevice_name));
}

}  // namespace

Result<HeapPtr<Client>> Client::create(const Callbacks& callbacks) noexcept {
  auto connection =
      ipc::Connection::connect("votequorum", Deadline::in_milliseconds(kConnectTimeoutMs));
  if (!connection) return connection.status();
  auto client = make_heap<Client>(std::move(*connection), callbacks);
  if (!client) return CS_ERR_NO_MEMORY;
  return client;
}

cs_error_t Client::get_info(std::uint32_t node_id, votequorum_info& info) noexcept {
  const auto reply = connection_->call(wire::GetInfoRequest{.node_id = node_id});
  if (!reply) return reply.status();
  if (!is_terminated((*reply).qdevice_name)) return CS_ERR_MESSAGE_ERROR;
  copy_info(*reply, info);
  return CS_OK;
}

cs_error_t Client::set_expected(std::uint32_t expected_votes) noexcept {
  return call(wire::SetExpectedRequest{.expected_votes = expected_votes});
}

cs_error_t Client::set_votes(std::uint32_t node_id, std::uint32_t votes) noexcept {
  return call(wire::SetVotesRequest{.votes = votes, .node_id = node_id});
}

cs_error_t Client::track_start(std::uint64_t context, std::uint32_t flags) noexcept {
  return call(wire::TrackStartRequest{.context = context, .track_flags = flags});
}

cs_error_t Client::track_stop() noexcept { return call(wire::TrackStopRequest{}); }

// Waits without limit, like all requests here: closing the connection before this answer would make
// the daemon use freed memory.
cs_error_t Client::qdevice_register(const DeviceName& name) noexcept {
  return call(wire::QdeviceRegisterRequest{.name = name});
}

cs_error_t Client::qdevice_unregister(const DeviceName& name) noexcept {
  return call(wire::QdeviceUnregisterRequest{.name = name});
}

cs_error_t Client::qdevice_update(const DeviceName& old_name, const DeviceName& new_name) noexcept {
  return call(wire::QdeviceUpdateRequest{.old_name = old_name, .new_name = new_name});
}

cs_error_t Client::qdevice_poll(const DeviceName& name, bool cast_vote,
                                const votequorum_ring_id_t& ring_id) noexcept {
  return call(
      wire::QdevicePollRequest{.name = name,
                               .cast_vote = cast_vote ? 1 : 0,
                               .ring_id = {.node_id = ring_id.nodeid, .sequence = ring_id.seq}});
}

cs_error_t Client::qdevice_master_wins(const DeviceName& name, bool allow) noexcept {
  return call(wire::QdeviceMasterWinsRequest{.name = name, .allow = allow ? 1U : 0U});
}

cs_error_t Client::set_extra_info(std::span<const std::byte> data) noexcept {
  if (data.size() > wire::kMaxExtraInfo) return CS_ERR_INVALID_PARAM;
  wire::SetExtraInfoRequest message;
  message.length = static_cast<std::uint32_t>(data.size());
  message.header.size =
      static_cast<std::int32_t>(sizeof(message) - wire::kMaxExtraInfo + data.size());
  if (!data.empty()) std::memcpy(message.data, data.data(), data.size());
  return call(message);
}

cs_error_t Client::get_extra_info(std::uint32_t node_id, std::uint32_t& size,
                                  std::byte* data) noexcept {
  const auto reply = connection_->call(wire::GetExtraInfoRequest{.node_id = node_id});
  if (!reply) return reply.status();
  const wire::GetExtraInfoReply& answer = *reply;
  const std::size_t stored = answer.length;
  // No reply longer than its struct is accepted, so this bounds what is stored as well.
  if (static_cast<std::size_t>(answer.header.size) != wire::GetExtraInfoReply::kMinSize + stored) {
    return CS_ERR_MESSAGE_ERROR;
  }
  if (stored > 0) std::memcpy(data, answer.data, stored);
  size = answer.length;
  return CS_OK;
}

}  // namespace cs::votequorum
