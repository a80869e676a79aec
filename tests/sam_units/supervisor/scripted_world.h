// SPDX-License-Identifier: BSD-3-Clause
// A world that does as a test says, for what the supervisor is made of: a third definition of
// World's functions, beside Linux's and the simulation's. Time stands still unless a test moves it.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sam/shared/frames.h"
#include "sam/shared/heartbeat.h"
#include "sam/supervisor/world.h"

namespace cs::sam {

// A pidfd is another number than its process, so that mixing them up is noticed.
inline constexpr int kPidfdOffset = 10'000;
inline constexpr int kPidfdOffsetOfNewOwner = 20'000;

struct ScriptedProcess {
  bool is_alive = true;
  int status = 0;              // of waitpid
  bool is_known = true;        // whether a stranger's status can be found out
  bool has_pidfd = true;       // or there is none to be had
  bool has_new_owner = false;  // its number is another's by now, who lives; its pidfd is not
};

class ScriptedWorld : public World {
 public:
  static constexpr Nanoseconds kMs = kNanosecondsPerMillisecond;

  void die(pid_t pid, int status) {
    processes[pid].is_alive = false;
    processes[pid].status = status;
  }
  void send(Command command, std::uint32_t sequence, std::uint32_t instance = 1) {
    commands.push_back({Received::kFrame, {command, 0, instance, sequence}});
  }

  Nanoseconds time = 1'000'000 * kMs;
  // What happens in each wait. When none is left, waiting is impossible.
  std::deque<std::function<void()>> waits;
  std::vector<Deadline> deadlines;  // of each wait

  std::map<pid_t, ScriptedProcess> processes;
  std::vector<std::pair<pid_t, int>> signals;
  std::vector<pid_t> awaited;  // whose end was waited for
  int open_pidfds = 0;
  std::deque<pid_t> forks;  // what each returns; without any left they fail
  bool is_listening = false;
  bool died_in_handler = false;  // the instance is found reaped already
  int discarded_stores = 0;

  std::deque<ForwardedSignal> forwarded;
  Excuse excuse = Excuse::kNone;
  pid_t excuse_sought_for = 0;  // last
  // What happens while the clock is read, an excuse is looked for, a dead child is reaped, a
  // process is signalled by its number.
  std::function<void()> on_clock, on_excuse, on_reap, on_signal;
  std::vector<LogRecord> records;
  std::vector<std::string> notices;
  bool loses_notices = false;

  HeartbeatPage shared_page;
  std::deque<std::pair<Received, CommandFrame>> commands;
  std::vector<ReplyFrame> replies;
  Sent sent = Sent::kDone;
  int pipes = 1;
  bool has_let_go = false;
  bool is_cut_off = false;  // nobody else holds the pipe's writing end
  bool is_held_by_others = false;

  // The daemon. What it was asked, in order: "KEY=VALUE", "connect", "delete PREFIX".
  std::vector<std::string> asked;
  std::vector<Nanoseconds> limits;  // how long each of these may take
  std::function<cs_error_t(const std::string& request)> daemon;
  bool has_cmap = false;
  bool has_quorum = false;
  bool is_quorate_now = false;
  std::deque<bool> verdicts;

  // As the daemon answers; a connection that it has lost is dropped.
  cs_error_t ask(Service service, const std::string& request, Deadline deadline) {
    asked.push_back(request);
    limits.push_back(deadline.when() - time);
    const cs_error_t status = daemon ? daemon(request) : CS_OK;
    if (status == CS_ERR_LIBRARY) connection(service) = false;
    return status;
  }
  [[nodiscard]] bool& connection(Service service) {
    return service == Service::kCmap ? has_cmap : has_quorum;
  }
};

}  // namespace cs::sam
