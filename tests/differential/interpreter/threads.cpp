// SPDX-License-Identifier: BSD-3-Clause
// Threads that do steps, and may be cancelled in them; processes that do them.
#include "differential/interpreter/threads.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "differential/interpreter/calls.h"
#include "differential/interpreter/record.h"

namespace cs::differential {
namespace {

constexpr int kJoinMs = 1500;

enum class Life { kNone, kIdle, kBusy, kGone };

struct Thread {
  pthread_t id = {};
  std::atomic<pid_t> number = 0;
  std::atomic<Life> life = Life::kNone;
  std::atomic<int> sleeps_on = -1;
  std::atomic<bool> cancelled = false;
  int cancel_type = PTHREAD_CANCEL_DEFERRED;
  sem_t begin = {};
  sem_t end = {};
  Step step;
};

struct Process {
  pid_t pid = 0;
  int socket = -1;
};

Thread g_threads[10];
Process g_processes[10];
thread_local Thread* t_self = nullptr;

void leave(void* self) {
  auto& thread = *static_cast<Thread*>(self);
  thread.life = Life::kGone;
  sem_post(&thread.end);
}

void* work(void* self) {
  auto& thread = *static_cast<Thread*>(self);
  t_self = &thread;
  thread.number = ::gettid();
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
  pthread_cleanup_push(leave, self);
  for (;;) {
    while (sem_wait(&thread.begin) != 0) continue;
    at_line(thread.step.line);
    pthread_setcanceltype(thread.cancel_type, nullptr);
    perform(thread.step);
    thread.sleeps_on = -1;
    thread.life = Life::kIdle;
    sem_post(&thread.end);
  }
  pthread_cleanup_pop(0);
  return nullptr;
}

void begin(Thread& thread) {
  sem_init(&thread.begin, 0, 0);
  sem_init(&thread.end, 0, 0);
  thread.number = 0;
  thread.cancelled = false;
  thread.sleeps_on = -1;
  thread.life = Life::kIdle;
  if (pthread_create(&thread.id, nullptr, work, &thread) != 0) thread.life = Life::kNone;
}

bool wait_for_end(Thread& thread, int milliseconds) {
  timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  const long nanoseconds = until.tv_nsec + milliseconds % 1000 * 1'000'000L;
  until.tv_sec += milliseconds / 1000 + nanoseconds / 1'000'000'000;
  until.tv_nsec = nanoseconds % 1'000'000'000;
  while (sem_timedwait(&thread.end, &until) != 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

void reap(Thread& thread) {
  pthread_join(thread.id, nullptr);
  thread.life = Life::kNone;
}

// Asleep in the kernel, with nothing to read.
bool sleeps(Thread& thread) {
  if (thread.number == 0) return false;
  char path[64];
  std::snprintf(path, sizeof(path), "/proc/self/task/%d/stat", thread.number.load());
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return true;
  char text[256] = {};
  const ssize_t size = ::read(fd, text, sizeof(text) - 1);
  ::close(fd);
  const char* name_end = size > 0 ? std::strrchr(text, ')') : nullptr;
  if (name_end == nullptr || name_end[2] != 'S') return false;
  pollfd source = {.fd = thread.sleeps_on, .events = POLLIN, .revents = 0};
  return source.fd < 0 || ::poll(&source, 1, 0) == 0;
}

void perform_in(Thread& thread, const Step& step) {
  if (thread.life == Life::kGone) reap(thread);
  if (thread.life == Life::kNone) begin(thread);
  if (thread.life != Life::kIdle) {
    record("%s is busy", step.who.c_str());
    return;
  }
  while (sem_trywait(&thread.end) == 0) continue;  // of a step that nobody waited for
  thread.step = step;
  thread.life = Life::kBusy;
  sem_post(&thread.begin);
  if (!step.waits) {
    wait_until_quiet();
    return;
  }
  while (sem_wait(&thread.end) != 0) continue;
  if (thread.life == Life::kGone) {
    record("%s has ended", step.who.c_str());
    reap(thread);
  }
}

// What a forked process does: the steps that come through the socket, each acknowledged.
[[noreturn]] void serve(int socket) {
  char text[1024];
  for (;;) {
    const ssize_t size = ::read(socket, text, sizeof(text) - 1);
    if (size <= 0) ::_exit(0);
    text[size] = 0;
    char* rest = nullptr;
    const auto line = static_cast<unsigned>(std::strtoul(text, &rest, 10));
    at_line(line);
    perform(parse_step(line, rest));
    if (::write(socket, "", 1) != 1) ::_exit(0);
  }
}

void fork_process(Process& process, const std::string& name) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return;
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(ends[0]);
    call_process(name.c_str());
    for (Thread& thread : g_threads) thread.life = Life::kNone;
    serve(ends[1]);
  }
  ::close(ends[1]);
  process = {pid, ends[0]};
}

void tell_how_it_ended(Process& process, const char* name) {
  int status = 0;
  while (::waitpid(process.pid, &status, 0) < 0 && errno == EINTR) continue;
  if (WIFEXITED(status)) record("%s exited with %d", name, WEXITSTATUS(status));
  if (WIFSIGNALED(status)) record("%s was ended by signal %d", name, WTERMSIG(status));
  ::close(process.socket);
  process = {};
}

void perform_in(Process& process, const Step& step) {
  if (process.pid == 0) {
    record("no %s", step.who.c_str());
    return;
  }
  std::string text = std::to_string(step.line);
  for (const std::string& word : step.words) text += " " + word;
  char acknowledged;
  if (::send(process.socket, text.data(), text.size(), MSG_NOSIGNAL) < 0 ||
      ::read(process.socket, &acknowledged, 1) != 1) {
    tell_how_it_ended(process, step.who.c_str());
  }
}

std::size_t index_of(const std::string& who) {
  return who.size() == 2 ? static_cast<std::size_t>(who[1] - '0') % 10 : 0;
}

void join_thread(const Step& step) {
  Thread& thread = g_threads[index_of(step.word(1))];
  if (thread.life == Life::kNone) return record("no %s", step.word(1).c_str());
  if (!wait_for_end(thread, kJoinMs)) return record("%s is still at it", step.word(1).c_str());
  record("%s is through", step.word(1).c_str());
  if (thread.life == Life::kGone) reap(thread);
}

void cancel_thread(const Step& step) {
  Thread& thread = g_threads[index_of(step.word(1))];
  if (thread.life == Life::kNone) return record("no %s", step.word(1).c_str());
  if (thread.life == Life::kIdle) return record("%s is through", step.word(1).c_str());
  pthread_cancel(thread.id);
  if (!wait_for_end(thread, kJoinMs)) return record("%s is still at it", step.word(1).c_str());
  if (thread.life == Life::kGone) {
    record("%s was cancelled", step.word(1).c_str());
    reap(thread);
  } else {
    record("%s is through", step.word(1).c_str());
  }
}

void signal_thread(const Step& step) {
  Thread& thread = g_threads[index_of(step.word(1))];
  if (thread.life != Life::kBusy) return record("%s is through", step.word(1).c_str());
  pthread_kill(thread.id, static_cast<int>(step.number(2)));
  wait_until_quiet();
  record("%s %s", step.word(1).c_str(), thread.life == Life::kBusy ? "waits on" : "is through");
}

void choose_cancel_type(const Step& step) {
  Thread& thread = g_threads[index_of(step.word(1))];
  thread.cancel_type =
      step.word(2) == "async" ? PTHREAD_CANCEL_ASYNCHRONOUS : PTHREAD_CANCEL_DEFERRED;
}

void end_thread(const Step&) {
  if (t_self == nullptr) return record("not a thread of its own");
  pthread_exit(nullptr);
}

void fork_child(const Step& step) {
  Process& process = g_processes[index_of(step.word(1))];
  if (process.pid != 0) return record("%s is there", step.word(1).c_str());
  fork_process(process, step.word(1));
}

}  // namespace

void perform_elsewhere(const Step& step) {
  if (step.who[0] == 't') {
    perform_in(g_threads[index_of(step.who)], step);
  } else {
    perform_in(g_processes[index_of(step.who)], step);
  }
}

void wait_until_quiet() {
  constexpr int kRounds = 250;
  constexpr int kInARow = 3;
  int quiet = 0;
  for (int round = 0; round < kRounds && quiet < kInARow; ++round) {
    bool any = false;
    bool all = true;
    for (Thread& thread : g_threads) {
      const bool busy = &thread != t_self && thread.life == Life::kBusy;
      any = any || busy;
      all = all && (!busy || sleeps(thread));
    }
    if (!any) return;
    quiet = all ? quiet + 1 : 0;
    const timespec pause = {.tv_sec = 0, .tv_nsec = 2'000'000};
    nanosleep(&pause, nullptr);
  }
}

void sleeps_on(int fd) noexcept {
  if (t_self != nullptr) t_self->sleeps_on = fd;
}

bool in_own_thread() noexcept { return t_self != nullptr; }

void add_thread_calls(Calls& calls) {
  calls["join"] = join_thread;
  calls["cancel"] = cancel_thread;
  calls["signal_thread"] = signal_thread;
  calls["cancel_type"] = choose_cancel_type;
  calls["end_thread"] = end_thread;
  calls["fork"] = fork_child;
}

}  // namespace cs::differential
