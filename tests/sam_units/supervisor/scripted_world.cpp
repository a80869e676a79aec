// SPDX-License-Identifier: BSD-3-Clause
// World's functions, as a test has scripted them.
#include "sam_units/supervisor/scripted_world.h"

#include <algorithm>
#include <cerrno>

#include "sam/operator/forwarding.h"

namespace cs::sam {
namespace {

ScriptedWorld& of(World* world) { return static_cast<ScriptedWorld&>(*world); }
const ScriptedWorld& of(const World* world) { return static_cast<const ScriptedWorld&>(*world); }

template <typename Queue>
std::optional<typename Queue::value_type> take(Queue& queue) {
  if (queue.empty()) return {};
  typename Queue::value_type first = queue.front();
  queue.pop_front();
  return first;
}

}  // namespace

Nanoseconds World::now() noexcept {
  if (of(this).on_clock) of(this).on_clock();
  return of(this).time;
}

Nanoseconds World::beat_resolution() const noexcept { return 4 * ScriptedWorld::kMs; }

Woken World::wait(const Awaited& awaited, Deadline deadline) noexcept {
  ScriptedWorld& self = of(this);
  self.deadlines.push_back(deadline);
  const auto step = take(self.waits);
  if (!step) {
    errno = EBADF;
    return {.is_able = false};
  }
  (*step)();
  const auto process = self.processes.find(awaited.process - kPidfdOffset);
  return {.process = process != self.processes.end() && !process->second.is_alive, .cmap = true};
}

pid_t World::fork() noexcept {
  const auto pid = take(of(this).forks);
  if (!pid) errno = EAGAIN;
  if (pid) of(this).processes[*pid];
  return pid.value_or(-1);
}

void World::leave_if_copy() noexcept {}

void World::listen_for_children() noexcept { of(this).is_listening = true; }

std::optional<int> World::reap_others(pid_t instance) noexcept {
  if (!of(this).died_in_handler) return {};
  return of(this).processes[instance].status;
}

void World::discard_old_stores() noexcept { ++of(this).discarded_stores; }

int World::open_pidfd(pid_t pid) noexcept {
  const ScriptedProcess& process = of(this).processes[pid];
  if (!process.has_pidfd) return -1;
  ++of(this).open_pidfds;
  return pid + (process.has_new_owner ? kPidfdOffsetOfNewOwner : kPidfdOffset);
}

void World::close_pidfd(int) noexcept { --of(this).open_pidfds; }

std::optional<int> World::reap(pid_t child, int, Patience patience) noexcept {
  ScriptedProcess& process = of(this).processes[child];
  if (patience == Patience::kEndless) {
    of(this).awaited.push_back(child);
    process.is_alive = false;
  }
  if (process.is_alive) return {};
  if (of(this).on_reap) of(this).on_reap();
  return process.status;
}

bool World::is_dead(pid_t stranger, int pidfd) noexcept {
  const ScriptedProcess& process = of(this).processes[stranger];
  return process.has_new_owner ? pidfd == stranger + kPidfdOffset : !process.is_alive;
}

std::optional<int> World::status_of_dead(pid_t stranger, int) noexcept {
  const ScriptedProcess& process = of(this).processes[stranger];
  if (!process.is_known) return {};
  return process.status;
}

void World::await_end(pid_t stranger, int) noexcept { of(this).awaited.push_back(stranger); }

bool World::signal_by_pidfd(int pidfd, int number) noexcept {
  if (pidfd < 0 || of(this).processes[pidfd - kPidfdOffset].has_new_owner) return false;
  of(this).signals.emplace_back(pidfd - kPidfdOffset, number);
  return true;
}

void World::signal(pid_t pid, int number) noexcept {
  of(this).signals.emplace_back(pid, number);
  if (of(this).on_signal) of(this).on_signal();
}

std::optional<ForwardedSignal> World::next_forwarded(pid_t instance) noexcept {
  auto& forwarded = of(this).forwarded;
  const auto next = std::find_if(forwarded.begin(), forwarded.end(), [&](const auto& signal) {
    return instance != 0 || Forwarding::is_stop(signal.number);
  });
  if (next == forwarded.end()) return {};
  const ForwardedSignal taken = *next;
  forwarded.erase(next);
  return taken;
}

Excuse World::find_excuse(pid_t pid) noexcept {
  of(this).excuse_sought_for = pid;
  if (of(this).on_excuse) of(this).on_excuse();
  return of(this).excuse;
}

void World::log(const LogRecord& record) noexcept {
  of(this).records.push_back(record);
  errno = EIO;  // nobody may count on it
}

bool World::notify(std::string_view message) noexcept {
  of(this).notices.emplace_back(message);
  return !of(this).loses_notices;
}

HeartbeatPage& World::page() noexcept { return of(this).shared_page; }

bool World::renew_commands() noexcept {
  ++of(this).pipes;
  of(this).has_let_go = false;
  return true;
}

Received World::receive_command(CommandFrame& frame) noexcept {
  const auto next = take(of(this).commands);
  if (!next) return of(this).is_hung_up() ? Received::kClosed : Received::kNothing;
  frame = next->second;
  return next->first;
}

Sent World::send_reply(const ReplyFrame& frame) noexcept {
  if (of(this).sent == Sent::kDone) of(this).replies.push_back(frame);
  return of(this).sent;
}

void World::let_go_of_commands() noexcept { of(this).has_let_go = true; }

bool World::is_hung_up() const noexcept { return of(this).has_let_go && of(this).is_cut_off; }

bool World::may_be_held_by_others() const noexcept { return of(this).is_held_by_others; }

cs_error_t World::connect(Service service, Deadline deadline) noexcept {
  const cs_error_t status = of(this).ask(service, "connect", deadline);
  of(this).connection(service) = status == CS_OK;
  return status;
}

bool World::is_connected(Service service) const noexcept {
  return service == Service::kCmap ? of(this).has_cmap : of(this).has_quorum;
}

void World::drop(Service service) noexcept { of(this).connection(service) = false; }

std::optional<bool> World::next_verdict() noexcept {
  const auto verdict = take(of(this).verdicts);
  if (verdict) of(this).is_quorate_now = *verdict;
  return verdict;
}

bool World::is_quorate() const noexcept { return of(this).is_quorate_now; }

void World::check_cmap() noexcept {}

cs_error_t World::set_key(std::string_view key, std::string_view value,
                          Deadline deadline) noexcept {
  return of(this).ask(Service::kCmap, std::string(key) + "=" + std::string(value), deadline);
}

cs_error_t World::set_key(std::string_view key, std::uint64_t value, Deadline deadline) noexcept {
  return of(this).ask(Service::kCmap, std::string(key) + "=" + std::to_string(value), deadline);
}

cs_error_t World::delete_keys(std::string_view prefix, Deadline deadline) noexcept {
  return of(this).ask(Service::kCmap, "delete " + std::string(prefix), deadline);
}

}  // namespace cs::sam
