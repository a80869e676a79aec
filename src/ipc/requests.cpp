// SPDX-License-Identifier: BSD-3-Clause
// Requests and their answers. Answers carry no number and come in the order of the requests, so
// there is one request at a time. The thread that has the lock receives its answer: that is the
// thread that asked, or one that wants to ask next. The latter keeps the answer for the former, or
// drops it if no thread wants it any more. No thread holds the lock during a long wait.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sched.h>
#include <sys/uio.h>
#include <utility>

#include "common/probes.h"
#include "common/status.h"
#include "ipc/connection.h"
#include "ipc/in_flight.h"

namespace cs::ipc {
namespace {

// While a thread waits for an answer, signals, cancellation and other threads may have to wait this
// long. libqb also notices the daemon's death between two such waits.
constexpr int kLongestSleepMs = 10;
constexpr Nanoseconds kLongestSleep = kLongestSleepMs * kNanosecondsPerMillisecond;

// Not a result.
constexpr cs_error_t kNoReplyYet = static_cast<cs_error_t>(0);

// We may lose processors while we run, and libraries may be loaded. Both are checked once in so
// many requests.
constexpr unsigned kCheckInterval = 1024;

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

// No answer yet, as against an answer or the end of the connection.
bool nothing_came(ssize_t result) noexcept { return result == -ETIMEDOUT || result == -EAGAIN; }

// After every other failure the daemon may already see the request, and answer it some time:
// perhaps only waking it has failed.
bool was_not_sent(ssize_t result) noexcept {
  return result == -EAGAIN || result == -EMSGSIZE || result == -ENOTCONN;
}

std::int32_t id_of(std::span<const std::byte> request) noexcept {
  wire::RequestHeader header;
  std::memcpy(&header, request.data(), sizeof(header));
  return header.id;
}

}  // namespace

cs_error_t Connection::call(std::span<const std::byte> request, const ExpectedReply& slot,
                            Deadline deadline) noexcept {
  const std::int32_t id = id_of(request);
  probe::request(id, request.size());
  const cs_error_t status = ask(request, slot, deadline);
  probe::reply(id, status);
  return status;
}

cs_error_t Connection::ask(std::span<const std::byte> request, const ExpectedReply& slot,
                           Deadline deadline) noexcept {
  const Section section(Section::Place::kWithin);
  if (const cs_error_t status = take_turn(deadline); status != CS_OK) return status;

  if (const ssize_t sent = send(request); sent < 0) {
    const bool sent_perhaps = !was_not_sent(sent);
    out_of_step_ = sent_perhaps;
    unlock_requests();
    return sent_perhaps ? CS_ERR_LIBRARY : status_from_qb(sent);
  }
  const ssize_t received = receive_reply(deadline);
  if (nothing_came(received)) return wait_for_reply(slot, deadline);
  if (received >= 0) outstanding_ = 0;
  wanted_ = false;
  const cs_error_t status =
      received < 0 ? status_from_qb(received)
                   : accept_reply({reply_buffer_.get(), static_cast<std::size_t>(received)}, slot);
  unlock_requests();
  return status;
}

ssize_t Connection::send(std::span<const std::byte> request) noexcept {
  const iovec part{.iov_base = const_cast<std::byte*>(request.data()), .iov_len = request.size()};
  in_ring_ = true;
  const ssize_t sent = qb_ipcc_sendv(qb_, &part, 1);
  if (sent >= 0) {
    outstanding_ = ++last_ticket_;
    wanted_ = true;
  }
  in_ring_ = false;
  return sent;
}

ssize_t Connection::receive(int limit_ms) noexcept {
  in_ring_ = true;
  const ssize_t received = qb_ipcc_recv(qb_, reply_buffer_.get(), buffer_size_, limit_ms);
  in_ring_ = false;
  return received;
}

// Returns with the lock held and no answer outstanding.
cs_error_t Connection::take_turn(Deadline deadline) noexcept {
  for (;;) {
    if (const cs_error_t status = lock_requests(deadline); status != CS_OK) return status;
    cs_error_t status = out_of_step_ ? CS_ERR_LIBRARY : CS_OK;
    if (status == CS_OK && outstanding_ == 0) return CS_OK;
    if (status == CS_OK) {
      Section::mask();
      const ssize_t received = sleep_for_reply(deadline);
      if (received >= 0) sort_reply(received);
      if (received < 0 && !nothing_came(received)) status = status_from_qb(received);
      if (received >= 0 && status == CS_OK) return CS_OK;
    }
    unlock_requests();
    if (status != CS_OK) return status;
    if (deadline.has_passed(monotonic_now())) return CS_ERR_TRY_AGAIN;
    if (!breathe()) return CS_ERR_INTERRUPT;
  }
}

cs_error_t Connection::lock_requests(Deadline deadline) noexcept {
  in_flight.requesting = this;
  while (!request_mutex_.lock_within(self(), kLongestSleep)) {
    if (deadline.has_passed(monotonic_now())) {
      in_flight.requesting = nullptr;
      return CS_ERR_TRY_AGAIN;
    }
    if (!breathe()) return CS_ERR_INTERRUPT;
  }
  return CS_OK;
}

void Connection::unlock_requests() noexcept {
  request_mutex_.unlock(self());
  in_flight.requesting = nullptr;
}

// Keeps the answer for the thread that asked, or drops it.
void Connection::sort_reply(ssize_t received) noexcept {
  const std::uint64_t ticket = std::exchange(outstanding_, 0);
  if (wanted_) kept_.keep(ticket, {reply_buffer_.get(), static_cast<std::size_t>(received)});
  wanted_ = false;
}

// Waits for an answer that did not come at once. Gives the lock back in each round.
cs_error_t Connection::wait_for_reply(const ExpectedReply& slot, Deadline deadline) noexcept {
  InFlight& me = in_flight;
  Section::mask();
  const std::uint64_t ticket = outstanding_;
  for (;;) {
    if (deadline.has_passed(monotonic_now())) break;
    unlock_requests();
    me.ticket = ticket;
    me.asked = this;
    // Other threads may hold the lock for longer than one of these waits: look up in between.
    do {
      if (!breathe()) return CS_ERR_INTERRUPT;
    } while (!request_mutex_.lock_within(self(), kLongestSleep));
    me.asked = nullptr;
    const cs_error_t status = look_for_reply(ticket, slot, deadline);
    if (status == kNoReplyYet) continue;
    unlock_requests();
    return status;
  }
  wanted_ = false;
  unlock_requests();
  return CS_ERR_TRY_AGAIN;
}

// Call with the lock held. Takes the answer from where it was kept, or from the ring.
cs_error_t Connection::look_for_reply(std::uint64_t ticket, const ExpectedReply& slot,
                                      Deadline deadline) noexcept {
  if (outstanding_ != ticket) {
    const std::size_t size = kept_.take(ticket, reply_buffer_.get());
    return size > 0 ? accept_reply({reply_buffer_.get(), size}, slot) : CS_ERR_NO_MEMORY;
  }
  const ssize_t received = sleep_for_reply(deadline);
  if (nothing_came(received)) return kNoReplyYet;
  wanted_ = false;
  if (received < 0) return status_from_qb(received);
  outstanding_ = 0;
  return accept_reply({reply_buffer_.get(), static_cast<std::size_t>(received)}, slot);
}

void Connection::forget(std::uint64_t ticket) noexcept {
  request_mutex_.lock(self());
  if (outstanding_ == ticket) {
    wanted_ = false;
  } else {
    kept_.forget(ticket);
  }
  request_mutex_.unlock(self());
}

// The thread left by a jump out of a bare section. There is no telling where libqb was then.
void Connection::abandon_request() noexcept {
  const Mutex::Token me = self();
  if (!request_mutex_.is_held_by(me)) return;
  if (in_ring_) out_of_step_ = true;
  in_ring_ = false;
  wanted_ = false;
  request_mutex_.unlock(me);
}

ssize_t Connection::receive_reply(Deadline deadline) noexcept {
  if (requests_++ % kCheckInterval == 0) {
    look_for_jumps();
    spin_.set_processors(usable_processors(daemon_));
  }
  // The processor is what is slow there, not the waking: not even the clock is read.
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
    const ssize_t received = receive(0);
    const Nanoseconds now = monotonic_now();
    if (!nothing_came(received)) {
      spin_.record_hit(now);
      return received;
    }
    if (now >= end) return received;
  }
}

// Sleeps for kLongestSleep at most.
ssize_t Connection::sleep_for_reply(Deadline deadline) noexcept {
  const int left = deadline.is_never() ? kLongestSleepMs : deadline.poll_timeout(monotonic_now());
  return receive(std::min(left, kLongestSleepMs));
}

}  // namespace cs::ipc
