// SPDX-License-Identifier: BSD-3-Clause
// Stores in trouble: from a signal handler, with a stopped supervisor, too large, without memory,
// under a limit on file sizes. Cases of a suite *BeyondStock fail with the distribution's library.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <climits>
#include <cstdint>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "support/child.h"
#include "support/proc.h"
#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kRestart = SAM_RECOVERY_POLICY_RESTART;
constexpr int kInterval = 60'000;
constexpr std::size_t kMebibyte = 1024 * 1024;

TEST(SamDataBeyondStock, StoresAreSafeInASignalHandler) {
  SamProcess application([] {
    const unsigned id = app::enter(kInterval, kRestart);
    std::vector<char> bytes(3000, 'm');
    if (id == 1) {
      app::every_100_microseconds([](int) {
        char small[500];
        std::memset(small, 's', sizeof(small));
        app::expect_ok(sam_data_store(small, sizeof(small)));
      });
      const Deadline end = Deadline::in_milliseconds(1000);
      while (!end.has_passed(monotonic_now())) {
        app::expect_ok(sam_data_store(bytes.data(), bytes.size()));
      }
      app::no_more_alarms();
      app::expect_ok(sam_data_store(bytes.data(), bytes.size()));
      app::expect_ok(sam_start());
      app::die_by(SIGKILL);
    }
    std::vector<char> restored(bytes.size());
    app::expect_ok(sam_data_restore(restored.data(), restored.size()));
    app::expect_that(restored == bytes);
    app::report("restored");
  });
  application.wait_for("restored");
}

TEST(SamDataBeyondStock, StoresDoNotWaitForAStoppedSupervisor) {
  SamProcess application([] {
    const unsigned id = app::enter(kInterval, kRestart);
    char bytes[64] = "kept";
    app::expect_ok(sam_start());
    if (id == 1) {
      app::stop_supervisor();
      app::expect_ok(sam_data_store(bytes, sizeof(bytes)));
      app::report("stored");
      app::die_by(SIGKILL);
    }
    char restored[64] = "";
    app::expect_ok(sam_data_restore(restored, sizeof(restored)));
    app::expect_that(std::memcmp(bytes, restored, sizeof(bytes)) == 0);
    app::report("restored");
  });
  application.wait_for("stored");
  EXPECT_TRUE(eventually([&] { return proc::count_zombies_of(application.supervisor()) == 1; }));
  ::kill(application.supervisor(), SIGCONT);
  application.wait_for("restored");
}

TEST(SamDataBeyondStock, StoredDataTakeNoMemoryOfTheApplication) {
  SamProcess application([] {
    app::enter(kInterval, kRestart);
    constexpr std::size_t kSize = 32 * kMebibyte;
    std::vector<char> bytes(kSize, 'x');
    const std::int64_t before = proc::status_number(::getpid(), "VmRSS");
    app::expect_ok(sam_data_store(bytes.data(), bytes.size()));
    app::report("growth", proc::status_number(::getpid(), "VmRSS") - before);
  });
  EXPECT_LT(application.wait_for("growth").value, 16 * 1024);  // KiB
}

TEST(SamDataBeyondStock, AStoreTooBigForAnyProcessIsRefusedFirst) {
  SamProcess application([] {
    app::expect(sam_data_store("x", SSIZE_MAX), CS_ERR_TOO_BIG);
    app::enter(kInterval, kRestart);
    app::expect(sam_data_store("x", SSIZE_MAX), CS_ERR_TOO_BIG);
    app::expect(sam_data_store(nullptr, SIZE_MAX), CS_ERR_TOO_BIG);
    app::expect_ok(sam_finalize());
    app::expect(sam_data_store("x", SSIZE_MAX), CS_ERR_TOO_BIG);
    app::report("done");
  });
  application.wait_for("done");
}

TEST(SamDataBeyondStock, AStoreWithoutMemoryLeavesTheOldDataToTheNextInstance) {
  SamProcess application([] {
    const unsigned id = app::enter(kInterval, kRestart);
    if (id == 1) {
      app::expect_ok(sam_data_store("old", 4));
      app::expect(sam_data_store("x", SSIZE_MAX - 4096), CS_ERR_NO_MEMORY);
      app::expect_ok(sam_start());
      app::die_by(SIGKILL);
    }
    char restored[4] = "";
    app::expect_ok(sam_data_restore(restored, sizeof(restored)));
    app::expect_that(std::strcmp(restored, "old") == 0);
    app::report("done");
  });
  application.wait_for("done");
}

// A limit on file sizes is about files; storing must not bring the signal that enforces it.
TEST(SamFileSizeLimit, DoesNotKillAProcessThatStores) {
  SamProcess application([] {
    app::enter(0, kRestart);
    app::expect_ok(sam_data_store("old", 4));
    app::expect_ok(sam_start());
    const rlimit nothing = {0, 0};
    ::setrlimit(RLIMIT_FSIZE, &nothing);
    const cs_error_t result = sam_data_store("new", 4);
    char restored[4] = "";
    app::expect_ok(sam_data_restore(restored, sizeof(restored)));
    app::expect_that(restored[0] == (result == CS_OK ? 'n' : 'o'));
    app::report("alive");
    app::sleep_forever();
  });
  EXPECT_EQ(application.wait_for("alive").instance, 1U);
}

}  // namespace
}  // namespace cs::test
