// SPDX-License-Identifier: BSD-3-Clause
// Requests to the cmap service.
#include "sam/supervisor/cmap_client.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>

namespace cs::sam {
namespace {

wire::cmap::Key make_key(std::string_view name) noexcept {
  wire::cmap::Key key;
  assert(name.size() < sizeof(key.name));
  key.length = static_cast<std::uint16_t>(name.size());
  std::memcpy(key.name, name.data(), name.size());
  return key;
}

}  // namespace

cs_error_t CmapClient::connect(Deadline deadline) noexcept { return open("cmap", deadline); }

void CmapClient::check() noexcept {
  std::byte message[64];  // nothing is tracked, so no event is expected
  if (!is_connected()) return;
  const cs_error_t status = connection().next_event(message).status();
  if (status == CS_ERR_LIBRARY || !connection().is_alive()) drop();
}

// A string counts its NUL, which the daemon looks for.
cs_error_t CmapClient::set(std::string_view key, std::string_view value,
                           Deadline deadline) noexcept {
  std::byte bytes[wire::cmap::kMaxValue] = {};
  assert(value.size() < sizeof(bytes));
  std::memcpy(bytes, value.data(), value.size());
  return set(key, wire::cmap::ValueType::kString, std::span(bytes).first(value.size() + 1),
             deadline);
}

cs_error_t CmapClient::set(std::string_view key, std::uint64_t value, Deadline deadline) noexcept {
  return set(key, wire::cmap::ValueType::kUint64, std::as_bytes(std::span(&value, 1)), deadline);
}

cs_error_t CmapClient::set(std::string_view key, wire::cmap::ValueType type,
                           std::span<const std::byte> value, Deadline deadline) noexcept {
  wire::cmap::SetRequest request{.key = make_key(key), .value_length = value.size(), .type = type};
  std::copy(value.begin(), value.end(), request.value);
  request.header.size =
      static_cast<std::int32_t>(offsetof(wire::cmap::SetRequest, value) + value.size());
  return call(request, deadline).status();
}

cs_error_t CmapClient::delete_all(std::string_view prefix, Deadline deadline) noexcept {
  auto begun = call(wire::cmap::IterInitRequest{.prefix = make_key(prefix)}, deadline);
  if (!begun) return begun.status();
  const cs_error_t status = delete_each(begun->iterator, deadline);
  const auto ended = call(wire::cmap::IterFinalizeRequest{.iterator = begun->iterator}, deadline);
  return status == CS_OK ? ended.status() : status;
}

cs_error_t CmapClient::delete_each(std::uint64_t iterator, Deadline deadline) noexcept {
  // A daemon that always has one more key must not keep us.
  while (!deadline.has_passed(monotonic_now())) {
    auto next = call(wire::cmap::IterNextRequest{.iterator = iterator}, deadline);
    if (!next) return next.status() == CS_ERR_NO_SECTIONS ? CS_OK : next.status();
    wire::cmap::Key key = next->key;
    std::fill(std::begin(key.reserved), std::end(key.reserved), std::uint8_t{0});
    key.name[sizeof(key.name) - 1] = '\0';
    const auto deleted = call(wire::cmap::DeleteRequest{.key = key}, deadline);
    if (!deleted && deleted.status() != CS_ERR_NOT_EXIST) return deleted.status();
  }
  return CS_ERR_TRY_AGAIN;
}

}  // namespace cs::sam
