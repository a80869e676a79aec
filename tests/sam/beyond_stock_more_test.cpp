// SPDX-License-Identifier: BSD-3-Clause
// What the distribution's library gets wrong, second part: the supervisor's own troubles, freezes,
// the callback's thread, warn signals. Every case of the suite SamBeyondStock fails there, which
// scripts/compare-with-stock verifies with this same program.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "support/child.h"
#include "support/proc.h"
#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kRestart = SAM_RECOVERY_POLICY_RESTART;
constexpr int kInterval = 400;

void report_warning(int) { app::report("warned"); }

constexpr int kDescriptors = 256;
bool g_was_open[kDescriptors];

// As a careless daemon does it: in the supervisor these are SAM's.
void close_what_was_opened_since(int) {
  const int error = errno;
  for (int fd = 0; fd < kDescriptors; ++fd) {
    if (!g_was_open[fd]) ::close(fd);
  }
  errno = error;
}

// A handler of the application takes away the supervisor's descriptors, so that it cannot watch any
// more. Then there must not be two copies of the application.
TEST(SamBeyondStock, SupervisorThatBreaksDownLeavesNoSecondCopy) {
  SamProcess application([] {
    for (int fd = 0; fd < kDescriptors; ++fd) g_was_open[fd] = ::fcntl(fd, F_GETFD) >= 0;
    ::signal(SIGUSR1, close_what_was_opened_since);
    app::expect_ok(sam_initialize(0, SAM_RECOVERY_POLICY_RESTART));
    const cs_error_t result = sam_register(nullptr);
    if (::getpid() == app::supervisor()) {
      app::report("only copy", result);
      ::_exit(41);
    }
    app::expect_ok(sam_start());
    app::report("started");
    for (;;) app::pause_for(10);
  });
  const Report active = application.wait_for("started");
  ASSERT_EQ(::kill(application.supervisor(), SIGUSR1), 0);
  const Report copy = application.wait_for("only copy");
  EXPECT_FALSE(proc::exists(active.pid));
  EXPECT_EQ(copy.value, CS_ERR_LIBRARY);
  application.expect_exit_code(41);
}

// A poll of more entries than descriptors are allowed fails; what it would tell can be asked for.
TEST(SamBeyondStock, SupervisorUnderALowLimitOfDescriptorsGoesOn) {
  SamProcess application([] {
    unsigned instance = 0;
    app::expect_ok(sam_initialize(kInterval, SAM_RECOVERY_POLICY_RESTART));
    app::expect_ok(sam_register(&instance));
    app::expect_ok(sam_start());
    app::report("started", static_cast<int>(instance));
    app::sleep_forever();  // hangs
  });
  EXPECT_EQ(application.wait_for("started").value, 1);
  const rlimit none = {0, 4096};
  ASSERT_EQ(::prlimit(application.supervisor(), RLIMIT_NOFILE, &none, nullptr), 0);
  EXPECT_EQ(application.wait_for("started").value, 2);
  EXPECT_EQ(application.wait_for("started").value, 3);
}

bool becomes(char state, pid_t pid) {
  return eventually([=] { return proc::state(pid) == state; },
                    milliseconds(patience() / kNanosecondsPerMillisecond));
}

// The thaw reaches the supervisor first: what it finds then is not the active process's fault.
TEST(SamBeyondStock, FreezeOfBothIsNotHeldAgainstTheProcess) {
  SamProcess application([] {
    app::handle(SIGTERM, report_warning);
    app::enter(kInterval, kRestart);
    app::expect_ok(sam_start());
    app::report("started");
    app::stay_healthy(20);
  });
  const Report active = application.wait_for("started");
  for (int round = 0; round < 3; ++round) {
    application.signal_group(SIGSTOP);
    ASSERT_TRUE(becomes('T', active.pid));
    ASSERT_TRUE(becomes('T', application.supervisor()));
    application.expect_none("warned", 2 * kInterval);
    ::kill(application.supervisor(), SIGCONT);
    application.expect_none("warned", kInterval / 8);
    ::kill(active.pid, SIGCONT);
    application.expect_none("warned", kInterval);
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_EQ(application.count("registered"), 1u) << application.story();
}

// What a callback may use and leave enough of its stack to a sanitizer, too: far more than printf
// needs.
constexpr std::size_t kRoomyFrame = 96 * 1024;

int use_much_stack() {
  volatile char frame[kRoomyFrame];
  for (std::size_t i = 0; i < sizeof frame; i += 512) frame[i] = 1;
  char text[64];
  std::snprintf(text, sizeof text, "%.3f", 1.5 + frame[512]);
  app::report("callback ran");
  return 0;
}

TEST(SamBeyondStock, CallbackHasAStackToWorkWith) {
  SamProcess application([] {
    app::enter(kInterval, kRestart);
    app::expect_ok(sam_hc_callback_register(use_much_stack));
    app::expect_ok(sam_start());
    app::sleep_forever();
  });
  EXPECT_EQ(application.wait_for("callback ran").instance, 1u);
  EXPECT_EQ(application.wait_for("callback ran").instance, 1u);
}

std::atomic<int> calls = 0;

int count_call() {
  ++calls;
  return 0;
}

// Stock does not pause at all between two rounds of its thread: 20,000 calls in the same time. With
// so short an interval a busy machine may kill an instance unjustly; one of them lives on long
// enough to tell.
TEST(SamBeyondStock, CallbackThreadOfAShortIntervalDoesNotSpin) {
  SamProcess application([] {
    app::expect_ok(sam_initialize(3, SAM_RECOVERY_POLICY_RESTART));
    app::expect_ok(sam_warn_signal_set(SIGCONT));  // harmless
    app::register_instance();
    app::expect_ok(sam_hc_callback_register(count_call));
    app::expect_ok(sam_start());
    app::pause_for(200);
    app::report("calls", calls);
    app::expect_ok(sam_stop());
    ::_exit(0);
  });
  EXPECT_LT(application.wait_for("calls").value, 2000);
}

TEST(SamBeyondStock, ImpossibleWarnSignalsAreRefused) {
  SamProcess application([] {
    app::expect_ok(sam_initialize(kInterval, SAM_RECOVERY_POLICY_RESTART));
    for (const int signal : {-1, SIGRTMAX + 1, 1000}) {
      app::expect(sam_warn_signal_set(signal), CS_ERR_INVALID_PARAM);
    }
    app::register_instance();
    for (const int signal : {-1, SIGRTMAX + 1, 1000}) {
      app::expect(sam_warn_signal_set(signal), CS_ERR_INVALID_PARAM);
    }
    app::expect_ok(sam_warn_signal_set(SIGRTMAX));
    app::expect_ok(sam_warn_signal_set(0));
    app::report("done");
  });
  application.wait_for("done");
}

// The supervisor is held up until its active process, which waits for an answer, is dead.
TEST(SamBeyondStock, DeathWhileTheSupervisorAnswersIsRecovered) {
  SamProcess application([] {
    const unsigned id = app::enter(0, kRestart);
    app::expect_ok(sam_start());
    app::report("started", id);
    if (id > 1) app::sleep_forever();
    ::kill(app::supervisor(), SIGSTOP);
    sam_warn_signal_set(SIGUSR1);
    app::sleep_forever();
  });
  const Report first = application.wait_for("started");
  ASSERT_TRUE(becomes('T', application.supervisor()));
  ASSERT_TRUE(becomes('S', first.pid));  // asked, and waits
  ::kill(first.pid, SIGKILL);
  ASSERT_TRUE(becomes('Z', first.pid));
  ::kill(application.supervisor(), SIGCONT);
  EXPECT_EQ(application.wait_for("started").value, 2);
}

// What stock does right, or shows too seldom to be asserted of it.

TEST(SamFreeze, ThatNeverEndsForTheProcessIsAHang) {
  SamProcess application([] {
    app::enter(kInterval, kRestart);
    app::expect_ok(sam_start());
    app::report("started");
    app::stay_healthy(20);
  });
  const Report active = application.wait_for("started");
  application.signal_group(SIGSTOP);
  ASSERT_TRUE(becomes('T', application.supervisor()));
  application.follow(2 * kInterval);
  ::kill(application.supervisor(), SIGCONT);  // and not the active process
  const Report next = application.wait_for("started");
  EXPECT_EQ(next.instance, 2u);
  EXPECT_FALSE(proc::exists(active.pid));
}

TEST(SamFreeze, OfTheSupervisorAloneIsNotHeldAgainstTheProcess) {
  SamProcess application([] {
    app::handle(SIGTERM, report_warning);
    app::enter(kInterval, kRestart);
    app::expect_ok(sam_start());
    app::report("started");
    app::stay_healthy(20);
  });
  application.wait_for("started");
  ::kill(application.supervisor(), SIGSTOP);
  application.expect_none("warned", 3 * kInterval);
  ::kill(application.supervisor(), SIGCONT);
  application.expect_none("warned", 2 * kInterval);
  EXPECT_EQ(application.count("registered"), 1u);
}

// As daemons do: everything but the standard streams is closed, SAM's pipes with it.
TEST(SamClosedDescriptors, AreNotADeath) {
  SamProcess application([] {
    const unsigned id = app::enter(0, kRestart);
    app::expect_ok(sam_start());
    if (id == 1) {
      for (int fd = 3; fd < 256; ++fd) {
        if (fd != app::report_fd()) ::close(fd);
      }
    }
    app::report("closed", id);
    app::sleep_forever();
  });
  const Report first = application.wait_for("closed");
  application.expect_none("returned in supervisor", 500);
  EXPECT_EQ(application.count("registered"), 1u) << application.story();
  EXPECT_TRUE(proc::exists(first.pid));
  ::kill(first.pid, SIGKILL);
  EXPECT_EQ(application.wait_for("closed").value, 2);
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
    app::expect_ok(sam_data_restore(restored, sizeof restored));
    app::expect_that(restored[0] == (result == CS_OK ? 'n' : 'o'));
    app::report("alive");
    app::sleep_forever();
  });
  EXPECT_EQ(application.wait_for("alive").instance, 1u);
}

}  // namespace
}  // namespace cs::test
