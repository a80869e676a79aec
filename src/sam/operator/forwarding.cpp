// SPDX-License-Identifier: BSD-3-Clause
// The handler, and the dispositions that it stands in for.
#include "sam/operator/forwarding.h"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <pthread.h>
#include <unistd.h>

namespace cs::sam {
namespace {

// What the handler writes. Two words on machines that cannot add to eight bytes at once.
constinit std::atomic<std::uint32_t> g_arrived[2] = {};
constinit std::atomic<std::uint32_t> g_of_terminal[2] = {};
constinit std::atomic<bool> g_is_new = false;  // one has arrived since the last look
constinit std::atomic<pthread_t> g_supervisor = {};
// Kept here, as there is little room on some stacks.
constinit struct sigaction g_found[SignalSet::kMost] = {};

constexpr unsigned word_of(int number) noexcept { return static_cast<unsigned>(number - 1) / 32; }
constexpr std::uint32_t bit_of(int number) noexcept {
  return std::uint32_t{1} << (static_cast<unsigned>(number - 1) % 32);
}

// Whether a signal that the kernel sends has gone to the whole process group. Others are of one
// process, such as that of a timer; and a terminal that closes tells the leader of its session
// alone.
bool goes_to_group(int number) noexcept {
  switch (number) {
    case SIGINT:
    case SIGQUIT:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
    case SIGWINCH:
      return true;
    case SIGHUP:
      return ::getsid(0) != ::getpid();
    default:
      return false;
  }
}

void note(int number, siginfo_t* info, void*) {
  const int error = errno;
  const pthread_t supervisor = g_supervisor.load();
  const bool is_of_terminal = info->si_code == SI_KERNEL && goes_to_group(number);
  if (is_of_terminal) g_of_terminal[word_of(number)].fetch_or(bit_of(number));
  if (pthread_equal(supervisor, pthread_self()) != 0) {
    g_arrived[word_of(number)].fetch_or(bit_of(number));
    g_is_new.store(true);
  } else {
    (void)pthread_kill(supervisor, number);  // it may be asleep
  }
  errno = error;
}

bool take(std::atomic<std::uint32_t> (&set)[2], int number) noexcept {
  return (set[word_of(number)].fetch_and(~bit_of(number)) & bit_of(number)) != 0;
}

std::optional<ArrivedSignal> take_arrived(int number) noexcept {
  if (!take(g_arrived, number)) return {};
  return ArrivedSignal{number, take(g_of_terminal, number)};
}

}  // namespace

void Forwarding::begin(SignalSet signals) noexcept {
  signals_ = signals;
  if (signals_.is_empty()) return;
  g_supervisor.store(pthread_self());
  const sigset_t ours = signals_.to_mask();
  pthread_sigmask(SIG_BLOCK, &ours, &mask_);
  struct sigaction noting {};
  noting.sa_sigaction = note;
  noting.sa_flags = SA_SIGINFO | SA_RESTART;
  sigfillset(&noting.sa_mask);
  for (int number = 1; number <= SignalSet::kMost; ++number) {
    if (!signals_.has(number)) continue;
    if (::sigaction(number, &noting, &g_found[number - 1]) != 0) signals_.remove(number);
  }
}

// Dispositions first: what is pending is handled as the application wants it.
void Forwarding::give_back() noexcept {
  if (signals_.is_empty()) return;
  sigset_t unblocked;
  sigemptyset(&unblocked);
  for (int number = 1; number <= SignalSet::kMost; ++number) {
    if (!signals_.has(number)) continue;
    ::sigaction(number, &g_found[number - 1], nullptr);
    if (sigismember(&mask_, number) == 0) sigaddset(&unblocked, number);
  }
  pthread_sigmask(SIG_UNBLOCK, &unblocked, nullptr);
  signals_ = {};
}

bool Forwarding::has_news() const noexcept { return is_on() && g_is_new.load(); }

void Forwarding::let_in(sigset_t& mask) const noexcept {
  for (int number = 1; number <= SignalSet::kMost; ++number) {
    if (signals_.has(number)) sigdelset(&mask, number);
  }
}

// Those that are pending: a wait that has ended for another reason has not let them in.
void Forwarding::collect() const noexcept {
  const sigset_t ours = signals_.to_mask();
  const timespec no_wait{};
  siginfo_t info;
  while (::sigtimedwait(&ours, &info, &no_wait) > 0) note(info.si_signo, &info, nullptr);
}

void Forwarding::before_fork() const noexcept {
  if (signals_.is_empty()) return;
  collect();
  for (auto& word : g_of_terminal) word.store(0);
}

std::optional<ArrivedSignal> Forwarding::next(Which which) noexcept {
  if (signals_.is_empty()) return {};
  const int error = errno;
  collect();
  errno = error;
  g_is_new.store(false);
  for (const int number : {SIGTERM, SIGINT, SIGQUIT}) {
    if (const auto arrived = take_arrived(number)) return arrived;
  }
  if (which == Which::kStops) return {};
  for (int number = 1; number <= SignalSet::kMost; ++number) {
    if (!signals_.has(number)) continue;
    if (const auto arrived = take_arrived(number)) return arrived;
  }
  return {};
}

}  // namespace cs::sam
