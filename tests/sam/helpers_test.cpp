// SPDX-License-Identifier: BSD-3-Clause
// Helper processes of an instance, and their part in its end: whoever outlives it must not hide its
// death. Cases of a suite *BeyondStock fail with the distribution's library.
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <vector>

#include <gtest/gtest.h>

#include "support/child.h"
#include "support/proc.h"
#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kQuit = SAM_RECOVERY_POLICY_QUIT;
constexpr int kRestart = SAM_RECOVERY_POLICY_RESTART;

bool ends(pid_t pid) {
  return eventually([=] { return proc::state(pid) == 'Z' || proc::state(pid) == 0; },
                    milliseconds(patience() / 1'000'000));
}

// A program that outlives its parent, and holds nothing of it.
void exec_a_helper() {
  if (::fork() != 0) return;
  ::execl("/bin/sleep", "sleep", "300", static_cast<char*>(nullptr));
  ::_exit(127);
}

void fork_a_helper() {
  if (::fork() == 0) app::sleep_forever();
}

[[noreturn]] void die_with_code(int code) {
  if (code < 0) app::die_by(-code);
  ::_exit(code);
}

// It holds the lock of the store then: nobody else's store ends.
void stop_a_helper_in_its_store(std::atomic<pid_t>& holder) {
  static std::vector<char> data(64 << 20);
  const pid_t helper = ::fork();
  if (helper == 0) {
    for (;;) (void)sam_data_store(data.data(), data.size());
  }
  holder = helper;
  for (bool is_held = false; !is_held;) {
    app::pause_for(20);
    ::kill(helper, SIGSTOP);
    const pid_t probe = ::fork();
    if (probe == 0) ::_exit(sam_data_store("probe", 6) == CS_OK ? 0 : 1);
    app::pause_for(100);
    is_held = ::waitpid(probe, nullptr, WNOHANG) == 0;
    ::kill(probe, SIGKILL);
    ::waitpid(probe, nullptr, 0);
    if (!is_held) ::kill(helper, SIGCONT);
  }
}

// The next instance comes, whatever the first leaves behind.
void expect_death_is_noticed(void (*leave_a_helper)(), int code) {
  SamProcess application([=] {
    const unsigned id = app::enter(0, kRestart);
    app::expect_ok(sam_start());
    if (id == 5) app::sleep_forever();
    leave_a_helper();
    die_with_code(code);
  });
  for (int id = 1; id <= 5; ++id) EXPECT_EQ(application.wait_for("registered").value, id);
}

TEST(SamHelpersBeyondStock, OneThatHasExecutedDoesNotHideACrash) {
  expect_death_is_noticed(exec_a_helper, -SIGSEGV);
}

TEST(SamHelpersBeyondStock, OneThatHasNotDoesNotHideACrash) {
  expect_death_is_noticed(fork_a_helper, -SIGKILL);
}

TEST(SamHelpersBeyondStock, DoNotHideAFailure) {
  expect_death_is_noticed(fork_a_helper, 3);
  expect_death_is_noticed(exec_a_helper, 255);
}

// The next one has not begun yet, but the data are kept for it.
TEST(SamHelpersBeyondStock, OneThatStoresDuringARestartDelayIsRefused) {
  SamProcess application([] {
    app::expect_that(::setenv("SAM_RESTART_DELAY", "1500", 1) == 0);
    const unsigned id = app::enter(0, kRestart);
    if (id == 1) {
      app::expect_ok(sam_start());
      app::expect_ok(sam_data_store("kept", 5));
      const pid_t parent = ::getpid();
      if (::fork() == 0) {
        ::signal(SIGPIPE, SIG_IGN);
        while (::getppid() == parent) app::pause_for(1);
        app::pause_for(300);
        for (int i = 0; i < 3; ++i) app::expect(sam_data_store("lost", 5), CS_ERR_LIBRARY);
        app::report("refused");
        ::_exit(0);
      }
      app::die_by(SIGKILL);
    }
    char data[5] = {};
    app::expect_ok(sam_data_restore(data, sizeof(data)));
    app::expect_that(std::string(data) == "kept");
    app::report("found");
    app::sleep_forever();
  });
  application.wait_for("refused");
  application.wait_for("found");
}

// The lock of the store passes to them only when the instance is gone, in the pause before the next
// one: what they may do counts then, and not when they asked. The second would overwrite the data.
TEST(SamHelpersThatWait, ThoseWhoseTurnComesTooLateAreRefused) {
  SamProcess application([] {
    struct Shared {
      std::atomic<pid_t> holder;
      std::atomic<int> refused;
    };
    auto* const shared = static_cast<Shared*>(
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    app::expect_that(::setenv("SAM_RESTART_DELAY", "1000", 1) == 0);
    const unsigned id = app::enter(0, kRestart);
    app::expect_ok(sam_start());
    if (id > 1) {
      while (shared->refused < 2) app::pause_for(1);
      std::size_t size = 0;
      app::expect_ok(sam_data_getsize(&size));
      app::expect_that(size != 5);
      app::report("intact");
      app::sleep_forever();
    }
    stop_a_helper_in_its_store(shared->holder);
    for (int i = 0; i < 2; ++i) {
      if (::fork() != 0) continue;
      ::signal(SIGPIPE, SIG_IGN);
      app::expect(sam_data_store("lost", 5), CS_ERR_LIBRARY);
      ++shared->refused;
      ::_exit(0);
    }
    const pid_t self = ::getpid();
    if (::fork() == 0) {
      while (::getppid() == self) app::pause_for(1);
      app::pause_for(100);
      ::kill(shared->holder, SIGKILL);
      ::_exit(0);
    }
    app::pause_for(100);
    app::die_by(SIGKILL);
  });
  application.wait_for("intact");
}

// Between fork and exec it looks as if the instance became a daemon.
TEST(SamHelpersBeyondStock, OneThatIsAboutToExecuteIsNoDaemon) {
  expect_death_is_noticed(exec_a_helper, 0);
}

TEST(SamHelpersBeyondStock, OneThatIsSpawnedIsNoDaemon) {
  expect_death_is_noticed(
      [] {
        char name[] = "sleep", time[] = "300";
        char* const arguments[] = {name, time, nullptr};
        pid_t pid;
        app::expect_that(
            ::posix_spawn(&pid, "/bin/sleep", nullptr, nullptr, arguments, ::environ) == 0);
      },
      0);
}

// It has called functions of SAM, and the instance never became a daemon for it.
TEST(SamHelpersBeyondStock, OneThatSendsHealthChecksDoesNotHideACrash) {
  expect_death_is_noticed(
      [] {
        if (::fork() == 0) {
          ::signal(SIGPIPE, SIG_IGN);
          for (;;) {
            (void)sam_hc_send();
            app::pause_for(5);
          }
        }
        app::pause_for(50);
      },
      -SIGKILL);
}

TEST(SamHelpersBeyondStock, OneThatOutlivesAnOrderlyEndDoesNotKeepTheSupervisor) {
  for (const bool started : {true, false}) {
    SamProcess application([started] {
      app::enter(0, kRestart);
      if (started) app::expect_ok(sam_start());
      fork_a_helper();
      app::expect_ok(sam_finalize());
      ::_exit(0);
    });
    application.wait_for("registered");
    EXPECT_TRUE(ends(application.supervisor()));
  }
}

TEST(SamHelpersBeyondStock, DoNotHideADeathUnderQuit) {
  SamProcess application([] {
    app::enter(0, kQuit);
    app::expect_ok(sam_start());
    fork_a_helper();
    ::_exit(9);
  });
  application.wait_for("registered");
  EXPECT_TRUE(ends(application.supervisor()));
}

// What speaks for an instance that has ended is not heard, and is told so; SIGPIPE would kill it.
TEST(SamHelpersBeyondStock, OfAnEarlierInstanceAreTurnedAway) {
  SamProcess application([] {
    const unsigned id = app::enter(0, kRestart);
    app::expect_ok(sam_start());
    if (id > 1) app::sleep_forever();
    if (::fork() != 0) app::die_by(SIGKILL);
    app::handle(SIGPIPE, [](int) { app::report("SIGPIPE"); });
    while (sam_hc_send() == CS_OK) app::pause_for(1);
    for (int round = 0; round < 3; ++round) {
      app::expect(sam_hc_send(), CS_ERR_LIBRARY);
      app::expect(sam_warn_signal_set(SIGUSR1), CS_ERR_LIBRARY);
      app::expect(sam_stop(), CS_ERR_LIBRARY);
      app::expect(sam_data_store("stale", 6), CS_ERR_LIBRARY);
      app::pause_for(20);
    }
    app::report("turned away");
    app::sleep_forever();
  });
  application.wait_for("turned away");
  EXPECT_EQ(application.count("SIGPIPE"), 0U) << application.story();
  EXPECT_EQ(application.count("registered"), 2U) << application.story();
}

// A pipe that helpers of the application share with it is the application's own business.
TEST(SamHelpers, OneThatEndsIsNoDeath) {
  SamProcess application([] {
    app::enter(0, kRestart);
    app::expect_ok(sam_start());
    for (int round = 0; round < 20; ++round) {
      const pid_t helper = ::fork();
      if (helper == 0) ::_exit(round % 2);
      app::expect_that(::waitpid(helper, nullptr, 0) == helper);
      app::expect_ok(sam_hc_send());
    }
    app::expect_that(std::system("true") == 0);
    app::report("done");
    app::sleep_forever();
  });
  application.wait_for("done");
  application.follow(100);
  EXPECT_EQ(application.count("registered"), 1U) << application.story();
}

}  // namespace
}  // namespace cs::test
