// SPDX-License-Identifier: BSD-3-Clause
// A simulated application, one life after the other, and the processes that it consists of: it
// starts, sends health checks, hangs, stops, stores, crashes, becomes a daemon, floods the pipe.
#pragma once

#include <vector>
#include <sys/types.h>

#include "sam/shared/policy.h"
#include "simulation/random.h"
#include "simulation/trace.h"
#include "simulation/wires.h"

namespace cs::sam::simulation {

struct Process {
  pid_t pid = 0;
  unsigned instance = 0;
  bool is_child = false;  // of the supervisor
  bool is_alive = true;
  bool is_reaped = false;
  int status = 0;
  unsigned pipe = 0;             // the pipe whose writing end it holds; 0: none
  unsigned era = 0;              // of the stored data
  Nanoseconds dies_at = kNever;  // a signal is on its way, or it is about to exit
  int dies_with = 0;
  Nanoseconds held_until = 0;       // by a tracer, when dead
  Nanoseconds commits_at = kNever;  // a store that it began while its instance was current
  bool is_signalled = false;        // by the supervisor
  Nanoseconds announced = kNever;   // when a daemon has called SAM for the first time
  bool is_stolen = false;           // somebody else has reaped it, and its status is not known
};

class Application {
 public:
  enum class State : std::uint8_t {
    kNone,
    kBorn,
    kStarting,
    kStarted,
    kStopping,
    kStopped,
    kSilent
  };

  Application(Random& random, Trace& trace, const Settings& settings, Wires& wires,
              StoredData& data)
      : random_(random), trace_(trace), settings_(settings), wires_(wires), data_(data) {}

  // A new instance, in a new child of the supervisor. is_last: it is to leave at once.
  pid_t begin(unsigned instance, Nanoseconds now, bool is_last);
  [[nodiscard]] Nanoseconds next_event() const { return next_event_; }
  void act(Nanoseconds now);
  // The supervisor has signalled one of its processes.
  void receive_signal(pid_t pid, int number, Nanoseconds now);
  // A process is dumping core until then, as it turns out.
  void dump(pid_t pid, Nanoseconds until);
  // The supervisor has answered.
  void reply_came(Nanoseconds now);
  // A command has been taken out of the pipe.
  void room_came(Nanoseconds now);

  [[nodiscard]] Process* find(pid_t pid);
  // Whether the application is at work: in which process it is, lives.
  [[nodiscard]] bool is_at_work() const;
  [[nodiscard]] const Process* main() const { return find_const(main_); }
  [[nodiscard]] bool holds_pipe(unsigned pipe) const;
  [[nodiscard]] const std::vector<Process>& processes() const { return processes_; }
  // The instance has had more than one process.
  [[nodiscard]] bool has_forked() const { return has_forked_; }
  [[nodiscard]] unsigned instance() const { return instance_; }
  // Number of the command whose answer it waits for; 0: none.
  [[nodiscard]] std::uint32_t pending() const { return is_at_work() ? pending_ : 0; }
  [[nodiscard]] Nanoseconds last_beat() const { return last_beat_; }
  // What is noted in each command that is written from now on: see Letter.
  void set_verdict(bool quorate, std::uint64_t founds) {
    verdict_ = quorate;
    founds_ = founds;
  }
  // So many children of the supervisor have died.
  [[nodiscard]] unsigned child_deaths() const { return child_deaths_; }
  // Whatever it is doing, it comes to an end.
  void doom(Nanoseconds now);

 private:
  [[nodiscard]] const Process* find_const(pid_t pid) const;
  Process& new_process(bool is_child);
  void die(Process& process, int status, Nanoseconds now);
  void exit(int code, Nanoseconds now);
  void crash(Nanoseconds now);
  void schedule(Nanoseconds now, Nanoseconds delay);
  void find_next();
  void run_main(Nanoseconds now);
  void be_born(Nanoseconds now);
  void await_reply(Nanoseconds now);
  void let_go(Nanoseconds now);
  void leave_call(Nanoseconds now);
  void work(Nanoseconds now);
  void do_something(Nanoseconds now);
  void be_stopped(Nanoseconds now);
  void ask(Command command, State state, Nanoseconds now);
  void write(Command command, int argument, std::uint32_t sequence, Nanoseconds now);
  void beat(Nanoseconds now);
  void store(Nanoseconds now);
  void become_daemon(Nanoseconds now);
  void make_helper(Nanoseconds now);
  void flood();
  [[nodiscard]] Nanoseconds gap();
  [[nodiscard]] int choose_signal_number();

  Random& random_;
  Trace& trace_;
  const Settings settings_;
  Wires& wires_;
  StoredData& data_;
  std::vector<Process> processes_;
  pid_t last_pid_ = 1000;
  unsigned child_deaths_ = 0;

  // Of this life.
  unsigned instance_ = 0;
  pid_t main_ = 0;  // the process that the application is in
  pid_t heir_ = 0;  // a daemon whose parent has not ended yet
  State state_ = State::kNone;
  bool is_last_ = false;
  bool has_forked_ = false;
  bool dies_of_warning_ = false;
  bool wakes_of_warning_ = false;
  bool has_announced_ = false;
  bool finishes_ = false;  // once it is stopped
  bool is_flooding_ = false;
  Nanoseconds longest_gap_ = 0;
  Nanoseconds last_beat_ = 0;
  std::uint32_t sequence_ = 0;
  std::uint32_t pending_ = 0;
  bool verdict_ = true;
  std::uint64_t founds_ = 0;
  Nanoseconds main_next_ = kNever;
  Nanoseconds next_event_ = kNever;
};

}  // namespace cs::sam::simulation
