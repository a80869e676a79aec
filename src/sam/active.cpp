// SPDX-License-Identifier: BSD-3-Clause
// Health checks and commands.
#include "sam/active.h"

#include <algorithm>
#include <poll.h>
#include <utility>

namespace cs::sam {
namespace {

constexpr Nanoseconds kShortestLookPeriod = 10 * kNanosecondsPerMillisecond;

// Room that is there already takes memory that is not; so it is not asked for again at once.
void wait_for_room(int fd) noexcept {
  pollfd entry{fd, POLLOUT, 0};
  (void)::poll(nullptr, 0, 1);
  (void)::poll(&entry, 1, -1);
}

}  // namespace

void Active::begin(ActiveEnds ends, std::uint32_t instance, const Settings& settings) noexcept {
  ends_ = std::move(ends);
  instance_ = instance;
  nudges_ = settings.policy.publishes();
  look_period_ = std::max(settings.interval / 4, kShortestLookPeriod);
  next_look_.store(0, std::memory_order_relaxed);
  sequence_ = 0;
}

cs_error_t Active::ask(Command command) noexcept {
  const std::uint32_t sequence = ++sequence_;
  const cs_error_t sent = send({command, 0, instance_, sequence});
  if (sent != CS_OK) return sent;
  for (;;) {
    if (!ends_.replies_identity.is_behind(ends_.replies.get())) return CS_ERR_LIBRARY;
    ReplyFrame reply;
    if (receive_frame(ends_.replies.get(), reply) != Received::kFrame) return CS_ERR_LIBRARY;
    if (reply.instance != instance_ || reply.sequence != sequence) continue;
    return static_cast<cs_error_t>(reply.status);
  }
}

cs_error_t Active::tell(Command command, int argument) noexcept {
  return send({command, argument, instance_, 0});
}

cs_error_t Active::send(const CommandFrame& frame) noexcept {
  for (;;) {
    if (!ends_.heartbeat->belongs_to(instance_)) return CS_ERR_LIBRARY;
    if (!ends_.commands_identity.is_behind(ends_.commands.get())) return CS_ERR_LIBRARY;
    const Sent sent = send_frame(ends_.commands.get(), frame);
    if (sent != Sent::kFull) return sent == Sent::kDone ? CS_OK : CS_ERR_LIBRARY;
    wait_for_room(ends_.commands.get());
  }
}

// One at most is on its way; while it is, the page says the rest. Never waits: a pipe that is full
// wakes the supervisor by itself.
cs_error_t Active::nudge() noexcept {
  if (!ends_.heartbeat->claim_nudge()) return look_for_supervisor(coarse_now());
  Sent sent = Sent::kBroken;
  if (ends_.commands_identity.is_behind(ends_.commands.get())) {
    sent = send_frame(ends_.commands.get(), CommandFrame{Command::kHealthCheck, 0, instance_, 0});
  }
  if (sent != Sent::kDone) ends_.heartbeat->clear_nudge();
  return sent == Sent::kBroken ? CS_ERR_LIBRARY : CS_OK;
}

// A pipe that nobody reads says so. Writing to it then ends this process as it always did: by
// SIGPIPE, unless that is ignored or handled.
cs_error_t Active::look_for_supervisor(Nanoseconds now) noexcept {
  Nanoseconds due = next_look_.load(std::memory_order_relaxed);
  if (now < due || !next_look_.compare_exchange_strong(due, now + look_period_)) return CS_OK;
  if (!ends_.commands_identity.is_behind(ends_.commands.get())) return CS_OK;
  pollfd entry{ends_.commands.get(), 0, 0};
  if (::poll(&entry, 1, 0) <= 0 || (entry.revents & POLLERR) == 0) return CS_OK;
  next_look_.store(0, std::memory_order_relaxed);
  (void)send_frame(ends_.commands.get(), CommandFrame{Command::kHealthCheck, 0, instance_, 0});
  return CS_ERR_LIBRARY;
}

}  // namespace cs::sam
