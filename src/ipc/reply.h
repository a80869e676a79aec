// SPDX-License-Identifier: BSD-3-Clause
// What a message of the daemon must look like before anything in it is trusted.
#ifndef CS_IPC_REPLY_H
#define CS_IPC_REPLY_H

#include <cstddef>
#include <cstdint>
#include <span>

#include <corosync/corotypes.h>

namespace cs::ipc {

// What an answer must look like, and where it goes: at least min_size bytes, at most into.size().
struct ExpectedReply {
  std::int32_t id;
  std::size_t min_size;
  std::span<std::byte> into;
};

// True for a message that is not shorter than its header, and as long as that says.
[[nodiscard]] bool is_well_formed(std::span<const std::byte> message) noexcept;

// Copies an answer that matches the request. Errors: the code in its header; CS_ERR_MESSAGE_ERROR
// when the message is not well formed, its id or length is not the expected one, or its code is not
// a known one. Nothing is written on an error.
[[nodiscard]] cs_error_t accept_reply(std::span<const std::byte> message,
                                      const ExpectedReply& slot) noexcept;

}  // namespace cs::ipc

#endif
