// SPDX-License-Identifier: BSD-3-Clause
// Fixtures of the tests with the real daemon: one daemon for each case, or one for a whole suite
// whose cases leave no trace in it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/corosync_daemon.h"
#include "support/votequorum_session.h"

namespace cs::test {

using Clock = std::chrono::steady_clock;

// The daemon lives from the suite's first case to its last.
class SharedDaemonTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (CorosyncDaemon::unavailable()) return;
    daemon_ = std::make_unique<CorosyncDaemon>();
    ASSERT_TRUE(daemon_->start());
  }
  static void TearDownTestSuite() { daemon_.reset(); }

  void SetUp() override {
    if (const auto reason = CorosyncDaemon::unavailable()) return skip_or_fail(*reason);
    ASSERT_TRUE(daemon_ && daemon_->running());
    ASSERT_EQ(session_.open(), CS_OK);
  }

  [[nodiscard]] static CorosyncDaemon& daemon() { return *daemon_; }
  [[nodiscard]] votequorum_handle_t handle() const { return session_.handle(); }

  Session session_;

 private:
  static inline std::unique_ptr<CorosyncDaemon> daemon_;
};

// A daemon of its own for each case.
class OwnDaemonTest : public DaemonTest {
 protected:
  void SetUp() override {
    DaemonTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_EQ(session_.open(), CS_OK);
  }

  [[nodiscard]] votequorum_handle_t handle() const { return session_.handle(); }

  Session session_;
};

// Makes the daemon send expected-votes events, one for each call, without changing anything.
inline void provoke_event() {
  Session other;
  EXPECT_EQ(other.open(), CS_OK);
  EXPECT_EQ(votequorum_setexpected(other.handle(), 1), CS_OK);
}

// The same from another thread, a while from now.
class EventLater {
 public:
  explicit EventLater(milliseconds delay = milliseconds(200))
      : thread_([delay] {
          std::this_thread::sleep_for(delay);
          provoke_event();
        }) {}
  ~EventLater() { thread_.join(); }

 private:
  std::thread thread_;
};

}  // namespace cs::test
