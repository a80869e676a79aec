// SPDX-License-Identifier: BSD-3-Clause
// libsam where the machine really has no more: no descriptors, no processes, no address space. What
// is refused succeeds once the limit is raised.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "faults/in_child.h"
#include "faults/limits.h"
#include "faults/sam_trial.h"

namespace cs::faults {
namespace {

constexpr uid_t kNobody = 54321;  // has no processes but ours

// Two files, two pipes; and one pidfd, for which there is a substitute.
TEST(SamLimits, SoManyDescriptorsLeft) {
  constexpr unsigned kMost = 12;
  constexpr unsigned kEnough = 6;
  in_lanes(kMost + 1, [](std::size_t left) {
    Way way{.error = EMFILE};
    way.hook = [left](Moment moment) {
      if (moment == Moment::kBegin) {
        lower(RLIMIT_NOFILE, descriptor_limit(static_cast<unsigned>(left)));
      }
      if (moment == Moment::kRefused) raise(RLIMIT_NOFILE);
    };
    EXPECT_EQ(expect_life(way), left < kEnough ? 1U : 0U) << left << " descriptors left";
  });
}

// The limit on processes also counts threads. Root has none.
class Processes {
 public:
  void step(Moment moment) {
    switch (moment) {
      case Moment::kBegin:
      case Moment::kRegistered:
        return lower(RLIMIT_NPROC, 1);
      case Moment::kRefused:
        return raise(RLIMIT_NPROC);
      case Moment::kCrash:
        return set_supervisor_limit(::getppid(), 1);
      case Moment::kInitialized:
        return;
    }
  }

  // Lets the supervisor try in vain for a while.
  void watch(const Ledger& ledger) {
    constexpr unsigned kLooks = 60;
    if (ledger.phase != Phase::kHang || ledger.lives > 1 || ++looks_ != kLooks) return;
    set_supervisor_limit(ledger.application, RLIM_INFINITY);
    was_held_up_ = true;
  }
  [[nodiscard]] bool was_held_up() const { return was_held_up_; }

 private:
  static void set_supervisor_limit(pid_t pid, rlim_t value) {
    rlimit limit;
    if (::prlimit(pid, RLIMIT_NPROC, nullptr, &limit) != 0) ::_exit(kBroken);
    limit.rlim_cur = std::min(value, limit.rlim_max);
    if (::prlimit(pid, RLIMIT_NPROC, &limit, nullptr) != 0) ::_exit(kBroken);
  }

  unsigned looks_ = 0;
  bool was_held_up_ = false;
};

TEST(SamLimits, NoProcessLeft) {
  const auto outcome = in_child([] {
    const uid_t user = ::getuid() == 0 ? kNobody : ::getuid();
    ASSERT_EQ(::setresuid(user, user, user), 0);
    Processes processes;
    Way way{.error = EAGAIN};
    way.hook = [&](Moment moment) { processes.step(moment); };
    way.watch = [&](const Ledger& ledger) { processes.watch(ledger); };
    EXPECT_EQ(expect_life(way), 2U);  // sam_register, sam_hc_callback_register; not the restart
    EXPECT_TRUE(processes.was_held_up());
  });
  EXPECT_TRUE(outcome.exited_with(0)) << outcome;
}

// A sanitizer ends a process in which it finds no room itself.
#ifndef CS_SANITIZED
TEST(SamLimits, SoMuchAddressSpaceLeft) {
  constexpr std::size_t kSteps = 14;
  in_lanes(kSteps, [](std::size_t step) {
    Way way;
    way.hook = [step](Moment moment) {
      if (moment == Moment::kBegin) leave_address_space(step * 32);
      if (moment == Moment::kRefused) raise(RLIMIT_AS);
    };
    const unsigned refused = expect_life(way);
    EXPECT_TRUE(step > 0 || refused > 0);
    EXPECT_TRUE(step < kSteps - 1 || refused == 0) << refused;
  });
}
#endif

}  // namespace
}  // namespace cs::faults
