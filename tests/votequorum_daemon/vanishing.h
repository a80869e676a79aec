// SPDX-License-Identifier: BSD-3-Clause
// Threads that never return from a call: cancelled in it, or leaving it by a jump.
#pragma once

#include <pthread.h>
#include <setjmp.h>
#include <sys/time.h>

#include <csignal>
#include <functional>
#include <utility>

#include "support/child.h"
#include "support/paths_below.h"

namespace cs::test {

// What a process holds of its connections. Some of it goes when the daemon has noticed.
struct Holdings {
  std::size_t descriptors;
  std::size_t rings;  // entries in /dev/shm

  static Holdings now() { return {count("/proc/self/fd"), count("/dev/shm")}; }
  // What was held before may have been somebody's who was just leaving.
  [[nodiscard]] bool at_most(const Holdings& before) const {
    return descriptors <= before.descriptors && rings <= before.rings;
  }

 private:
  static std::size_t count(const char* folder) { return paths_below(folder).size(); }
};

inline bool back_to(const Holdings& before) {
  return eventually([&] { return Holdings::now().at_most(before); }, milliseconds(10000));
}

// A thread to be cancelled. Its body holds nothing that would have to be destroyed.
class Victim {
 public:
  explicit Victim(std::function<void()> body, int type = PTHREAD_CANCEL_DEFERRED)
      : body_(std::move(body)), type_(type) {
    ::pthread_create(&thread_, nullptr, run, this);
  }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;
  ~Victim() {
    if (!joined_) ::pthread_join(thread_, nullptr);
  }

  void cancel() { ::pthread_cancel(thread_); }

  // Whether it ended in time; it was cancelled, or it returned.
  [[nodiscard]] bool ends(milliseconds limit = kPatience) {
    timespec end{};
    ::clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += limit.count() / 1000;
    joined_ = ::pthread_timedjoin_np(thread_, &result_, &end) == 0;
    return joined_;
  }
  [[nodiscard]] bool was_cancelled() const { return result_ == PTHREAD_CANCELED; }

 private:
  static void* run(void* self) {
    auto* const victim = static_cast<Victim*>(self);
    ::pthread_setcanceltype(victim->type_, nullptr);
    victim->body_();
    ::pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, nullptr);
    return nullptr;
  }

  const std::function<void()> body_;
  const int type_;
  pthread_t thread_{};
  void* result_ = nullptr;
  bool joined_ = false;
};

// The classic time limit: a SIGALRM handler that jumps back out of what takes too long.
class TimeLimit {
 public:
  TimeLimit() {
    struct sigaction action {};
    action.sa_handler = [](int) {
      if (armed_) ::siglongjmp(back_, 1);
    };
    ::sigaction(SIGALRM, &action, &before_);
  }
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;
  ~TimeLimit() { ::sigaction(SIGALRM, &before_, nullptr); }

  // For the signal to come to the one thread that calls run(), all others keep it off.
  static void keep_off(bool off) {
    sigset_t alarm;
    ::sigemptyset(&alarm);
    ::sigaddset(&alarm, SIGALRM);
    ::pthread_sigmask(off ? SIG_BLOCK : SIG_UNBLOCK, &alarm, nullptr);
  }

  // Whether body, which holds nothing, returned in time.
  template <typename Body>
  static bool run(long microseconds, Body&& body) {
    volatile bool returned = false;
    if (::sigsetjmp(back_, 1) == 0) {
      armed_ = 1;
      const itimerval limit{{0, 0}, {microseconds / 1000000, microseconds % 1000000}};
      ::setitimer(ITIMER_REAL, &limit, nullptr);
      body();
      armed_ = 0;
      returned = true;
    }
    armed_ = 0;
    const itimerval none{};
    ::setitimer(ITIMER_REAL, &none, nullptr);
    return returned;
  }

 private:
  static inline sigjmp_buf back_;
  static inline volatile sig_atomic_t armed_ = 0;
  struct sigaction before_ {};
};

}  // namespace cs::test
