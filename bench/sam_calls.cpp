// SPDX-License-Identifier: BSD-3-Clause
// libsam on Google Benchmark, in an active process: health checks, and data stored and read back.
#include <vector>

#include "gbench.h"
#include "sam.h"

namespace cs::bench {
namespace {

constexpr int kMinuteMs = 60'000;  // no benchmark is to be taken for a hang

void hc_send(::benchmark::State& state) {
  for (auto _ : state) require(sam_hc_send() == CS_OK, "sam_hc_send");
}
BENCHMARK(hc_send)->UseRealTime();

void data_store(::benchmark::State& state) {
  const std::vector<char> data(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) require(sam_data_store(data.data(), data.size()) == CS_OK, "sam_data_store");
}
BENCHMARK(data_store)->Arg(64)->Arg(4 << 10)->Arg(1 << 20)->Arg(64 << 20)->UseRealTime();

void data_restore(::benchmark::State& state) {
  std::vector<char> data(static_cast<std::size_t>(state.range(0)), 'x');
  require(sam_data_store(data.data(), data.size()) == CS_OK, "sam_data_store");
  for (auto _ : state) {
    require(sam_data_restore(data.data(), data.size()) == CS_OK, "sam_data_restore");
  }
}
BENCHMARK(data_restore)->Arg(64)->Arg(4 << 10)->Arg(1 << 20)->Arg(64 << 20)->UseRealTime();

}  // namespace
}  // namespace cs::bench

int main(int argc, char** argv) {
  cs::bench::become_active_process(cs::bench::kMinuteMs, SAM_RECOVERY_POLICY_QUIT);
  cs::bench::start();
  cs::bench::run_google_benchmarks(argc, argv);
  cs::bench::finish();
}
