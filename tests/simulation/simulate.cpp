// SPDX-License-Identifier: BSD-3-Clause
// simulate [--single] [SECONDS] | --seeds COUNT | --seed N: runs the supervisor in worlds of fresh
// seeds for so long (CS_SIMULATE_SECONDS, else 60), on all processors or on one; in those of the
// seeds from 1 to COUNT; or in that of one seed, with its trace. Exit status: 1 when an invariant
// did not hold; the trace is that of the run that broke it.
#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <sys/wait.h>
#include <unistd.h>

#include "simulation/scenario.h"

namespace {

using cs::sam::simulation::Random;
using cs::sam::simulation::Trace;

constexpr int kLines = 120;

void print(const Trace& trace, std::size_t most) {
  const auto& lines = trace.lines();
  if (lines.size() > most) std::printf("  (%zu lines before these)\n", lines.size() - most);
  for (std::size_t i = lines.size() > most ? lines.size() - most : 0; i < lines.size(); ++i) {
    std::printf("  %s\n", lines[i].c_str());
  }
}

// A run that is not traced is run again for its trace.
void failed(const Trace& trace, const std::string& what) {
  char seed[32];
  std::snprintf(seed, sizeof(seed), "%" PRIu64, trace.seed());
  if (!trace.is_on()) {
    std::fflush(stdout);
    ::execl("/proc/self/exe", "simulate", "--broken", seed, nullptr);
    std::_Exit(1);
  }
  print(trace, kLines);
  std::printf("seed %s: broken: %s\n(again with: scripts/simulate --seed %s)\n", seed, what.c_str(),
              seed);
  std::fflush(stdout);
  std::_Exit(1);
}

struct Count {
  std::uint64_t lives = 0;
  std::uint64_t supervisors = 0;
};

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Seeds, and what ends them: the last one, or time.
struct Range {
  std::uint64_t first;
  std::uint64_t last = UINT64_MAX;
  double seconds = HUGE_VAL;
};

Count run_seeds(const Range& range, unsigned worker, unsigned workers) {
  const auto begin = std::chrono::steady_clock::now();
  Count count;
  for (std::uint64_t seed = range.first + worker;
       seed <= range.last && seconds_since(begin) < range.seconds; seed += workers) {
    Random random(seed);
    Trace trace(seed, false, failed);
    count.lives += cs::sam::simulation::run_scenario(random, trace);
    ++count.supervisors;
  }
  return count;
}

Range choose_seeds(double seconds) {
  std::random_device device;
  const std::uint64_t first = (static_cast<std::uint64_t>(device()) << 20) + device() % 1000;
  std::printf("seeds from %" PRIu64 " on, for %.0f s\n", first, seconds);
  return {.first = first, .seconds = seconds};
}

// One process on each processor, each with its share of the seeds; or a single one.
int run_all(const Range& range, bool is_single) {
  const auto begin = std::chrono::steady_clock::now();
  const long processors = is_single ? 1 : ::sysconf(_SC_NPROCESSORS_ONLN);
  const auto workers = static_cast<unsigned>(std::max(1L, processors));
  std::fflush(stdout);
  int ends[2];
  if (::pipe(ends) != 0) return 2;
  for (unsigned worker = 0; worker < workers; ++worker) {
    if (::fork() != 0) continue;
    const Count count = run_seeds(range, worker, workers);
    ::_exit(::write(ends[1], &count, sizeof(count)) == sizeof(count) ? 0 : 2);
  }
  ::close(ends[1]);
  Count sum;
  for (Count count; ::read(ends[0], &count, sizeof(count)) == sizeof(count);) {
    sum.lives += count.lives;
    sum.supervisors += count.supervisors;
  }
  int result = 0;
  for (int status; ::wait(&status) > 0;) result = status != 0 ? 1 : result;
  std::printf("%" PRIu64 " lives of %" PRIu64 " supervisors, %.0f lives a minute: %s\n", sum.lives,
              sum.supervisors, static_cast<double>(sum.lives) * 60 / seconds_since(begin),
              result == 0 ? "all held" : "BROKEN, see above");
  return result;
}

int run_one(std::uint64_t seed) {
  Random random(seed);
  Trace trace(seed, true, failed);
  const unsigned lives = cs::sam::simulation::run_scenario(random, trace);
  print(trace, SIZE_MAX);
  std::printf("seed %" PRIu64 ": %u lives, all held\n", seed, lives);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2 && (std::strcmp(argv[1], "--seed") == 0 || std::strcmp(argv[1], "--broken") == 0)) {
    return run_one(std::strtoull(argv[2], nullptr, 10));
  }
  if (argc > 2 && std::strcmp(argv[1], "--seeds") == 0) {
    return run_all({.first = 1, .last = std::strtoull(argv[2], nullptr, 10)}, false);
  }
  const bool is_single = argc > 1 && std::strcmp(argv[1], "--single") == 0;
  const int at = is_single ? 2 : 1;
  const char* const given = argc > at ? argv[at] : std::getenv("CS_SIMULATE_SECONDS");
  return run_all(choose_seeds(given != nullptr ? std::strtod(given, nullptr) : 60), is_single);
}
