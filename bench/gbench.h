// SPDX-License-Identifier: BSD-3-Clause
// Google Benchmark, with its results printed as the lines "name value" of the other programs.
#ifndef CS_BENCH_GBENCH_H
#define CS_BENCH_GBENCH_H

#include <benchmark/benchmark.h>

#include "harness.h"

namespace cs::bench {

// Why a run has given no figure, as Google Benchmark tells since 1.8, and before.
template <typename Run>
const char* failure_of(const Run& run) {
  if constexpr (requires { run.skip_message; }) {
    return run.skipped ? run.skip_message.c_str() : nullptr;
  } else {
    return run.error_occurred ? run.error_message.c_str() : nullptr;
  }
}

// Nanoseconds of one iteration, the median of some repetitions. Where threads share the work, of
// the work as a whole: n threads that do not hinder one another need 1/n of the time.
class LineReporter : public ::benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }

  void ReportRuns(const std::vector<Run>& runs) override {
    Samples times;
    for (const Run& run : runs) {
      const char* const failure = failure_of(run);
      require(failure == nullptr, failure);
      if (run.run_type == Run::RT_Iteration) times.add(time_of(run));
    }
    if (times.count() > 0) report(name_of(runs.front()), times.median());
  }

 private:
  static std::string name_of(const Run& run) {
    const std::string& args = run.run_name.args;
    return run.run_name.function_name + (args.empty() ? "" : "_" + args) +
           (run.threads > 1 ? "_threads" + std::to_string(run.threads) : "");
  }

  static double time_of(const Run& run) {
    return run.real_accumulated_time / static_cast<double>(run.iterations) * 1e9;
  }
};

inline void run_google_benchmarks(int argc, char** argv) {
  ::benchmark::Initialize(&argc, argv);
  LineReporter reporter;
  require(::benchmark::RunSpecifiedBenchmarks(&reporter) > 0, "no benchmark of that name");
}

}  // namespace cs::bench

#endif
