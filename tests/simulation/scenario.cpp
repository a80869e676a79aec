// SPDX-License-Identifier: BSD-3-Clause
// Choosing the settings, and running.
#include "simulation/scenario.h"

#include <atomic>
#include <signal.h>

#include "sam/supervisor/supervisor.h"
#include "simulation/simulated_world.h"

namespace cs::sam::simulation {
namespace {

Settings choose_settings(Random& random) {
  const unsigned action =
      random.once_in(5) ? SAM_RECOVERY_POLICY_QUIT : SAM_RECOVERY_POLICY_RESTART;
  const unsigned flags =
      random.one_of({0U, unsigned{SAM_RECOVERY_POLICY_QUORUM}, unsigned{SAM_RECOVERY_POLICY_CMAP},
                     unsigned{SAM_RECOVERY_POLICY_QUORUM} | unsigned{SAM_RECOVERY_POLICY_CMAP}});
  const int interval = random.one_of({0, 1, 10, 50, 100, 100, 200, 1000});
  return Settings::from(*RecoveryPolicy::parse(action | flags), interval);
}

}  // namespace

unsigned run_scenario(Random& random, Trace& trace) {
  const Settings settings = choose_settings(random);
  const OperatorSettings asked = choose_pacing(trace.seed());
  SimulatedWorld world(random, trace, settings, Hardship::choose(random), asked);
  trace.note(world.time(), "interval %d ms, %s%s%s", static_cast<int>(settings.interval / kMs),
             settings.policy.restarts() ? "restart" : "quit",
             settings.policy.needs_quorum() ? ", quorum" : "",
             settings.policy.publishes() ? ", cmap" : "");
  trace.note(world.time(), "restarts: after %d ms, %u in %d ms",
             static_cast<int>(asked.restart_delay / kMs), asked.restart_limit.count,
             static_cast<int>(asked.restart_limit.period / kMs));
  if (settings.policy.needs_quorum()) world.connect_quorum();
  std::atomic<int> warn_signal = SIGTERM;
  Supervisor supervisor(settings, 1000, world, warn_signal, asked);
  if (supervisor.prepare(Deadline::at(world.time() + 60'000 * kMs)) != CS_OK) return 0;
  const Ending ending = supervisor.run();
  world.invariants().ended(world.time(), ending);
  return world.lives();
}

}  // namespace cs::sam::simulation
