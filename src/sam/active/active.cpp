// SPDX-License-Identifier: BSD-3-Clause
// Health checks and commands.
#include "sam/active/active.h"

#include <algorithm>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include <utility>

namespace cs::sam {
namespace {

constexpr Nanoseconds kShortestLookPeriod = 10 * kNanosecondsPerMillisecond;
constexpr Nanoseconds kLongestLookPeriod = 1000 * kNanosecondsPerMillisecond;
constexpr int kReplyLookPeriodMs = 500;

// For the fork handler: set in a process that has called begin(), and in those that it forks.
constinit Active* g_active = nullptr;

// The pipe may report room while the kernel lacks a page for it: pause, or this would spin.
void wait_for_room(int fd, const CallGuard* guard) noexcept {
  pollfd entry{fd, POLLOUT, 0};
  (void)::poll(nullptr, 0, 1);
  (void)(guard != nullptr ? guard->wait(&entry, -1) : ::poll(&entry, 1, -1));
}

bool has_lost_its_reader(int fd) noexcept {
  pollfd entry{fd, 0, 0};
  return ::poll(&entry, 1, 0) > 0 && (entry.revents & POLLERR) != 0;
}

}  // namespace

void Active::begin(ActiveEnds ends, std::uint32_t instance, const Settings& settings) noexcept {
  ends_ = std::move(ends);
  instance_ = instance;
  child_ = process_ = ::getpid();
  supervisor_ = ::getppid();
  is_elsewhere_ = supervisor_ == 0;
  if (!is_elsewhere_) ends_.heartbeat->begin_line(child_);
  nudges_ = settings.policy.publishes();
  look_period_ =
      tick_of(std::clamp(settings.interval / 4, kShortestLookPeriod, kLongestLookPeriod));
  look_at_once();
  announced_.store(child_, std::memory_order_relaxed);
  sequence_.store(0, std::memory_order_relaxed);
  g_active = this;
  // Without the handler a daemon becomes known only by its first call other than a health check.
  (void)pthread_atfork(nullptr, nullptr, &Active::after_fork);
}

// Runs in a new process, which may be about to take this one's place, or only to call exec.
void Active::after_fork() noexcept {
  if (g_active == nullptr) return;
  const pid_t parent = std::exchange(g_active->process_, ::getpid());
  g_active->child_ = 0;
  g_active->is_elsewhere_ = g_active->is_elsewhere_ || ::getppid() == 0;
  g_active->look_at_once();
  if (g_active->is_current() && !g_active->is_elsewhere_) {
    g_active->ends_.heartbeat->note_fork(parent, g_active->process_);
  }
}

cs_error_t Active::ask(Command command, const CallGuard& guard) noexcept {
  const std::uint32_t sequence = ++sequence_;
  const cs_error_t sent = send({command, 0, instance_, sequence}, &guard);
  if (sent != CS_OK) return sent;
  while (wait_for_reply(guard)) {
    if (sequence != sequence_) return CS_ERR_INTERRUPT;
    if (!ends_.replies_identity.is_behind(ends_.replies.get())) return CS_ERR_LIBRARY;
    if (!is_current()) return CS_ERR_LIBRARY;  // what comes by now is for the next instance
    ReplyFrame reply;
    const Received received = receive_frame(ends_.replies.get(), reply);
    if (received == Received::kClosed || received == Received::kBroken) return CS_ERR_LIBRARY;
    if (received != Received::kFrame) continue;
    if (reply.instance != instance_ || reply.sequence != sequence) continue;
    return static_cast<cs_error_t>(reply.status);
  }
  return CS_ERR_LIBRARY;
}

// Waits until there may be a reply, or nothing has come for a while. False when the supervisor is
// gone: the end of the pipe may not tell, while a process lives that the supervisor has forked.
bool Active::wait_for_reply(const CallGuard& guard) noexcept {
  pollfd entry{ends_.replies.get(), POLLIN, 0};
  const int ready = guard.wait(&entry, kReplyLookPeriodMs);
  if (ready < 0) (void)::poll(nullptr, 0, 1);  // a signal, or no memory
  return ready > 0 || !is_abandoned();
}

cs_error_t Active::tell(Command command, int argument) noexcept {
  return send({command, argument, instance_, 0}, nullptr);
}

void Active::finish() noexcept {
  if (is_current()) ends_.heartbeat->finish(announce());
}

cs_error_t Active::send(const CommandFrame& frame, const CallGuard* guard) noexcept {
  for (;;) {
    if (!is_current()) return CS_ERR_LIBRARY;
    if (!ends_.commands_identity.is_behind(ends_.commands.get())) return CS_ERR_LIBRARY;
    (void)announce();
    const Sent sent = send_frame(ends_.commands.get(), frame);
    if (sent != Sent::kFull) return sent == Sent::kDone ? CS_OK : CS_ERR_LIBRARY;
    wait_for_room(ends_.commands.get(), guard);
  }
}

// At most one nudge is on its way. While it is, the page says the rest. Never waits: a full pipe
// wakes the supervisor by itself.
cs_error_t Active::nudge() noexcept {
  if (!ends_.heartbeat->claim_nudge()) return CS_OK;
  Sent sent = Sent::kBroken;
  if (ends_.commands_identity.is_behind(ends_.commands.get())) {
    sent = send_frame(ends_.commands.get(), CommandFrame{Command::kHealthCheck, 0, instance_, 0});
  }
  if (sent != Sent::kDone) ends_.heartbeat->clear_nudge();
  return sent == Sent::kBroken ? CS_ERR_LIBRARY : CS_OK;
}

cs_error_t Active::look_for_supervisor(Nanoseconds now) noexcept {
  Tick due = next_look_.load(std::memory_order_relaxed);
  if (!is_look_due(now)) return CS_OK;
  if (!next_look_.compare_exchange_strong(due, tick_of(now) + look_period_)) return CS_OK;
  if (!is_abandoned()) return CS_OK;
  look_at_once();
  (void)::raise(SIGPIPE);
  return CS_ERR_LIBRARY;
}

// A child sees it by its parent, a daemon by the pipe that nobody reads. Both are needed for a
// child: its supervisor may have died before begin(), or have forked a process that holds the pipe.
bool Active::is_abandoned() noexcept {
  if (announce() == child_ && ::getppid() != supervisor_) return true;
  return ends_.commands_identity.is_behind(ends_.commands.get()) &&
         has_lost_its_reader(ends_.commands.get());
}

// Tells the supervisor in which process the application goes on, should its child end. Returns the
// calling process.
pid_t Active::announce() noexcept {
  const pid_t self = ::getpid();
  if (announced_.load(std::memory_order_acquire) != self) {
    if (!is_elsewhere_) ends_.heartbeat->announce(self);
    announced_.store(self, std::memory_order_release);
  }
  return self;
}

}  // namespace cs::sam
