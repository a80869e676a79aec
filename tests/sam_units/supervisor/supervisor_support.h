// SPDX-License-Identifier: BSD-3-Clause
// A supervisor in a scripted world, for the tests of its loop.
#pragma once

#include "sam/supervisor/supervisor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>

#include "sam_units/supervisor/scripted_world.h"

namespace cs::sam {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using Event = LogRecord::Event;

inline constexpr Nanoseconds kMs = kNanosecondsPerMillisecond;
inline constexpr Nanoseconds kInterval = 2000 * kMs;
inline constexpr pid_t kSelf = 50;
inline constexpr pid_t kFirst = 100;
inline constexpr pid_t kSecond = 101;
inline constexpr unsigned kQuit = SAM_RECOVERY_POLICY_QUIT;
inline constexpr unsigned kRestart = SAM_RECOVERY_POLICY_RESTART;
inline constexpr int kExitedWith3 = 3 << 8;

class SamSupervisor : public testing::Test {
 protected:
  SamSupervisor() { world_.forks = {kFirst}; }
  ~SamSupervisor() override { EXPECT_TRUE(world_.waits.empty()) << "it ended too early"; }

  Ending run(unsigned policy = kQuit, Nanoseconds interval = kInterval) {
    const Settings settings{*RecoveryPolicy::parse(policy), interval};
    Supervisor supervisor(settings, kSelf, world_, warn_signal_, asked_);
    EXPECT_EQ(supervisor.prepare(Deadline::at(world_.time + kInterval)), CS_OK);
    return supervisor.run();
  }
  // What happens in the next wait that has no script yet.
  template <typename Step>
  void then(Step step) {
    world_.waits.emplace_back(step);
  }
  void then_start() {
    then([this] { world_.send(Command::kStart, 1); });
  }
  void then_die(int status) {
    then([this, status] { world_.die(kFirst, status); });
  }
  void then_forward(int number, bool has_reached_instance = false) {
    then([this, number, has_reached_instance] {
      world_.forwarded.push_back({number, has_reached_instance});
    });
  }
  [[nodiscard]] const LogRecord& last_record() const { return world_.records.back(); }

  ScriptedWorld world_;
  std::atomic<int> warn_signal_ = SIGTERM;
  OperatorSettings asked_;
};

}  // namespace cs::sam
