// SPDX-License-Identifier: BSD-3-Clause
// bench_sam_supervisor checks|idle|hang: what the supervisor costs while the active process sends
// health checks as fast as it can, and at a leisurely pace; and how late it notices a hang.
#include <csignal>
#include <string_view>
#include <unistd.h>

#include "process.h"
#include "sam.h"

namespace cs::bench {
namespace {

constexpr int kSecondMs = 1000;

void check() { require(sam_hc_send() == CS_OK, "sam_hc_send"); }

// Processor time of the supervisor for a million health checks; in bursts over several intervals,
// so that it looks at them more than once.
void measure_checks() {
  constexpr std::size_t kBursts = 10;
  constexpr int kIntervalMs = 100;
  become_active_process(kIntervalMs, SAM_RECOVERY_POLICY_QUIT);
  start();
  const std::size_t burst = scaled(20'000);
  const clockid_t supervisor = cpu_clock_of(getppid());
  const double before = nanoseconds(supervisor);
  for (std::size_t i = 0; i < kBursts; ++i) {
    for (std::size_t k = 0; k < burst; ++k) check();
    sleep_microseconds(20'000);
  }
  const double checks = static_cast<double>(kBursts * burst);
  report("supervisor_cpu", (nanoseconds(supervisor) - before) / checks * 1e6);
  finish();
}

// Four checks each interval of a second, as the manual page advises.
void measure_idle() {
  become_active_process(kSecondMs, SAM_RECOVERY_POLICY_QUIT);
  start();
  constexpr double kChecksPerMinute = 240;
  const std::size_t count = scaled(16) + 1;
  check();
  const double before = proc_sum(getppid(), "status", "voluntary_ctxt_switches:");
  for (std::size_t i = 0; i < count; ++i) {
    sleep_microseconds(250'000);
    check();
  }
  const double wakeups = proc_sum(getppid(), "status", "voluntary_ctxt_switches:") - before;
  report("wakeups", wakeups / static_cast<double>(count) * kChecksPerMinute);
  report("resident", proc_sum(getppid(), "status", "VmRSS:"));
  finish();
}

// Each instance sends one health check and then none; ends when it is warned.
void measure_hang() {
  constexpr int kIntervalMs = 100;
  SharedSamples& late = make_shared_object<SharedSamples>();
  const std::size_t wanted = scaled(10);
  sigset_t warning;
  sigemptyset(&warning);
  sigaddset(&warning, SIGTERM);
  sigprocmask(SIG_BLOCK, &warning, nullptr);

  become_active_process(kIntervalMs, SAM_RECOVERY_POLICY_RESTART);
  start();
  check();
  const double due = nanoseconds() + kIntervalMs * 1e6;
  int signal = 0;
  sigwait(&warning, &signal);
  late.add(nanoseconds() - due);
  if (late.count() < wanted) _exit(0);  // a failure: the next instance follows
  report("late", late.median());
  finish();
}

}  // namespace
}  // namespace cs::bench

int main(int argc, char** argv) {
  using namespace cs::bench;
  const std::string_view measurement = argc == 2 ? argv[1] : "";
  if (measurement == "checks") return measure_checks(), 0;
  if (measurement == "idle") return measure_idle(), 0;
  if (measurement == "hang") return measure_hang(), 0;
  return 2;
}
