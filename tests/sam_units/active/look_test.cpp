// SPDX-License-Identifier: BSD-3-Clause
// When the active process looks for its supervisor again, on a clock that wraps around.
#include <gtest/gtest.h>

#include "sam/active/active.h"

namespace cs::sam {
namespace {

TEST(SamActiveLook, IsDueFromItsTimeOnHoweverLate) {
  for (const Tick next : {Tick{0}, Tick{1'000'000}, ~Tick{0} - 5}) {
    EXPECT_FALSE(is_due(next, next - 1000, 1000));
    EXPECT_FALSE(is_due(next, next - 1, 1000));
    for (const Tick late : {Tick{0}, Tick{1}, Tick{1} << 31, ~Tick{0} - 1000}) {
      EXPECT_TRUE(is_due(next, next + late, 1000)) << next << " " << late;
    }
  }
}

}  // namespace
}  // namespace cs::sam
