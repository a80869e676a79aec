// SPDX-License-Identifier: BSD-3-Clause
// The process around the libraries.
#include "differential/interpreter/process_calls.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "differential/interpreter/calls.h"
#include "differential/interpreter/record.h"
#include "differential/interpreter/threads.h"

namespace cs::differential {
namespace {

struct Shared {
  std::atomic<unsigned> instances;
  std::atomic<pid_t> active;
};

Shared& shared() noexcept {
  static auto* const page = static_cast<Shared*>(
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  return *page;
}
[[maybe_unused]] Shared& g_mapped_before_any_fork = shared();

void on_signal(int number) { record_signal(number); }

void set_disposition(const Step& step, void (*what)(int)) {
  struct sigaction action = {};
  action.sa_handler = what;
  action.sa_flags = SA_RESTART;
  if (::sigaction(static_cast<int>(step.number(1)), &action, nullptr) != 0) record("refused");
}

void change_mask(const Step& step, int how) {
  sigset_t set;
  sigemptyset(&set);
  for (std::size_t i = 1; i < step.words.size(); ++i) {
    sigaddset(&set, static_cast<int>(step.number(i)));
  }
  pthread_sigmask(how, &set, nullptr);
}

void raise_signal(const Step& step) {
  const auto number = static_cast<int>(step.number(1));
  ::signal(number, SIG_DFL);
  rlimit no_core = {0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  ::kill(::getpid(), number);
  sleep_ms(1000);
  record("lives on");
}

void hang(const Step& step) {
  if (step.words.size() > 1) return sleep_ms(step.number(1));
  for (;;) ::pause();
}

void close_from(const Step& step) { ::close_range(static_cast<unsigned>(step.number(1)), ~0U, 0); }

void tell_end(pid_t pid) {
  int status = 0;
  pid_t reaped;
  do {
    reaped = ::waitpid(pid, &status, 0);
  } while (reaped < 0 && errno == EINTR);
  record("child %s with %d", reaped == pid ? "reaped" : "lost", status);
}

// child KIND [MILLISECONDS]: code (ends with 7), crash, stay (is not waited for), command.
void child(const Step& step) {
  const std::string& kind = step.word(1);
  if (kind == "command") return record("system: %d", std::system("exit 3"));
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (kind == "crash") ::kill(::getpid(), SIGKILL);
    if (kind == "stay") {
      sleep_ms(step.number(2));
      ::_exit(0);
    }
    if (kind == "exec") {
      const std::string seconds = std::to_string(static_cast<double>(step.number(2)) / 1000);
      ::execlp("sleep", "sleep", seconds.c_str(), nullptr);
    }
    ::_exit(7);
  }
  if (pid < 0) return record("no fork");
  if (kind == "code" || kind == "crash") tell_end(pid);
}

// daemonize TIMES: the child goes on, the parent ends with 0.
void daemonize(const Step& step) {
  for (long i = 0; i < step.number(1); ++i) {
    const pid_t pid = ::fork();
    if (pid < 0) return record("no fork");
    if (pid > 0) ::_exit(0);
    ::setsid();
  }
  exchange_active(::getpid());
}

// What is told there is told behind all else.
constexpr unsigned kAtExit = 100'000;
std::vector<Step> g_at_exit;

void do_at_exit() {
  record("exit handler");
  for (const Step& step : g_at_exit) {
    at_line(kAtExit + step.line);
    perform(step);
    wait_until_quiet();
  }
  g_at_exit.clear();
}

// at_exit [STEP]: what is registered before sam_register is done by all that end with exit().
void at_exit(const Step& step) {
  if (g_at_exit.empty()) std::atexit(do_at_exit);
  g_at_exit.push_back(step.after(1));
}

void limit_descriptors(const Step& step) {
  const auto most = static_cast<rlim_t>(step.number(1));
  const rlimit limit = {most, most};
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

void sleep_ms(long milliseconds) noexcept {
  timespec left = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1'000'000};
  while (::nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

bool is_running(pid_t pid) noexcept {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char text[256] = {};
  const ssize_t size = ::read(fd, text, sizeof(text) - 1);
  ::close(fd);
  const char* const name_end = size > 0 ? std::strrchr(text, ')') : nullptr;
  return name_end != nullptr && std::strchr("ZX", name_end[2]) == nullptr;
}

void tell_mask() noexcept {
  sigset_t set;
  pthread_sigmask(SIG_SETMASK, nullptr, &set);
  std::string list;
  for (int number = 1; number < 65; ++number) {
    if (sigismember(&set, number) == 1) list += " " + std::to_string(number);
  }
  record("blocks%s", list.empty() ? " nothing" : list.c_str());
}

void tell_signals() noexcept {
  tell_mask();
  std::string list;
  for (int number = 1; number < 65; ++number) {
    struct sigaction action = {};
    if (::sigaction(number, nullptr, &action) != 0) continue;
    if (action.sa_handler == SIG_IGN) list += " ignores " + std::to_string(number);
    if (action.sa_handler == on_signal) list += " handles " + std::to_string(number);
    if (action.sa_handler != SIG_IGN && action.sa_handler != SIG_DFL &&
        action.sa_handler != on_signal) {
      list += " else " + std::to_string(number);
    }
  }
  record("signals:%s", list.c_str());
}

unsigned next_instance() noexcept { return shared().instances.fetch_add(1) + 1; }
pid_t exchange_active(pid_t pid) noexcept { return shared().active.exchange(pid); }

void add_process_calls(Calls& calls) {
  calls["sleep"] = [](const Step& step) { sleep_ms(step.number(1)); };
  calls["hang"] = hang;
  calls["exit"] = [](const Step& step) { std::exit(static_cast<int>(step.number(1))); };
  calls["_exit"] = [](const Step& step) { ::_exit(static_cast<int>(step.number(1))); };
  calls["raise"] = raise_signal;
  calls["handle"] = [](const Step& step) { set_disposition(step, on_signal); };
  calls["ignore"] = [](const Step& step) { set_disposition(step, SIG_IGN); };
  calls["default"] = [](const Step& step) { set_disposition(step, SIG_DFL); };
  calls["block"] = [](const Step& step) { change_mask(step, SIG_BLOCK); };
  calls["unblock"] = [](const Step& step) { change_mask(step, SIG_UNBLOCK); };
  calls["tell_signals"] = [](const Step&) { tell_signals(); };
  calls["signal_group"] = [](const Step& step) { ::kill(0, static_cast<int>(step.number(1))); };
  calls["close_from"] = close_from;
  calls["limit_descriptors"] = limit_descriptors;
  calls["child"] = child;
  calls["daemonize"] = daemonize;
  calls["at_exit"] = at_exit;
}

}  // namespace cs::differential
