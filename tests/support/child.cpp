// SPDX-License-Identifier: BSD-3-Clause
// Child processes of a test, on fork, pidfd and poll.
#include "support/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <ostream>
#include <system_error>
#include <thread>

namespace cs::test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kCannotStart = 127;

int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now()).count();
  return left > 0 ? static_cast<int>(left) + 1 : 0;
}

[[noreturn]] void raise_errno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// In the child, right after the fork.
void die_with_parent(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kCannotStart);  // it is gone already
}

pid_t fork_checked() {
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) raise_errno("fork");
  if (pid == 0) die_with_parent(parent);
  return pid;
}

void make_pipe(UniqueFd& read_end, UniqueFd& write_end) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) raise_errno("pipe2");
  read_end.reset(fds[0]);
  write_end.reset(fds[1]);
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> result;
  for (const std::string& word : words) result.push_back(const_cast<char*>(word.c_str()));
  result.push_back(nullptr);
  return result;
}

// Our environment with the given variables in place of those of the same name. Built before the
// fork: another thread of ours may hold the heap's lock at that moment.
std::vector<std::string> merged_environment(const ProgramOptions& options) {
  std::vector<std::string> result;
  for (const auto& [name, value] : options.environment) result.push_back(name + "=" + value);
  const std::size_t given = result.size();
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string line = *entry;
    const std::string prefix = line.substr(0, line.find('=') + 1);
    bool replaced = false;
    for (std::size_t i = 0; i < given; ++i) replaced |= result[i].starts_with(prefix);
    if (!replaced) result.push_back(line);
  }
  return result;
}

UniqueFd open_output(const ProgramOptions& options) {
  if (options.output_file.empty()) return {};
  UniqueFd fd(::open(options.output_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (fd.get() < 0) raise_errno("open of an output file");
  return fd;
}

// Reads what is there without waiting; closes the descriptor at the end of the stream.
void drain(UniqueFd& fd, std::string& into) {
  char buffer[4096];
  while (fd.get() >= 0) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof(buffer));
    if (got > 0) {
      into.append(buffer, static_cast<std::size_t>(got));
    } else if (got == 0) {
      fd.reset();
    } else if (errno != EINTR) {
      return;
    }
  }
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  if (outcome.timed_out) {
    out << "still running at the deadline";
  } else if (outcome.signal != 0) {
    out << "ended by signal " << outcome.signal;
  } else {
    out << "exit status " << outcome.exit_status;
  }
  return out << (outcome.output.empty() ? "" : ", output:\n") << outcome.output;
}

Child Child::run(const std::function<int()>& body) {
  const pid_t pid = fork_checked();
  if (pid == 0) ::_exit(body());
  return Child(pid, UniqueFd());
}

Child Child::exec(const std::vector<std::string>& argv, ProgramOptions options) {
  std::vector<std::string> environment = merged_environment(options);
  const std::vector<char*> arguments = pointers(argv);
  const std::vector<char*> variables = pointers(environment);
  UniqueFd read_end;
  UniqueFd write_end = open_output(options);
  if (options.capture) make_pipe(read_end, write_end);

  const pid_t pid = fork_checked();
  if (pid == 0) {
    const int null = ::open("/dev/null", O_RDONLY);
    ::dup2(null, STDIN_FILENO);
    if (write_end.get() >= 0) {
      ::dup2(write_end.get(), STDOUT_FILENO);
      ::dup2(write_end.get(), STDERR_FILENO);
    }
    if (options.before_exec) options.before_exec();  // it may close what we have opened
    ::execve(arguments[0], arguments.data(), variables.data());
    ::_exit(kCannotStart);
  }
  if (read_end.get() >= 0) ::fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
  return Child(pid, std::move(read_end));
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), output_(std::move(other.output_)) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this == &other) return *this;
  kill_and_reap();
  pid_ = std::exchange(other.pid_, 0);
  output_ = std::move(other.output_);
  return *this;
}

Child::~Child() { kill_and_reap(); }

bool Child::running() {
  if (pid_ == 0) return false;
  siginfo_t info{};  // WNOWAIT: looked at, left for wait() to collect
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

void Child::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

bool Child::reap(int flags, Outcome& outcome) {
  int status = 0;
  pid_t reaped = 0;
  do {
    reaped = ::waitpid(pid_, &status, flags);
  } while (reaped < 0 && errno == EINTR);
  if (reaped == 0) return false;
  pid_ = 0;
  if (reaped < 0) return true;  // somebody else collected it: nothing is known
  if (WIFEXITED(status)) outcome.exit_status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
  return true;
}

Outcome Child::wait(milliseconds limit) {
  Outcome outcome;
  if (pid_ == 0) return outcome;
  const auto deadline = Clock::now() + limit;
  const UniqueFd ended(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  // Valgrind 3.19 does not know the call: there one looks again and again.
  if (ended.get() < 0 && errno != ENOSYS) raise_errno("pidfd_open");
  const int longest = ended.get() < 0 ? 5 : INT_MAX;
  while (!reap(WNOHANG, outcome)) {
    // A negative descriptor (output not captured, or at its end) is skipped by poll.
    pollfd sources[] = {{ended.get(), POLLIN, 0}, {output_.get(), POLLIN, 0}};
    const int ready = ::poll(sources, 2, std::min(longest, milliseconds_until(deadline)));
    drain(output_, outcome.output);
    if (ready == 0 && Clock::now() >= deadline) {
      outcome.timed_out = true;
      signal(SIGKILL);
      reap(0, outcome);
      break;
    }
  }
  drain(output_, outcome.output);
  return outcome;
}

void Child::kill_and_reap() {
  if (pid_ == 0) return;
  signal(SIGKILL);
  Outcome ignored;
  reap(0, ignored);
}

Outcome run_program(const std::vector<std::string>& argv, ProgramOptions options,
                    milliseconds limit) {
  options.capture = true;
  return Child::exec(argv, std::move(options)).wait(limit);
}

Gate::Gate() { make_pipe(read_, write_); }

void Gate::open(char token) {
  if (::write(write_.get(), &token, 1) != 1) raise_errno("write to a gate");
}

std::optional<char> Gate::wait(milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  for (;;) {
    pollfd source{read_.get(), POLLIN, 0};
    const int ready = ::poll(&source, 1, milliseconds_until(deadline));
    if (ready < 0 && errno == EINTR) continue;
    char token = 0;
    if (ready <= 0 || ::read(read_.get(), &token, 1) != 1) return std::nullopt;
    return token;
  }
}

bool eventually(const std::function<bool()>& done, milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  for (;;) {
    if (done()) return true;
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(milliseconds(5));
  }
}

}  // namespace cs::test
