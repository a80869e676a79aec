// SPDX-License-Identifier: BSD-3-Clause
// Making a libqb connection without trusting whoever answers and without waiting for ever.
#ifndef CS_IPC_HANDSHAKE_H
#define CS_IPC_HANDSHAKE_H

#include <cstddef>

#include <qb/qbipcc.h>

#include "common/clock.h"
#include "common/result.h"

namespace cs::ipc {

// Returns a connection that the caller must disconnect. Errors as Connection::connect; errno is
// that of the failure.
[[nodiscard]] Result<qb_ipcc_connection_t*> shake_hands(const char* service,
                                                        std::size_t message_size,
                                                        Deadline deadline) noexcept;

}  // namespace cs::ipc

#endif
