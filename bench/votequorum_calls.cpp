// SPDX-License-Identifier: BSD-3-Clause
// libvotequorum on Google Benchmark: a dispatch that finds nothing, and requests from several
// threads. The distribution's library is not safe for threads on one handle, nor for threads that
// make handles: a caller needs locks of his own there. CS_BENCH_LOCK=1 puts one around each
// request.
#include <mutex>

#include <corosync/votequorum.h>

#include "gbench.h"

namespace cs::bench {
namespace {

votequorum_handle_t open_handle() {
  static std::mutex mutex;
  const std::scoped_lock lock(mutex);
  votequorum_handle_t handle = 0;
  require(votequorum_initialize(&handle, nullptr) == CS_OK, "votequorum_initialize");
  return handle;
}

void get_info(votequorum_handle_t handle) {
  votequorum_info info{};
  require(votequorum_getinfo(handle, 0, &info) == CS_OK && info.node_id == 1, "votequorum_getinfo");
}

void empty_dispatch(::benchmark::State& state) {
  const votequorum_handle_t handle = open_handle();
  for (auto _ : state) {
    require(votequorum_dispatch(handle, CS_DISPATCH_ALL) == CS_OK, "votequorum_dispatch");
  }
  votequorum_finalize(handle);
}
BENCHMARK(empty_dispatch)->UseRealTime();

void shared_handle(::benchmark::State& state) {
  static const votequorum_handle_t handle = open_handle();
  static const bool locked = std::getenv("CS_BENCH_LOCK") != nullptr;
  static std::mutex mutex;
  for (auto _ : state) {
    std::unique_lock<std::mutex> lock(mutex, std::defer_lock);
    if (locked) lock.lock();
    get_info(handle);
  }
}
BENCHMARK(shared_handle)->ThreadRange(1, 8)->UseRealTime();

void own_handle(::benchmark::State& state) {
  const votequorum_handle_t handle = open_handle();
  for (auto _ : state) get_info(handle);
  votequorum_finalize(handle);
}
BENCHMARK(own_handle)->ThreadRange(1, 8)->UseRealTime();

}  // namespace
}  // namespace cs::bench

int main(int argc, char** argv) { cs::bench::run_google_benchmarks(argc, argv); }
