// SPDX-License-Identifier: BSD-3-Clause
// Everything that the supervisor sees and does outside of itself: time, waiting, processes, what
// connects it with an instance, the services of the daemon.
#ifndef CS_SAM_WORLD_H
#define CS_SAM_WORLD_H

#include <cstdint>
#include <optional>
#include <string_view>
#include <sys/types.h>

#include <corosync/corotypes.h>

#include "common/clock.h"
#include "sam/operator/excuse.h"
#include "sam/operator/log.h"
#include "sam/shared/frames.h"
#include "sam/shared/heartbeat.h"

namespace cs::sam {

// What ends a wait, besides the services and SIGCHLD.
struct Awaited {
  bool commands = false;
  int process = -1;  // a pidfd
};

struct Woken {
  bool is_able = true;   // false, with errno: waiting is impossible
  bool process = false;  // the pidfd is readable
  bool cmap = false;     // that service has something to say, or is gone
};

// A signal that the operator wants passed on. One that a terminal has sent to the whole group has
// reached the instance as well.
struct ForwardedSignal {
  int number;
  bool has_reached_instance;
};

enum class Service : std::uint8_t { kQuorum, kCmap };
enum class Patience : bool { kNone, kEndless };

// There are three definitions of these functions, each with a class of its own that derives from
// this one and has the state: for Linux (linux_world.h), for a simulation in which a seed decides
// what happens (tests/simulation), and for tests that say it step by step (scripted_world.h). A
// program has the one that is linked into it, so that the seam costs the library no table of
// functions.
class World {
 public:
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // --- The machine

  [[nodiscard]] Nanoseconds now() noexcept;
  // By how much a health check may look older than it is.
  [[nodiscard]] Nanoseconds beat_resolution() const noexcept;

  // Returns at the deadline, or before it when there is something to look at. The return alone says
  // nothing: everything is looked at after each wait.
  [[nodiscard]] Woken wait(const Awaited& awaited, Deadline deadline) noexcept;

  // 0 in the new instance; negative, with errno, when it fails.
  [[nodiscard]] pid_t fork() noexcept;
  // Ends this process if it is not the supervisor, but a copy that a handler has forked.
  void leave_if_copy() noexcept;

  // From now on the death of any child ends a wait.
  void listen_for_children() noexcept;
  // Reaps all children but the instance. Should that be reaped meanwhile, by a handler for example,
  // its wait status is returned, if it is known.
  std::optional<int> reap_others(pid_t instance) noexcept;

  // Between two instances: see Store.
  void discard_old_stores() noexcept;

  // --- Single processes. A pidfd of -1 is one that could not be opened.

  // Readable when the process is dead.
  [[nodiscard]] int open_pidfd(pid_t pid) noexcept;
  void close_pidfd(int pidfd) noexcept;

  // Reaps a child that is dead, and returns its wait status; 0 if it was reaped elsewhere and the
  // status is not known. Empty while it lives, unless patience is endless.
  [[nodiscard]] std::optional<int> reap(pid_t child, int pidfd, Patience patience) noexcept;

  // Strangers are not our children: whether one is dead, and the wait status of a dead one if that
  // can be known.
  [[nodiscard]] bool is_dead(pid_t stranger, int pidfd) noexcept;
  [[nodiscard]] std::optional<int> status_of_dead(pid_t stranger, int pidfd) noexcept;
  // Waits a second at most for the end of one.
  void await_end(pid_t stranger, int pidfd) noexcept;

  // False where there is no pidfd, or none can be used.
  bool signal_by_pidfd(int pidfd, int number) noexcept;
  void signal(pid_t pid, int number) noexcept;

  // --- What the operator has asked for

  // The next signal to be passed on to that process; without one (0) only those that ask for a
  // stop are taken. Empty when there is none.
  [[nodiscard]] std::optional<ForwardedSignal> next_forwarded(pid_t instance) noexcept;
  // Why a silent process may be so.
  [[nodiscard]] Excuse find_excuse(pid_t pid) noexcept;
  // Writes a line, where a log is wanted.
  void log(const LogRecord& record) noexcept;
  // Tells the service manager. False when the message is lost.
  [[nodiscard]] bool notify(std::string_view message) noexcept;

  // --- The two pipes and the page that are shared with the instances: see Channel

  [[nodiscard]] HeartbeatPage& page() noexcept;
  // Before each instance but the first. False, with errno, when there is no pipe of commands.
  [[nodiscard]] bool renew_commands() noexcept;
  [[nodiscard]] Received receive_command(CommandFrame& frame) noexcept;
  [[nodiscard]] Sent send_reply(const ReplyFrame& frame) noexcept;
  // Closes our own end for writing. From then on is_hung_up() tells when nobody else holds one.
  void let_go_of_commands() noexcept;
  [[nodiscard]] bool is_hung_up() const noexcept;
  // A process of an earlier instance may hold the pipe.
  [[nodiscard]] bool may_be_held_by_others() const noexcept;

  // --- The daemon's services. A connection that is lost is dropped by the call that finds it so.

  // Errors: the connection's or the daemon's.
  [[nodiscard]] cs_error_t connect(Service service, Deadline deadline) noexcept;
  [[nodiscard]] bool is_connected(Service service) const noexcept;
  void drop(Service service) noexcept;

  // The next verdict of the quorum service that has arrived; empty when there is none. The loss of
  // the connection is the verdict "not quorate".
  [[nodiscard]] std::optional<bool> next_verdict() noexcept;
  // The last verdict.
  [[nodiscard]] bool is_quorate() const noexcept;

  // cmap: drops a connection whose daemon is gone.
  void check_cmap() noexcept;
  [[nodiscard]] cs_error_t set_key(std::string_view key, std::string_view value,
                                   Deadline deadline) noexcept;
  [[nodiscard]] cs_error_t set_key(std::string_view key, std::uint64_t value,
                                   Deadline deadline) noexcept;
  [[nodiscard]] cs_error_t delete_keys(std::string_view prefix, Deadline deadline) noexcept;

 protected:
  World() noexcept = default;
  ~World() = default;
};

}  // namespace cs::sam

#endif
