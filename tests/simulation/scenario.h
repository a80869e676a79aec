// SPDX-License-Identifier: BSD-3-Clause
// One supervisor in one simulated world, from sam_register to its end.
#pragma once

#include "simulation/random.h"
#include "simulation/trace.h"

namespace cs::sam::simulation {

// Returns the number of lives that there were. A broken invariant does not return: see Trace.
unsigned run_scenario(Random& random, Trace& trace);

}  // namespace cs::sam::simulation
