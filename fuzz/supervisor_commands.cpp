// SPDX-License-Identifier: BSD-3-Clause
// Fuzz target: the supervisor in its simulated world (tests/simulation), in which the input's bytes
// choose what happens, two for each choice, and a fixed seed what is left when they have run out.
#include <cstdio>
#include <cstdlib>

#include "message.h"
#include "simulation/scenario.h"

namespace {

using cs::sam::simulation::Random;
using cs::sam::simulation::Trace;

constexpr std::uint64_t kSeed = 1;

void failed(const Trace&, const std::string& what) {
  std::fprintf(stderr, "broken: %s\n", what.c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Random random(kSeed, cs::fuzz::input(data, size));
  Trace trace(kSeed, false, failed);
  (void)cs::sam::simulation::run_scenario(random, trace);
  return 0;
}
