// SPDX-License-Identifier: BSD-3-Clause
// A libqb connection is made in two steps: the listener's credentials are checked before libqb
// opens files whose names the listener chooses, and the wait for the listener has a limit.
#include "ipc/handshake.h"

#include <cerrno>
#include <poll.h>
#include <utility>

#include "common/status.h"
#include "ipc/in_flight.h"
#include "ipc/socket_guard.h"
#include "ipc/trust.h"

namespace cs::ipc {
namespace {

// Whether the listener has answered before the deadline. The half-made connection is in the
// thread's record, so that it is not lost if the thread vanishes here.
bool wait_for_answer(int fd, Deadline deadline) noexcept {
  for (;;) {
    pollfd event{.fd = fd, .events = POLLIN, .revents = 0};
    Opening opening;
    const int ready = ::poll(&event, 1, deadline.poll_timeout(monotonic_now()));
    const int error = errno;
    if (!opening.close()) return false;
    if (ready > 0) return true;
    if (ready < 0 && error != EINTR) return false;
    if (deadline.has_passed(monotonic_now())) return false;
  }
}

// Whether libqb's socket() has failed, not its connect(): only then has it closed descriptor 0.
bool lacks_socket(int error) noexcept {
  return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

// A connection after the first of the two steps; it is in this thread's record.
class HalfConnection {
 public:
  // Null, with errno, when nobody listens, or descriptors have run out.
  HalfConnection(const char* service, std::size_t message_size) noexcept {
    SocketGuard guard;
    if (!guard.prepare(1)) return;
    in_flight.half_fd = -1;
    in_flight.half = qb_ipcc_connect_async(service, message_size, &in_flight.half_fd);
    if (in_flight.half == nullptr && lacks_socket(errno)) guard.put_back();
  }
  HalfConnection(const HalfConnection&) = delete;
  HalfConnection& operator=(const HalfConnection&) = delete;
  ~HalfConnection() { drop_half_connection(); }

  [[nodiscard]] explicit operator bool() const noexcept { return in_flight.half != nullptr; }
  [[nodiscard]] int fd() const noexcept { return in_flight.half_fd; }

  // Whatever the outcome, libqb owns the descriptor from here on. On failure it has freed
  // everything; with the socket transport it has closed descriptor 0 as well. Some versions report
  // a failure by a number above 0.
  [[nodiscard]] Result<Shaken> complete() noexcept {
    SocketGuard guard;
    // With the last descriptors in use there is no guard; with shared memory libqb needs none here.
    [[maybe_unused]] const bool is_guarded = guard.prepare(2);
    const Shaken shaken{std::exchange(in_flight.half, nullptr), in_flight.half_fd};
    const int result = qb_ipcc_connect_continue(shaken.connection);
    if (result == 0) return shaken;
    guard.put_back();
    errno = result < 0 ? -result : EIO;
    return result < 0 ? status_from_qb(result) : CS_ERR_LIBRARY;
  }
};

Result<Shaken> fail(int error) noexcept {
  errno = error;
  return status_from_errno(error);
}

}  // namespace

Result<Shaken> shake_hands(const char* service, std::size_t message_size,
                           Deadline deadline) noexcept {
  HalfConnection half(service, message_size);
  if (!half) return fail(errno);
  if (!listener_is_trusted(half.fd())) return fail(EACCES);
  if (!wait_for_answer(half.fd(), deadline)) return fail(EAGAIN);
  return half.complete();
}

}  // namespace cs::ipc
