// SPDX-License-Identifier: BSD-3-Clause
// A supervisor that has too little: no process or descriptor left, descriptors taken away. Cases of
// a suite *BeyondStock fail with the distribution's library.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include <gtest/gtest.h>

#include "support/child.h"
#include "support/proc.h"
#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kRestart = SAM_RECOVERY_POLICY_RESTART;
constexpr int kInterval = 60'000;
constexpr int kNobody = 54'321;  // a user without processes

int count_descriptors_kept_by_exec() {
  int kept = 0;
  for (int fd = 0; fd < 1024; ++fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    kept += flags >= 0 && (flags & FD_CLOEXEC) == 0 ? 1 : 0;
  }
  return kept;
}

TEST(SamSupervisorBeyondStock, DescriptorsAreClosedOnExec) {
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
  EXPECT_EQ(application.count("registered"), 1U) << application.story();
  EXPECT_TRUE(proc::children(application.supervisor()).empty());
  limit(application.supervisor(), resource, RLIM_INFINITY);
  EXPECT_EQ(application.wait_for("started").value, 2);
}

TEST(SamSupervisorBeyondStock, ForkThatFailsDuringRestartIsRepeated) {
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
TEST(SamSupervisorBeyondStock, RestartNeedsNoNewDescriptor) {
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
TEST(SamSupervisorBeyondStock, BreaksDownAndLeavesNoSecondCopy) {
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
TEST(SamSupervisorBeyondStock, UnderALowLimitOfDescriptorsGoesOn) {
  SamProcess application([] {
    unsigned instance = 0;
    app::expect_ok(sam_initialize(400, SAM_RECOVERY_POLICY_RESTART));
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

}  // namespace
}  // namespace cs::test
