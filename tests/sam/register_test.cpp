// SPDX-License-Identifier: BSD-3-Clause
// sam_register when the system has nothing left to give, and in programs that do unusual things
// around it: become daemons, use many threads.
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <gtest/gtest.h>

#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kInterval = 60'000;
constexpr int kNobody = 54'322;

// Registers with a limit in place that makes it fail, then without; there is one process meanwhile.
void register_against_limit(__rlimit_resource resource, rlim_t too_little, int expected_errno) {
  rlimit before = {};
  ::getrlimit(resource, &before);
  const rlimit limit = {too_little, before.rlim_max};
  app::expect_that(::setrlimit(resource, &limit) == 0);
  errno = 0;
  app::expect(sam_register(nullptr), CS_ERR_LIBRARY);
  app::expect_that(errno == expected_errno);
  app::expect_that(::getpid() == app::supervisor());
  app::expect_that(::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD);
  app::report("refused");
  ::setrlimit(resource, &before);
}

TEST(SamRegister, WithoutDescriptorsFailsAndSaysWhy) {
  SamProcess application([] {
    app::expect_ok(sam_initialize(kInterval, SAM_RECOVERY_POLICY_RESTART));
    register_against_limit(RLIMIT_NOFILE, 4, EMFILE);
  });
  application.wait_for("refused");
  application.expect_exit_code(0);
}

TEST(SamRegister, WithoutProcessesFailsAndSaysWhy) {
  SamProcess application([] {
    if (::geteuid() == 0) {  // root is exempt from the limit
      app::expect_that(::setresuid(kNobody, kNobody, kNobody) == 0);
    }
    app::expect_ok(sam_initialize(kInterval, SAM_RECOVERY_POLICY_RESTART));
    register_against_limit(RLIMIT_NPROC, 0, EAGAIN);
  });
  application.wait_for("refused");
  application.expect_exit_code(0);
}

// The classic daemon: what was initialized by the parent is registered by its child.
TEST(SamRegister, WorksInAChildOfTheProcessThatInitialized) {
  SamProcess application([] {
    app::expect_ok(sam_initialize(kInterval, SAM_RECOVERY_POLICY_RESTART));
    app::expect_ok(sam_data_store("kept", 5));
    if (const pid_t daemon = ::fork(); daemon != 0) {
      int status = 0;
      ::waitpid(daemon, &status, 0);
      ::_exit(WEXITSTATUS(status));
    }
    const unsigned id = app::register_instance();
    char restored[5] = "";
    app::expect_ok(sam_data_restore(restored, sizeof(restored)));
    app::expect_that(std::strcmp(restored, "kept") == 0);
    app::expect_ok(sam_start());
    if (id < 3) app::die_by(SIGKILL);
    app::expect_ok(sam_stop());
    ::_exit(31);
  });
  application.expect_exit_code(31);
  EXPECT_EQ(application.count("registered"), 3U);
}

bool ok_or_not_now(cs_error_t result) { return result == CS_OK || result == CS_ERR_BAD_HANDLE; }

void* use_everything(void*) {
  for (unsigned round = 0; round < 200; ++round) {
    app::expect_that(ok_or_not_now(sam_start()));
    app::expect_that(ok_or_not_now(sam_hc_send()));
    app::expect_ok(sam_warn_signal_set(round % 2 == 0 ? SIGUSR1 : SIGTERM));
    app::expect_ok(sam_data_store(&round, sizeof(round)));
    std::size_t size = 0;
    app::expect_ok(sam_data_getsize(&size));
    app::expect_that(size == sizeof(round));
    app::expect_that(ok_or_not_now(sam_stop()));
  }
  return nullptr;
}

TEST(SamThreads, MayAllUseEveryFunction) {
  SamProcess application([] {
    app::enter(kInterval, SAM_RECOVERY_POLICY_RESTART);
    pthread_t threads[4];
    for (pthread_t& thread : threads) pthread_create(&thread, nullptr, use_everything, nullptr);
    for (const pthread_t thread : threads) pthread_join(thread, nullptr);
    app::expect(sam_stop(), CS_ERR_BAD_HANDLE);  // each start of a thread was followed by a stop
    app::expect_ok(sam_start());
    app::expect_ok(sam_stop());
    app::report("done");
  });
  application.wait_for("done");
  application.expect_exit_code(0);
}

}  // namespace
}  // namespace cs::test
