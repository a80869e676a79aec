// SPDX-License-Identifier: BSD-3-Clause
// The checks that every message passes. Pure: bytes in, verdict out.
#include "ipc/reply.h"

#include <cstring>

#include "wire/header.h"

namespace cs::ipc {

bool is_well_formed(std::span<const std::byte> message) noexcept {
  const auto header = wire::read_front<wire::ResponseHeader>(message);
  return header && static_cast<std::size_t>(header->size) == message.size();
}

cs_error_t accept_reply(std::span<const std::byte> message, const ExpectedReply& slot) noexcept {
  if (!is_well_formed(message)) return CS_ERR_MESSAGE_ERROR;
  const wire::ResponseHeader header = *wire::read_front<wire::ResponseHeader>(message);
  // A bare header with id 0 may bring an error in place of any answer.
  const bool bare_error =
      header.id == 0 && message.size() == sizeof(header) && header.error != CS_OK;
  if (header.id != slot.id && !bare_error) return CS_ERR_MESSAGE_ERROR;
  // All results lie between these, and the caller's enum holds no others.
  if (header.error < CS_OK || header.error > CS_ERR_SECURITY) return CS_ERR_MESSAGE_ERROR;
  if (header.error != CS_OK) return static_cast<cs_error_t>(header.error);
  if (message.size() < slot.min_size || message.size() > slot.into.size()) {
    return CS_ERR_MESSAGE_ERROR;
  }
  std::memcpy(slot.into.data(), message.data(), message.size());
  return CS_OK;
}

}  // namespace cs::ipc
