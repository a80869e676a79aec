// SPDX-License-Identifier: BSD-3-Clause
// One life of a SAM application while a call fails, and what must hold of it; and many of them, a
// few at a time.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "faults/faults.h"
#include "faults/sam_life.h"

namespace cs::faults {

enum class Whom : unsigned { kSupervisor, kInstances, kBoth };
inline constexpr Whom kAll[] = {Whom::kSupervisor, Whom::kInstances, Whom::kBoth};
[[nodiscard]] std::string_view name_of(Whom whom);

struct Fault {
  Call call;
  int error;
  unsigned first = 1;
  bool lasts = false;  // until it is lifted, some time after it has struck
  Whom whom = Whom::kBoth;
};
std::ostream& operator<<(std::ostream& out, const Fault& fault);

// How often each call is made in a life in which nothing fails.
class Counts {
 public:
  // Lives it, in processes of their own.
  explicit Counts(const Way& way);
  [[nodiscard]] unsigned of(Call call, Whom whom) const {
    return calls_[static_cast<unsigned>(whom)][static_cast<unsigned>(call)];
  }
  [[nodiscard]] bool made_by_both(Call call) const {
    return of(call, Whom::kSupervisor) > 0 && of(call, Whom::kInstances) > 0;
  }

 private:
  std::array<std::array<unsigned, static_cast<unsigned>(Call::kCount)>, std::size(kAll)> calls_;
};

// In the calling process, which must have no other children. The life must end as it should, no
// process may outlive it, and nothing that the ledger complains of may have happened. Returns how
// many calls were refused on the way.
unsigned expect_life(const Way& way, const std::optional<Fault>& fault = {});

// Does so many things, some at a time, in processes of their own.
void in_lanes(std::size_t count, const std::function<void(std::size_t)>& body);

// Lives under each fault, in processes of their own. Returns how many they were.
unsigned expect_lives(const Way& way, const std::vector<Fault>& faults);

// The faults of one call: each time it is made, or so many times at most; with each errno, once
// and, where it can, lasting.
[[nodiscard]] std::vector<Fault> faults_of(Call call, const Counts& counts, unsigned most);

}  // namespace cs::faults
