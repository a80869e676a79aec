// SPDX-License-Identifier: BSD-3-Clause
// Events: receiving them, and waiting for them.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>

#include "common/sanitizer.h"
#include "common/status.h"
#include "ipc/connection.h"
#include "ipc/in_flight.h"

namespace cs::ipc {
namespace {

// After this time a thread that waits for the lock lets signals in.
constexpr Nanoseconds kLongestSleep = 10 * kNanosecondsPerMillisecond;

// In a process whose parent still lives nobody can wake a wait: it wakes up by itself.
constexpr int kChildSleepMs = 10;

// A descriptor may be readable in vain because another thread was faster, but not this often in a
// row.
constexpr unsigned kStrayWakes = 3;

}  // namespace

Result<std::span<const std::byte>> Connection::begin_event() noexcept {
  if (!lock_events()) return CS_ERR_INTERRUPT;
  const ssize_t received = qb_ipcc_event_recv(qb_, event_buffer_.get(), buffer_size_, 0);
  cs_error_t status = CS_OK;
  if (received < 0) {
    status = status_from_qb(received);
    if (was_abandoned_) drop_stray_notification();
  } else {
    empty_wakes_ = 0;
    const std::span<const std::byte> event(event_buffer_.get(), static_cast<std::size_t>(received));
    if (is_well_formed(event)) return event;
    status = CS_ERR_MESSAGE_ERROR;
  }
  end_event();
  return status;
}

void Connection::end_event() noexcept {
  event_mutex_.unlock(self());
  in_flight.receiving = nullptr;
}

Result<std::size_t> Connection::next_event(std::span<std::byte> buffer) noexcept {
  const Section section(Section::Place::kWithin);
  auto event = begin_event();
  if (!event) return event.status();
  const std::size_t taken =
      event->size() <= buffer.size() ? event->size() : sizeof(wire::ResponseHeader);
  std::memcpy(buffer.data(), event->data(), taken);
  end_event();
  return taken;
}

bool Connection::lock_events() noexcept {
  in_flight.receiving = this;
  while (!event_mutex_.lock_within(self(), kLongestSleep)) {
    if (!breathe()) return false;
  }
  return true;
}

void Connection::abandon_event() noexcept {
  const Mutex::Token me = self();
  if (!event_mutex_.unlock(me)) return;
  event_mutex_.lock(me);
  was_abandoned_ = true;
  event_mutex_.unlock(me);
}

// Each event comes with one byte on the descriptor, which libqb takes after the event. After a jump
// in between the byte is still there, and every thread would look for an event for ever.
void Connection::drop_stray_notification() noexcept {
  pollfd event{.fd = fd_, .events = POLLIN, .revents = 0};
  if (fd_ != setup_fd_ || ::poll(&event, 1, 0) != 1 || event.revents != POLLIN) return;
  if (++empty_wakes_ < kStrayWakes) return;
  empty_wakes_ = 0;
  char byte;
  [[maybe_unused]] const ssize_t taken = ::recv(fd_, &byte, sizeof(byte), MSG_DONTWAIT);
}

// Whether cancel() ends a wait that begins now. Ask this before the look at cancelled_: a cancel()
// that comes after that look then finds the owner gone as well.
bool Connection::can_be_woken() noexcept {
  if (forks() == owner_forks_) return true;
  const bool gone = owner_is_gone();
  full_fence();
  return gone;
}

cs_error_t Connection::wait_event(Deadline deadline) noexcept {
  // In socket mode the events' descriptor does not show that the daemon has ended.
  pollfd events[] = {{.fd = fd_, .events = POLLIN, .revents = 0},
                     {.fd = setup_fd_, .events = 0, .revents = 0}};
  const nfds_t count = fd_ == setup_fd_ ? 1 : 2;
  for (;;) {
    const bool wakes_itself = !can_be_woken();
    if (cancelled_.load(std::memory_order_acquire)) return CS_ERR_BAD_HANDLE;
    int limit = deadline.poll_timeout(monotonic_now());
    if (wakes_itself && (limit < 0 || limit > kChildSleepMs)) limit = kChildSleepMs;
    Opening opening;
    const int ready = ::poll(events, count, limit);
    const int error = errno;
    if (!opening.close()) return CS_ERR_INTERRUPT;
    if (cancelled_.load(std::memory_order_acquire)) return CS_ERR_BAD_HANDLE;
    if (ready < 0 && error != EINTR) return status_from_errno(error);
    if (ready > 0) return CS_OK;
    if (deadline.has_passed(monotonic_now())) return CS_ERR_TRY_AGAIN;
  }
}

// Waiting threads see the end of the stream, at once and without a descriptor of our own for it. No
// thread reads it any more, and requests do not need it. A child must not do this to its parent.
void Connection::cancel() noexcept {
  cancelled_.store(true, std::memory_order_release);
  // poll() looks at a socket without its lock. A thread that the shutdown wakes must see why.
  full_fence();
  if ((is_owner() || owner_is_gone()) && fd_identity_.may_be_behind(fd_)) ::shutdown(fd_, SHUT_RD);
}

bool Connection::is_alive() const noexcept {
  pollfd event{.fd = setup_fd_, .events = 0, .revents = 0};
  return ::poll(&event, 1, 0) <= 0;  // a poll that fails says nothing
}

}  // namespace cs::ipc
