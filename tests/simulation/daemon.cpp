// SPDX-License-Identifier: BSD-3-Clause
// What happens to the daemon.
#include "simulation/daemon.h"

#include <limits>

namespace cs::sam::simulation {
namespace {

constexpr Nanoseconds kMs = kNanosecondsPerMillisecond;
constexpr Nanoseconds kNever = std::numeric_limits<Nanoseconds>::max();

}  // namespace

Daemon::Daemon(Random& random, Trace& trace, Nanoseconds now, bool is_steady)
    : random_(random),
      trace_(trace),
      is_steady_(is_steady),
      is_quorate_(!random.once_in(4)),
      answers_since_(now),
      next_event_(is_steady ? kNever : now + random.between(0, 500 * kMs)) {}

void Daemon::act(Nanoseconds now) {
  next_event_ = now + random_.between(1, random_.one_of({kMs, 50 * kMs, 1000 * kMs, 4000 * kMs}));
  if (!is_up_) return come_back(now);
  switch (random_.below(8)) {
    case 0:
      return die(now);
    case 1:
      hangs_until_ = now + random_.between(1, 2000) * kMs;
      answers_since_ = hangs_until_;
      return trace_.note(now, "the daemon hangs for %d ms",
                         static_cast<int>((hangs_until_ - now) / kMs));
    case 2:  // again and again, faster than anybody looks
      for (auto flips = random_.below(40); flips > 0; --flips) flip(now);
      return;
    default:
      return flip(now);
  }
}

void Daemon::die(Nanoseconds now) {
  trace_.note(now, "the daemon dies");
  is_up_ = false;
  ++deaths_;
  is_broken_ = is_tracked_;
  if (is_tracked_) last_verdict_ = false;
  cmap_broken = cmap_connected;
  verdicts_.clear();
  keys = {};
  hangs_until_ = 0;
  answers_since_ = kNever;
}

void Daemon::come_back(Nanoseconds now) {
  is_up_ = true;
  is_quorate_ = !random_.once_in(3);
  answers_since_ = now;
  trace_.note(now, "the daemon is back, %s", is_quorate_ ? "quorate" : "not quorate");
}

void Daemon::flip(Nanoseconds now) {
  is_quorate_ = !is_quorate_;
  if (is_tracked_ && !is_broken_) {
    verdicts_.push_back(is_quorate_);
    arrive(is_quorate_);
  }
  trace_.note(now, "the partition is %s", is_quorate_ ? "quorate" : "not quorate");
}

void Daemon::arrive(bool verdict) {
  last_verdict_ = verdict;
  if (verdict) ++founds_;
}

bool Daemon::connect_quorum() {
  drop_quorum();
  is_tracked_ = true;
  arrive(is_quorate_);
  return is_quorate_;
}

void Daemon::drop_quorum() {
  is_tracked_ = is_broken_ = false;
  last_verdict_ = false;
  verdicts_.clear();
}

Nanoseconds Daemon::latency() {
  if (is_steady_ || !random_.once_in(8)) return random_.between(20'000, 200'000);
  return random_.between(0, random_.one_of({10 * kMs, 300 * kMs, 700 * kMs}));
}

bool Daemon::take_verdict() {
  const bool verdict = verdicts_.front();
  verdicts_.pop_front();
  return verdict;
}

}  // namespace cs::sam::simulation
