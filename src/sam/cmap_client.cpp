// SPDX-License-Identifier: BSD-3-Clause
// The cmap requests of the supervisor.
#include "sam/cmap_client.h"

#include <cstring>
#include <span>
#include <utility>

#include "wire/cmap.h"

namespace cs::sam {
namespace {

namespace wire = cs::wire::cmap;

cs_error_t set_value(ipc::Connection& connection, std::string_view key, wire::ValueType type,
                     std::span<const std::byte> value, std::size_t value_length,
                     Deadline deadline) noexcept {
  if (key.size() > wire::kMaxNameLength || value_length > wire::SetRequest::kMaxValue ||
      value.size() > value_length) {
    return CS_ERR_INVALID_PARAM;
  }
  wire::SetRequest request;
  request.header.size = static_cast<std::int32_t>(wire::SetRequest::kFixedSize + value_length);
  request.key.assign(key);
  request.type = type;
  request.value_length = value_length;
  if (!value.empty()) std::memcpy(request.value, value.data(), value.size());
  return connection.call(request, deadline).error();
}

}  // namespace

CmapClient::CmapClient(HeapPtr<ipc::Connection> connection) noexcept
    : connection_(std::move(connection)) {}

Result<CmapClient> CmapClient::open(Deadline deadline) noexcept {
  auto connection = ipc::Connection::connect("cmap", deadline);
  if (!connection) return connection.error();
  return CmapClient(std::move(*connection));
}

cs_error_t CmapClient::set(std::string_view key, std::string_view value,
                           Deadline deadline) noexcept {
  // The daemon looks for a NUL behind the value: one is sent with it.
  return set_value(*connection_, key, wire::ValueType::kString, std::as_bytes(std::span(value)),
                   value.size() + 1, deadline);
}

cs_error_t CmapClient::set(std::string_view key, std::uint64_t value, Deadline deadline) noexcept {
  return set_value(*connection_, key, wire::ValueType::kUint64, std::as_bytes(std::span(&value, 1)),
                   sizeof(value), deadline);
}

cs_error_t CmapClient::remove_all(std::string_view prefix, Deadline deadline) noexcept {
  // An empty prefix would stand for the whole map.
  if (prefix.empty() || prefix.size() > wire::kMaxNameLength) return CS_ERR_INVALID_PARAM;
  wire::IterInitRequest init;
  init.prefix.assign(prefix);
  const auto started = connection_->call(init, deadline);
  if (!started) return started.error();
  const std::uint64_t iterator = (*started).iterator;

  // Deleting the key just returned does not disturb the iteration.
  cs_error_t status = CS_OK;
  while (status == CS_OK) {
    const auto next = connection_->call(wire::IterNextRequest{.iterator = iterator}, deadline);
    status = next.error();
    if (!next) break;
    const wire::Key& key = (*next).key;
    if (key.length > wire::kMaxNameLength) return CS_ERR_MESSAGE_ERROR;
    wire::DeleteRequest remove;
    remove.key.assign({key.name, key.length});
    status = connection_->call(remove, deadline).error();
    // Somebody else was faster: the key is gone, as it should be.
    if (status == CS_ERR_NOT_EXIST) status = CS_OK;
  }
  if (status != CS_ERR_NO_SECTIONS) return status;
  return connection_->call(wire::IterFinalizeRequest{.iterator = iterator}, deadline).error();
}

}  // namespace cs::sam
