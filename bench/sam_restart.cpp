// SPDX-License-Identifier: BSD-3-Clause
// bench_sam_restart library|bare MIB SAMPLES: from the crash of an instance that has so much memory
// in use to the return from sam_register() in the next. Bare: a loop of fork, kill, wait, fork.
#include <csignal>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>

#include "process.h"
#include "sam.h"

namespace cs::bench {
namespace {

// Passed on from instance to instance.
struct Record {
  double killed_at;
  SharedSamples restart;
};

void touch(std::size_t bytes) {
  constexpr std::size_t kPage = 4096;
  auto* const memory = static_cast<volatile char*>(std::malloc(bytes));
  require(memory != nullptr, "malloc");
  for (std::size_t i = 0; i < bytes; i += kPage) memory[i] = 1;
}

// Begins when an instance does; does not return unless there are enough samples.
void live(Record& record, std::size_t bytes, std::size_t wanted, void (*on_start)()) {
  if (record.killed_at > 0) record.restart.add(nanoseconds() - record.killed_at);
  if (record.restart.count() == wanted) return;
  on_start();
  touch(bytes);
  record.killed_at = nanoseconds();
  raise(SIGKILL);
}

void run_bare(Record& record, std::size_t bytes, std::size_t wanted) {
  for (;;) {
    const pid_t child = fork();
    require(child >= 0, "fork");
    if (child == 0) {
      live(record, bytes, wanted, [] {});
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (!WIFSIGNALED(status)) return;
  }
}

void run_supervised(Record& record, std::size_t bytes, std::size_t wanted) {
  constexpr int kMinuteMs = 60'000;
  become_active_process(kMinuteMs, SAM_RECOVERY_POLICY_RESTART);
  live(record, bytes, wanted, start);
  finish();
}

}  // namespace
}  // namespace cs::bench

int main(int argc, char** argv) {
  using namespace cs::bench;
  if (argc != 4) return 2;
  Record& record = make_shared_object<Record>();
  const std::size_t bytes = scaled(static_cast<std::size_t>(std::atol(argv[2]))) << 20;
  const std::size_t wanted = scaled(static_cast<std::size_t>(std::atol(argv[3])));
  (std::string_view(argv[1]) == "bare" ? run_bare : run_supervised)(record, bytes, wanted);
  report("restart", record.restart.median());
}
