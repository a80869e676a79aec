// SPDX-License-Identifier: BSD-3-Clause
// Waiting and forking on Linux.
#include "sam/supervisor/linux_world.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <poll.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>
#include <utility>

#include "sam/shared/signal_guard.h"

namespace cs::sam {
namespace {

// Used when ppoll() fails for lack of memory, or because RLIMIT_NOFILE is now below the number of
// entries. Everything that is looked at after a wait can be looked at without one.
int pause_for_want() noexcept {
  const timespec pause = to_timespec(10 * kNanosecondsPerMillisecond);
  (void)::nanosleep(&pause, nullptr);
  return 0;
}

// Of this process.
constinit LinuxWorld* g_world = nullptr;

LinuxWorld& on_linux(World* world) noexcept { return static_cast<LinuxWorld&>(*world); }
const LinuxWorld& on_linux(const World* world) noexcept {
  return static_cast<const LinuxWorld&>(*world);
}

}  // namespace

LinuxWorld::LinuxWorld(QuorumClient& quorum, Store& store, const OperatorSettings& asked,
                       PidfdOpen opener) noexcept
    : quorum_(quorum), store_(store), log_(asked, ::getpid()), notices_(asked), open_(opener) {
  static std::atomic<std::uint32_t> has_handler = 0;
  if (has_handler.exchange(1) == 0) (void)pthread_atfork(nullptr, nullptr, &LinuxWorld::after_fork);
  g_world = this;
}

LinuxWorld::~LinuxWorld() { g_world = nullptr; }

bool LinuxWorld::open() noexcept { return channel_.open(); }

// Runs in a process that a signal handler of the application has forked. If it kept our ends of the
// pipes, it would hide that they are closed; and it has its own use for SIGCHLD.
void LinuxWorld::after_fork() noexcept {
  LinuxWorld* const self = std::exchange(g_world, nullptr);
  if (self == nullptr || self->is_forking_) return;
  self->is_copy_ = true;
  self->channel_.close_all();
  self->forwarding_.give_back();
  self->child_signal_.give_back_to_copy();
}

void LinuxWorld::give_back() noexcept {
  quorum_.drop();
  child_signal_.give_back();
}

// --- The machine

Nanoseconds World::now() noexcept { return monotonic_now(); }

Nanoseconds World::beat_resolution() const noexcept { return heartbeat_resolution(); }

// It is also impossible when a descriptor of ours has been closed.
Woken World::wait(const Awaited& awaited, Deadline deadline) noexcept {
  enum { kCommands, kProcess, kQuorum, kCmap, kQuorumLife, kCmapLife };
  LinuxWorld& self = on_linux(this);
  pollfd entries[] = {
      {awaited.commands ? self.channel_.commands() : -1, POLLIN, 0},
      {awaited.process, POLLIN, 0},
      {self.quorum_.fd(), POLLIN, 0},
      {self.cmap_.fd(), POLLIN, 0},
      {self.quorum_.life_fd(), 0, 0},
      {self.cmap_.life_fd(), 0, 0},
  };
  sigset_t let_in;
  const sigset_t* mask = self.child_signal_.wait_mask();
  if (self.forwarding_.is_on()) {
    pthread_sigmask(SIG_BLOCK, nullptr, &let_in);  // what is blocked now
    if (mask != nullptr) let_in = *mask;
    self.forwarding_.let_in(let_in);
    mask = &let_in;
  }
  if (self.forwarding_.has_news()) deadline = Deadline::at(0);
  const timespec left = to_timespec(std::max<Nanoseconds>(deadline.when() - monotonic_now(), 0));
  int result = ::ppoll(entries, std::size(entries), deadline.is_never() ? nullptr : &left, mask);
  if (result < 0 && (errno == EINVAL || errno == ENOMEM)) result = pause_for_want();
  if (result <= 0) return {.is_able = result == 0 || errno == EINTR};
  for (const pollfd& entry : entries) {
    if ((entry.revents & POLLNVAL) == 0) continue;
    errno = EBADF;
    return {.is_able = false};
  }
  return {.process = entries[kProcess].revents != 0,
          .cmap = (entries[kCmap].revents | entries[kCmapLife].revents) != 0};
}

// No handler runs meanwhile: what it forked would be taken for the instance.
pid_t World::fork() noexcept {
  LinuxWorld& self = on_linux(this);
  const SignalGuard signals;
  self.forwarding_.before_fork();
  self.is_forking_ = true;
  const pid_t pid = ::fork();
  self.is_forking_ = false;
  return pid;
}

// A handler may return in a process that it has forked, when its exec has failed. There is only one
// supervisor.
void World::leave_if_copy() noexcept {
  if (on_linux(this).is_copy_) ::_exit(EXIT_FAILURE);
}

void World::listen_for_children() noexcept { on_linux(this).child_signal_.listen(); }

std::optional<int> World::reap_others(pid_t instance) noexcept {
  return on_linux(this).child_signal_.reap_others(instance);
}

void World::discard_old_stores() noexcept { on_linux(this).store_.discard_old(); }

// --- The operator

std::optional<ForwardedSignal> World::next_forwarded(pid_t instance) noexcept {
  using Which = Forwarding::Which;
  const auto arrived = on_linux(this).forwarding_.next(instance != 0 ? Which::kAll : Which::kStops);
  if (!arrived) return {};
  const bool is_in_group = instance != 0 && ::getpgid(instance) == ::getpgrp();
  return ForwardedSignal{arrived->number, arrived->is_of_terminal && is_in_group};
}

Excuse World::find_excuse(pid_t pid) noexcept { return sam::find_excuse(pid); }

void World::log(const LogRecord& record) noexcept { on_linux(this).log_.write(record); }

bool World::notify(std::string_view message) noexcept {
  return on_linux(this).notices_.send(message);
}

// --- Pipes and page

HeartbeatPage& World::page() noexcept { return on_linux(this).channel_.heartbeat(); }

bool World::renew_commands() noexcept { return on_linux(this).channel_.renew_commands(); }

Received World::receive_command(CommandFrame& frame) noexcept {
  return receive_frame(on_linux(this).channel_.commands(), frame);
}

Sent World::send_reply(const ReplyFrame& frame) noexcept {
  return send_frame(on_linux(this).channel_.replies(), frame);
}

void World::let_go_of_commands() noexcept { on_linux(this).channel_.let_go_of_commands(); }

bool World::is_hung_up() const noexcept { return on_linux(this).channel_.is_hung_up(); }

bool World::may_be_held_by_others() const noexcept {
  return on_linux(this).channel_.may_be_held_by_others();
}

// --- Services

cs_error_t World::connect(Service service, Deadline deadline) noexcept {
  LinuxWorld& self = on_linux(this);
  return service == Service::kQuorum ? self.quorum_.connect(deadline)
                                     : self.cmap_.connect(deadline);
}

bool World::is_connected(Service service) const noexcept {
  return on_linux(this).connection(service).is_connected();
}

void World::drop(Service service) noexcept { on_linux(this).connection(service).drop(); }

std::optional<bool> World::next_verdict() noexcept { return on_linux(this).quorum_.next_verdict(); }

bool World::is_quorate() const noexcept { return on_linux(this).quorum_.quorate(); }

void World::check_cmap() noexcept { on_linux(this).cmap_.check(); }

cs_error_t World::set_key(std::string_view key, std::string_view value,
                          Deadline deadline) noexcept {
  return on_linux(this).cmap_.set(key, value, deadline);
}

cs_error_t World::set_key(std::string_view key, std::uint64_t value, Deadline deadline) noexcept {
  return on_linux(this).cmap_.set(key, value, deadline);
}

cs_error_t World::delete_keys(std::string_view prefix, Deadline deadline) noexcept {
  return on_linux(this).cmap_.delete_all(prefix, deadline);
}

}  // namespace cs::sam
