// SPDX-License-Identifier: BSD-3-Clause
// What the distribution's library gets wrong, first part: health checks, stored data, and how a
// death is noticed and recovered. Every case of the suite SamBeyondStock fails there, which
// scripts/compare-with-stock verifies with this same program.
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcntl.h>

#include <climits>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "support/child.h"
#include "support/proc.h"
#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kQuit = SAM_RECOVERY_POLICY_QUIT;
constexpr int kRestart = SAM_RECOVERY_POLICY_RESTART;
constexpr int kInterval = 60'000;
constexpr int kManyHealthChecks = 1'000'000;
constexpr int kNobody = 54'321;  // a user without processes
constexpr std::size_t kMebibyte = 1024 * 1024;

void send_many_health_checks() {
  for (int i = 0; i < kManyHealthChecks; ++i) app::expect_ok(sam_hc_send());
}

// Stopped by its own active process, and stopped for certain when this returns.
void stop_the_supervisor() {
  ::kill(app::supervisor(), SIGSTOP);
  while (proc::state(app::supervisor()) != 'T') app::pause_for(1);
}

TEST(SamBeyondStock, HealthChecksDoNotWaitForAStoppedSupervisor) {
  SamProcess application([] {
    app::enter(kInterval, kRestart);
    app::expect_ok(sam_start());
    stop_the_supervisor();
    send_many_health_checks();
    app::report("sent");
    ::kill(app::supervisor(), SIGCONT);
    app::expect_ok(sam_stop());
    app::report("stopped");
  });
  application.wait_for("sent");
  application.wait_for("stopped");
}

TEST(SamBeyondStock, HealthChecksCostTheSupervisorNoTime) {
  SamProcess application([] {
    app::enter(kInterval, kRestart);
    app::expect_ok(sam_start());
    app::pause_for(50);  // it settles
    const std::int64_t before = proc::processor_time(app::supervisor());
    app::expect_that(before > 0);
    send_many_health_checks();
    app::pause_for(50);
    app::report("microseconds", (proc::processor_time(app::supervisor()) - before) / 1000);
  });
  EXPECT_LT(application.wait_for("microseconds").value, 50'000);
}

TEST(SamBeyondStock, StoresAreSafeInASignalHandler) {
  SamProcess application([] {
    const unsigned id = app::enter(kInterval, kRestart);
    std::vector<char> bytes(3000, 'm');
    if (id == 1) {
      app::every_100_microseconds([](int) {
        char small[500];
        std::memset(small, 's', sizeof small);
        app::expect_ok(sam_data_store(small, sizeof small));
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

TEST(SamBeyondStock, StoresDoNotWaitForAStoppedSupervisor) {
  SamProcess application([] {
    const unsigned id = app::enter(kInterval, kRestart);
    char bytes[64] = "kept";
    app::expect_ok(sam_start());
    if (id == 1) {
      stop_the_supervisor();
      app::expect_ok(sam_data_store(bytes, sizeof bytes));
      app::report("stored");
      app::die_by(SIGKILL);
    }
    char restored[64] = "";
    app::expect_ok(sam_data_restore(restored, sizeof restored));
    app::expect_that(std::memcmp(bytes, restored, sizeof bytes) == 0);
    app::report("restored");
  });
  application.wait_for("stored");
  EXPECT_TRUE(eventually([&] { return proc::count_zombies_of(application.supervisor()) == 1; }));
  ::kill(application.supervisor(), SIGCONT);
  application.wait_for("restored");
}

TEST(SamBeyondStock, StoredDataTakeNoMemoryOfTheApplication) {
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

TEST(SamBeyondStock, AStoreTooBigForAnyProcessIsRefusedFirst) {
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

TEST(SamBeyondStock, AStoreWithoutMemoryLeavesTheOldDataToTheNextInstance) {
  SamProcess application([] {
    const unsigned id = app::enter(kInterval, kRestart);
    if (id == 1) {
      app::expect_ok(sam_data_store("old", 4));
      app::expect(sam_data_store("x", SSIZE_MAX - 4096), CS_ERR_NO_MEMORY);
      app::expect_ok(sam_start());
      app::die_by(SIGKILL);
    }
    char restored[4] = "";
    app::expect_ok(sam_data_restore(restored, sizeof restored));
    app::expect_that(std::strcmp(restored, "old") == 0);
    app::report("done");
  });
  application.wait_for("done");
}

// A grandchild inherits whatever is open and outlives its parent.
[[noreturn]] void die_leaving_a_grandchild() {
  if (::fork() == 0) app::sleep_forever();
  app::die_by(SIGKILL);
}

TEST(SamBeyondStock, DeathIsNoticedThoughAGrandchildLives) {
  SamProcess application([] {
    const unsigned id = app::enter(0, kRestart);
    app::expect_ok(sam_start());
    if (id == 1) die_leaving_a_grandchild();
    app::sleep_forever();
  });
  application.wait_for("registered");
  EXPECT_EQ(application.wait_for("registered").value, 2);
}

TEST(SamBeyondStock, DeathUnderQuitIsNoticedThoughAGrandchildLives) {
  SamProcess application([] {
    app::enter(0, kQuit);
    app::expect_ok(sam_start());
    die_leaving_a_grandchild();
  });
  EXPECT_TRUE(eventually([&] { return proc::state(application.supervisor()) == 'Z'; },
                         milliseconds(patience() / 1'000'000)));
}

int count_descriptors_kept_by_exec() {
  int kept = 0;
  for (int fd = 0; fd < 1024; ++fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    kept += flags >= 0 && (flags & FD_CLOEXEC) == 0 ? 1 : 0;
  }
  return kept;
}

TEST(SamBeyondStock, DescriptorsAreClosedOnExec) {
  SamProcess application([] {
    const int before = count_descriptors_kept_by_exec();
    const unsigned id = app::enter(kInterval, kRestart);
    app::expect_ok(sam_data_store("x", 1));
    app::expect_ok(sam_start());
    if (id == 1) app::die_by(SIGKILL);
    app::report("more", count_descriptors_kept_by_exec() - before);
  });
  EXPECT_EQ(application.wait_for("more").value, 0);
}

TEST(SamBeyondStock, IgnoredSigchldDoesNotLoseTheExitCode) {
  SamProcess application([] {
    ::signal(SIGCHLD, SIG_IGN);
    const unsigned id = app::enter(kInterval, kRestart);
    struct sigaction own = {};
    ::sigaction(SIGCHLD, nullptr, &own);
    app::expect_that(own.sa_handler == SIG_IGN);
    if (id == 3) ::_exit(7);
    app::expect_ok(sam_start());
    ::_exit(1);
  });
  application.expect_exit_code(7);
  EXPECT_EQ(application.count("registered"), 3u);
}

void reap_everything(int) {
  const int error = errno;
  app::report("handler");
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  errno = error;
}

TEST(SamBeyondStock, HandledSigchldDoesNotStealTheExitCode) {
  SamProcess application([] {
    app::handle(SIGCHLD, reap_everything);
    const unsigned id = app::enter(kInterval, kRestart);
    struct sigaction own = {};
    ::sigaction(SIGCHLD, nullptr, &own);
    app::expect_that(own.sa_handler == reap_everything);
    if (id == 3) ::_exit(7);
    app::expect_ok(sam_start());
    ::_exit(1);
  });
  application.expect_exit_code(7);
  EXPECT_EQ(application.count("registered"), 3u);
  EXPECT_EQ(application.count("handler"), 0u) << application.story();
}

// Root is exempt from the limit on processes; everybody else is not.
void become_nobody() {
  if (::geteuid() != 0) return;
  app::expect_that(::setresgid(kNobody, kNobody, kNobody) == 0);
  app::expect_that(::setresuid(kNobody, kNobody, kNobody) == 0);
}

int set_soft_limit(pid_t pid, __rlimit_resource resource, rlim_t soft) {
  rlimit current = {};
  if (::prlimit(pid, resource, nullptr, &current) != 0) return 1;
  current.rlim_cur = std::min(soft, current.rlim_max);
  return ::prlimit(pid, resource, &current, nullptr);
}

// Changes a limit of a process from outside, as the user that it runs as: containers seldom grant
// the capability to do so as another.
void limit(pid_t pid, __rlimit_resource resource, rlim_t soft) {
  const auto user = static_cast<uid_t>(proc::status_number(pid, "Uid"));
  Child setter = Child::run([=] {
    if (user != ::geteuid() &&
        (::setresgid(user, user, user) != 0 || ::setresuid(user, user, user) != 0))
      return 1;
    return set_soft_limit(pid, resource, soft);
  });
  ASSERT_TRUE(setter.wait().exited_with(0));
}

// Kills the first instance while its supervisor cannot make the next; later it can again.
void expect_restart_when_possible_again(SamProcess& application, __rlimit_resource resource,
                                        rlim_t too_little) {
  const Report first = application.wait_for("started");
  limit(application.supervisor(), resource, too_little);
  ::kill(first.pid, SIGKILL);
  application.expect_none("returned in supervisor", 400);
  EXPECT_EQ(application.count("registered"), 1u) << application.story();
  EXPECT_TRUE(proc::children(application.supervisor()).empty());
  limit(application.supervisor(), resource, RLIM_INFINITY);
  EXPECT_EQ(application.wait_for("started").value, 2);
}

TEST(SamBeyondStock, ForkThatFailsDuringRestartIsRepeated) {
  SamProcess application([] {
    become_nobody();
    const unsigned id = app::enter(kInterval, kRestart);
    app::expect_ok(sam_start());
    app::report("started", id);
    app::sleep_forever();
  });
  expect_restart_when_possible_again(application, RLIMIT_NPROC, 1);
}

// A restart needs nothing that a supervisor without descriptors could not have.
TEST(SamBeyondStock, RestartNeedsNoNewDescriptor) {
  SamProcess application([] {
    const unsigned id = app::enter(0, kRestart);
    app::expect_ok(sam_start());
    app::report("started", id);
    app::sleep_forever();
  });
  for (int instance = 1; instance <= 3; ++instance) {
    const Report started = application.wait_for("started");
    EXPECT_EQ(started.value, instance);
    limit(application.supervisor(), RLIMIT_NOFILE, 4);
    ::kill(started.pid, SIGKILL);
  }
  EXPECT_EQ(application.wait_for("started").value, 4);
}

}  // namespace
}  // namespace cs::test
