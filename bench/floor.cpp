// SPDX-License-Identifier: BSD-3-Clause
// What this machine takes for the least that can be done: the lower bounds of the other figures.
#include <atomic>
#include <climits>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "gbench.h"

namespace cs::bench {
namespace {

void empty_system_call(::benchmark::State& state) {
  for (auto _ : state) syscall(SYS_getppid);
}
BENCHMARK(empty_system_call);

void read_clock(::benchmark::State& state) {
  for (auto _ : state) ::benchmark::DoNotOptimize(nanoseconds());
}
BENCHMARK(read_clock);

// A word that changes hands between two threads, each asleep until it has it.
class Token {
 public:
  void pass_to(std::uint32_t owner) {
    owner_.store(owner);
    syscall(SYS_futex, &owner_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }
  void wait_for(std::uint32_t self) {
    for (std::uint32_t now = owner_.load(); now != self; now = owner_.load()) {
      syscall(SYS_futex, &owner_, FUTEX_WAIT_PRIVATE, now, nullptr, nullptr, 0);
    }
  }

 private:
  std::atomic<std::uint32_t> owner_ = 0;
};

void futex_ping_pong(::benchmark::State& state) {
  Token token;
  std::atomic<bool> done = false;
  std::thread partner([&] {
    while (token.wait_for(1), !done) token.pass_to(0);
  });
  for (auto _ : state) {
    token.pass_to(1);
    token.wait_for(0);
  }
  done = true;
  token.pass_to(1);
  partner.join();
}
BENCHMARK(futex_ping_pong)->UseRealTime();

}  // namespace
}  // namespace cs::bench

int main(int argc, char** argv) { cs::bench::run_google_benchmarks(argc, argv); }
