// SPDX-License-Identifier: BSD-3-Clause
// What the kernel says of silent processes: that a debugger holds one for a while, or that one
// dumps core until it dies. Its bound on dumps is longer than the simulated time.
#pragma once

#include "sam/operator/excuse.h"
#include "simulation/random.h"
#include "simulation/wires.h"

namespace cs::sam::simulation {

class Excuses {
 public:
  // By a chance of its own: all other choices of a seed are as without it.
  explicit Excuses(std::uint64_t seed)
      : random_(seed ^ 0x6578637573650000U), has_any_(random_.once_in(3)) {}

  [[nodiscard]] Excuse find(pid_t pid, Nanoseconds now, Nanoseconds interval) {
    if (!has_any_) return Excuse::kNone;
    if (pid != pid_ || (now >= until_ && kind_ != Excuse::kDumpingCore)) {
      pid_ = pid;
      kind_ = random_.one_of(
          {Excuse::kNone, Excuse::kHeldByDebugger, Excuse::kHeldByDebugger, Excuse::kDumpingCore});
      until_ = now + random_.between(0, random_.one_of({1, 4, 20}) * interval);
    }
    return kind_;
  }
  // When the excuse that was given last is over.
  [[nodiscard]] Nanoseconds until() const { return until_; }

 private:
  Random random_;
  bool has_any_;
  pid_t pid_ = 0;
  Excuse kind_ = Excuse::kNone;
  Nanoseconds until_ = 0;
};

}  // namespace cs::sam::simulation
