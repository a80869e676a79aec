// SPDX-License-Identifier: BSD-3-Clause
// One connection to a service of the daemon: sending, waiting for answers, checking them.
#include "ipc/connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/status.h"
#include "ipc/handshake.h"

namespace cs::ipc {
namespace {

// What to ask libqb for: several times the largest message of the three services. Each connection
// has three rings of this size, in memory that the daemon locks.
constexpr std::size_t kMessageSize = 64 * 1024;

// libqb notices the daemon's death only between two waits for an answer, so no wait is longer.
constexpr int kLongestSleepMs = 50;

// Processors may be taken from us while we run; looked at once in so many requests.
constexpr unsigned kProcessorCheckInterval = 1024;

// How many processors we and the daemon have between us. A client bound to one processor still
// gains by spinning if the daemon runs on another.
int usable_processors(pid_t daemon) noexcept {
  cpu_set_t ours;
  cpu_set_t theirs;
  // Fails when there are more processors than a cpu_set_t has room for, or the daemon's pid is not
  // visible here. Then there may well be several; the budget finds out.
  if (::sched_getaffinity(0, sizeof(ours), &ours) != 0) return CPU_SETSIZE;
  if (daemon <= 0 || ::sched_getaffinity(daemon, sizeof(theirs), &theirs) != 0) return CPU_SETSIZE;
  CPU_OR(&ours, &ours, &theirs);
  return CPU_COUNT(&ours);
}

pid_t daemon_pid(qb_ipcc_connection_t* connection) noexcept {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  return qb_ipcc_auth_get(connection, &pid, &uid, &gid) == 0 ? pid : 0;
}

// No answer yet, as against an answer or the end of the connection.
bool nothing_came(ssize_t result) noexcept { return result == -ETIMEDOUT || result == -EAGAIN; }

// Every other failure may be one to wake the daemon for a request that it can see already, and will
// answer some time.
bool was_not_sent(ssize_t result) noexcept {
  return result == -EAGAIN || result == -EMSGSIZE || result == -ENOTCONN;
}

}  // namespace

Result<HeapPtr<Connection>> Connection::connect(const char* service, Deadline deadline) noexcept {
  UniqueFd cancel(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!cancel) return status_from_errno(errno);
  auto raw = shake_hands(service, kMessageSize, deadline);
  // A signal came; nothing is left of the attempt.
  while (raw.error() == CS_ERR_INTERRUPT && !deadline.has_passed(monotonic_now())) {
    raw = shake_hands(service, kMessageSize, deadline);
  }
  if (!raw) return raw.error() == CS_ERR_INTERRUPT ? CS_ERR_TRY_AGAIN : raw.error();

  // libqb may have chosen more than was asked for, and believes that buffers are as large.
  const int negotiated = qb_ipcc_get_buffer_size(*raw);
  const std::size_t size = negotiated > 0 ? static_cast<std::size_t>(negotiated) : kMessageSize;
  HeapBytes reply_buffer = make_heap_bytes(size);
  HeapBytes event_buffer = make_heap_bytes(size);
  HeapPtr<Connection> connection;
  if (reply_buffer && event_buffer) {
    connection = make_heap<Connection>(*raw, std::move(reply_buffer), std::move(event_buffer), size,
                                       std::move(cancel));
  }
  if (connection) return connection;
  qb_ipcc_disconnect(*raw);
  errno = ENOMEM;
  return CS_ERR_NO_MEMORY;
}

Connection::Connection(qb_ipcc_connection_t* connection, HeapBytes reply_buffer,
                       HeapBytes event_buffer, std::size_t buffer_size, UniqueFd cancel) noexcept
    : connection_(connection),
      owner_(::getpid()),
      daemon_(daemon_pid(connection)),
      buffer_size_(buffer_size),
      cancel_(std::move(cancel)),
      reply_buffer_(std::move(reply_buffer)),
      event_buffer_(std::move(event_buffer)) {}

Connection::~Connection() {
  if (::getpid() == owner_) {
    qb_ipcc_disconnect(connection_);
  } else if (const auto descriptor = fd()) {
    ::close(*descriptor);
  }
}

cs_error_t Connection::exchange(std::span<const std::byte> request, const ReplySlot& slot,
                                Deadline deadline) noexcept {
  const MutexLock lock(request_mutex_);
  if (out_of_step_) return CS_ERR_LIBRARY;
  if (const cs_error_t status = discard_late_replies(deadline); status != CS_OK) return status;

  const iovec part{.iov_base = const_cast<std::byte*>(request.data()), .iov_len = request.size()};
  if (const ssize_t sent = qb_ipcc_sendv(connection_, &part, 1); sent < 0) {
    if (was_not_sent(sent)) return status_from_qb(sent);
    out_of_step_ = true;
    return CS_ERR_LIBRARY;
  }
  const ssize_t received = receive_reply(deadline);
  if (received < 0) {
    ++late_replies_;
    return status_from_qb(received);
  }
  return accept_reply({reply_buffer_.get(), static_cast<std::size_t>(received)}, slot);
}

// Answers carry no number; what is owed to callers who have left must be taken first.
cs_error_t Connection::discard_late_replies(Deadline deadline) noexcept {
  for (; late_replies_ > 0; --late_replies_) {
    const ssize_t received = sleep_for_reply(deadline);
    if (received < 0) return status_from_qb(received);
  }
  return CS_OK;
}

ssize_t Connection::receive_reply(Deadline deadline) noexcept {
  if (requests_++ % kProcessorCheckInterval == 0) {
    spin_.set_processors(usable_processors(daemon_));
  }
  // What is slow there is the processor, not the waking: not even the clock is looked at.
  if (spin_.is_alone()) return sleep_for_reply(deadline);

  const Nanoseconds sent = monotonic_now();
  const Nanoseconds budget = spin_.next(sent);
  if (budget > 0) {
    const ssize_t received = spin_for_reply(sent + budget);
    if (!nothing_came(received)) return received;
  }
  const ssize_t received = sleep_for_reply(deadline);
  spin_.record_miss(monotonic_now(), budget > 0);
  return received;
}

ssize_t Connection::spin_for_reply(Nanoseconds end) noexcept {
  for (;;) {
    const ssize_t received = qb_ipcc_recv(connection_, reply_buffer_.get(), buffer_size_, 0);
    const Nanoseconds now = monotonic_now();
    if (!nothing_came(received)) {
      spin_.record_hit(now);
      return received;
    }
    if (now >= end) return received;
  }
}

ssize_t Connection::sleep_for_reply(Deadline deadline) noexcept {
  for (;;) {
    const int left = deadline.is_never() ? kLongestSleepMs : deadline.poll_timeout(monotonic_now());
    const int wait = std::min(left, kLongestSleepMs);
    const ssize_t received = qb_ipcc_recv(connection_, reply_buffer_.get(), buffer_size_, wait);
    if (!nothing_came(received)) return received;
    if (deadline.has_passed(monotonic_now())) return received;
  }
}

Result<std::size_t> Connection::next_event(std::span<std::byte> into) noexcept {
  const MutexLock lock(event_mutex_);
  const ssize_t received = qb_ipcc_event_recv(connection_, event_buffer_.get(), buffer_size_, 0);
  if (received < 0) return status_from_qb(received);
  const std::span<const std::byte> event(event_buffer_.get(), static_cast<std::size_t>(received));
  if (!is_well_formed(event)) return CS_ERR_MESSAGE_ERROR;
  const std::size_t taken =
      event.size() <= into.size() ? event.size() : sizeof(wire::ResponseHeader);
  std::memcpy(into.data(), event.data(), taken);
  return taken;
}

cs_error_t Connection::wait_event(Deadline deadline) noexcept {
  const auto descriptor = fd();
  if (!descriptor) return descriptor.error();
  for (;;) {
    pollfd events[] = {{.fd = *descriptor, .events = POLLIN, .revents = 0},
                       {.fd = cancel_.get(), .events = POLLIN, .revents = 0}};
    const int ready = ::poll(events, 2, deadline.poll_timeout(monotonic_now()));
    if (ready < 0 && errno != EINTR) return status_from_errno(errno);
    if (ready > 0) return events[1].revents != 0 ? CS_ERR_BAD_HANDLE : CS_OK;
    if (deadline.has_passed(monotonic_now())) return CS_ERR_TRY_AGAIN;
  }
}

void Connection::cancel() noexcept {
  // The counter is shared across a fork: a child that lets go must not end its parent's waits.
  if (::getpid() != owner_) return;
  const std::uint64_t one = 1;
  // Can only fail when the counter is full, and then it is readable all the same.
  [[maybe_unused]] const ssize_t written = ::write(cancel_.get(), &one, sizeof(one));
}

Result<int> Connection::fd() noexcept {
  int descriptor = -1;
  const int result = qb_ipcc_fd_get(connection_, &descriptor);
  if (result < 0) return status_from_qb(result);
  return descriptor;
}

}  // namespace cs::ipc
