// SPDX-License-Identifier: BSD-3-Clause
// Makes a libqb connection without trusting whoever answers, and without waiting for ever.
#ifndef CS_IPC_HANDSHAKE_H
#define CS_IPC_HANDSHAKE_H

#include <cstddef>

#include <qb/qbipcc.h>

#include "common/clock.h"
#include "common/result.h"

namespace cs::ipc {

// The result; the caller must disconnect it.
struct Shaken {
  qb_ipcc_connection_t* connection;
  int setup_fd;  // libqb's; hangs up when the daemon is gone
};

// Errors as Connection::connect; errno is that of the failure. Call it in a Section. A thread that
// vanishes leaves nothing behind.
[[nodiscard]] Result<Shaken> shake_hands(const char* service, std::size_t message_size,
                                         Deadline deadline) noexcept;

}  // namespace cs::ipc

#endif
