// SPDX-License-Identifier: BSD-3-Clause
// How the supervisor hears of the death of a process: its child by waiting for it, woken by a pidfd
// or SIGCHLD; a process that is no child of ours by a pidfd, or by looking now and then. None of
// these is disturbed by what the application does with SIGCHLD or with inherited pipes.
#ifndef CS_SAM_DEATH_WATCH_H
#define CS_SAM_DEATH_WATCH_H

#include <optional>
#include <sys/types.h>
#include <utility>

#include "common/clock.h"
#include "sam/supervisor/world.h"

namespace cs::sam {

// Sole owner of a pidfd; moves and does not copy.
class Pidfd {
 public:
  // None for pid 0, or where none can be opened.
  Pidfd(World& world, pid_t pid) noexcept
      : world_(&world), fd_(pid != 0 ? world.open_pidfd(pid) : -1) {}
  Pidfd(Pidfd&& other) noexcept : world_(other.world_), fd_(std::exchange(other.fd_, -1)) {}
  Pidfd& operator=(Pidfd&& other) noexcept {
    close();
    world_ = other.world_;
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  ~Pidfd() { close(); }

  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] World& world() const noexcept { return *world_; }

 private:
  void close() noexcept {
    if (fd_ >= 0) world_->close_pidfd(fd_);
  }

  World* world_;
  int fd_;
};

// Watches one process.
class DeathWatch {
 public:
  enum class Kind : bool { kChild, kStranger };

  // A stranger with pid 0 is a process that is not known: it never dies.
  DeathWatch(World& world, pid_t pid, Kind kind = Kind::kChild) noexcept;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

  // To be polled for reading; -1 when there is nothing to be polled.
  [[nodiscard]] int fd() const noexcept { return is_held_ ? -1 : pidfd_.get(); }
  // Call when a poll said that fd() is readable, before has_died().
  void note_readable() noexcept { is_readable_ = true; }
  // When to call has_died() without being woken.
  [[nodiscard]] Deadline next_look(Nanoseconds now) const noexcept;

  // Reaps a child that is dead. One that a tracer still holds is not, yet.
  [[nodiscard]] bool has_died() noexcept;
  // A child was reaped elsewhere in this process.
  void note_status(int wait_status) noexcept { status_ = wait_status; }
  // Waits for the end of a child; for that of a stranger no longer than a second.
  void wait_for_end() noexcept;

  // Of a dead process, as far as it is known: ended by a signal, or with an exit code other than 0.
  [[nodiscard]] bool has_failed() const noexcept { return status_.value_or(0) != 0; }
  // False when a dead stranger's end could not be looked at.
  [[nodiscard]] bool knows_status() const noexcept { return pid_ == 0 || is_known_; }
  // 0 when a signal was the end, or the code is not known.
  [[nodiscard]] int exit_code() const noexcept;
  // 0 when an exit was the end, or it is not known.
  [[nodiscard]] int end_signal() const noexcept;
  // Of a dead process; 0 when it is not known.
  [[nodiscard]] int wait_status() const noexcept { return status_.value_or(0); }

  // Does nothing when the process is known to be dead, or is not known.
  void send_signal(int number) noexcept;

 private:
  [[nodiscard]] World& world() const noexcept { return pidfd_.world(); }

  pid_t pid_;
  Kind kind_;
  Pidfd pidfd_;
  std::optional<int> status_;  // of waitpid, once it is dead
  bool is_known_ = true;
  bool has_looked_ = false;
  bool is_readable_ = false;
  bool is_held_ = false;  // dead, but a tracer keeps it from us
};

}  // namespace cs::sam

#endif
