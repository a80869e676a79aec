// SPDX-License-Identifier: BSD-3-Clause
// What the benchmark programs share: clocks, samples, and the lines "name value" that they print
// and bench/run.py reads.
#ifndef CS_BENCH_HARNESS_H
#define CS_BENCH_HARNESS_H

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/types.h>
#include <time.h>
#include <vector>

namespace cs::bench {

inline void report(const std::string& name, double value) {
  std::printf("%s %.9g\n", name.c_str(), value);
  std::fflush(stdout);
}

// A figure from a run that went wrong is worth nothing.
inline void require(bool condition, const char* what) {
  if (condition) return;
  std::perror(what);
  std::exit(1);
}

inline double nanoseconds(clockid_t clock = CLOCK_MONOTONIC) {
  timespec now{};
  require(clock_gettime(clock, &now) == 0, "clock_gettime");
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// The clock of the processor time that another process has used.
inline clockid_t cpu_clock_of(pid_t pid) {
  clockid_t clock{};
  require(clock_getcpuclockid(pid, &clock) == 0, "clock_getcpuclockid");
  return clock;
}

inline void sleep_microseconds(long time) {
  const timespec delay{.tv_sec = time / 1'000'000, .tv_nsec = time % 1'000'000 * 1000};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &delay, nullptr);
}

// The number of repetitions, or few of them where only the working is to be seen.
inline std::size_t scaled(std::size_t count) {
  static const bool quick = std::getenv("CS_BENCH_QUICK") != nullptr;
  return quick ? std::min<std::size_t>(count, std::max<std::size_t>(count / 50, 2)) : count;
}

class Samples {
 public:
  void add(double value) { values_.push_back(value); }
  [[nodiscard]] std::size_t count() const { return values_.size(); }

  [[nodiscard]] double percentile(double percent) {
    require(!values_.empty(), "no samples");
    std::sort(values_.begin(), values_.end());
    const double rank = percent / 100 * static_cast<double>(values_.size() - 1);
    return values_[static_cast<std::size_t>(rank + 0.5)];
  }
  [[nodiscard]] double median() { return percentile(50); }

 private:
  std::vector<double> values_;
};

}  // namespace cs::bench

#endif
