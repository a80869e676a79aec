// SPDX-License-Identifier: BSD-3-Clause
// Stored data of programs that fork, that become daemons, that are confined; and of handlers and
// threads that do not return.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "support/refuse_call.h"
#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kRestart = SAM_RECOVERY_POLICY_RESTART;
constexpr int kInterval = 60'000;

cs_error_t store(const std::string& text) { return sam_data_store(text.data(), text.size()); }

std::string stored() {
  std::size_t size = 0;
  app::expect_ok(sam_data_getsize(&size));
  std::string text(size, '\0');
  app::expect_ok(sam_data_restore(text.data(), text.size()));
  return text;
}

void initialize() { app::expect_ok(sam_initialize(kInterval, SAM_RECOVERY_POLICY_RESTART)); }

// A worker of a master that has initialized SAM for all of them.
[[noreturn]] void work(const std::string& name) {
  const unsigned id = app::register_instance();
  if (id > 1) {
    app::expect_that(stored() == "state of " + name);
    app::report("its own");
    ::_exit(0);
  }
  app::expect_that(stored() == "early");
  app::expect_ok(store("state of " + name));
  app::expect_ok(sam_start());
  app::die_by(SIGKILL);
}

TEST(SamData, OfWorkersForkedAfterInitializeAreEachTheirOwn) {
  SamProcess application([] {
    initialize();
    app::expect_ok(store("early"));
    for (const char* const name : {"one", "two", "three"}) {
      if (::fork() == 0) work(name);
    }
    while (::wait(nullptr) > 0) {
    }
    app::expect_that(stored() == "early");
    app::report("master");
  });
  for (int worker = 0; worker < 3; ++worker) application.wait_for("its own");
  application.wait_for("master");
}

// As daemon(3) and its users do.
void become_daemon() {
  if (::fork() != 0) ::_exit(0);
  for (int fd = 3; fd < 256; ++fd) {
    if (fd != app::report_fd()) ::close(fd);
  }
}

TEST(SamData, StoredBeforeAProcessBecomesADaemonAreKept) {
  SamProcess application([] {
    initialize();
    app::expect_ok(store("early"));
    become_daemon();
    const unsigned id = app::register_instance();
    app::expect_that(stored() == (id == 1 ? "early" : "late"));
    app::expect_ok(store("late"));
    app::expect_ok(sam_start());
    if (id < 3) app::die_by(SIGKILL);
    app::report("kept");
  });
  application.wait_for("kept");
}

class SamDataWithoutMemfd : public testing::TestWithParam<int> {};

TEST_P(SamDataWithoutMemfd, AreStoredAllTheSame) {
  SamProcess application([error = GetParam()] {
    app::expect_that(refuse_call(SYS_memfd_create, static_cast<unsigned>(error)));
    initialize();
    app::expect_ok(store("early"));
    const unsigned id = app::register_instance();
    app::expect_that(stored() == (id == 1 ? "early" : "late"));
    app::expect_ok(store("late"));
    app::expect_ok(sam_start());
    if (id < 3) app::die_by(SIGKILL);
    app::report("kept");
  });
  application.wait_for("kept");
}

INSTANTIATE_TEST_SUITE_P(By, SamDataWithoutMemfd, testing::Values(ENOSYS, EPERM, EACCES));

// Nothing can be opened that is not there. Who needs files cannot store then, but says so.
TEST(SamData, StoredEarlyReachAllInstancesThoughThereAreNoFiles) {
  SamProcess application([] {
    constexpr std::uint32_t kCreates = O_CREAT | (O_TMPFILE & ~O_DIRECTORY);
    app::expect_that(refuse_call(SYS_memfd_create, EPERM));
    app::expect_that(refuse_call(SYS_openat, EACCES, 2, kCreates));
    initialize();
    app::expect_ok(store("early"));
    const unsigned id = app::register_instance();
    const std::string before = stored();
    app::expect_that(before == "early" || before == "late");
    errno = 0;
    const cs_error_t result = store("late");
    if (result != CS_OK) app::expect(result, CS_ERR_LIBRARY);
    if (result != CS_OK) app::expect_that(errno == EACCES);
    app::expect_that(stored() == (result == CS_OK ? "late" : "early"));
    app::expect_ok(sam_start());
    if (id < 3) app::die_by(SIGKILL);
    app::report("done");
  });
  application.wait_for("done");
}

TEST(SamData, StoredWhileHandlersRunCommandsAreKept) {
  SamProcess application([] {
    const unsigned id = app::enter(kInterval, kRestart);
    if (id == 2) {
      app::expect_that(stored() == "last");
      app::report("kept");
      ::_exit(0);
    }
    app::handle(SIGUSR1, [](int) {
      const int error = errno;
      char* arguments[] = {const_cast<char*>("true"), nullptr};
      char* environment[] = {nullptr};
      pid_t command = -1;
      app::expect_that(::posix_spawnp(&command, "true", nullptr, nullptr, arguments, environment) ==
                       0);
      app::expect_that(::waitpid(command, nullptr, 0) == command);
      if (::system("true") != 0) app::expect_that(false);
      errno = error;
    });
    const pid_t self = ::getpid();
    const pid_t bell = ::fork();
    if (bell == 0) {
      for (;;) {
        ::kill(self, SIGUSR1);
        app::pause_for(1);
      }
    }
    for (int round = 0; round < 300; ++round) app::expect_ok(store(std::to_string(round)));
    ::kill(bell, SIGKILL);
    while (::waitpid(bell, nullptr, 0) != bell) {
    }
    app::expect_ok(store("last"));
    app::expect_ok(sam_start());
    app::die_by(SIGKILL);
  });
  application.wait_for("kept");
}

void use_data_at_exit() {
  app::expect_that(stored() == "before the exit");
  app::expect_ok(store("at the exit"));
  app::expect_that(stored() == "at the exit");
  app::report("at exit");
}

// In the active process; the supervisor has its turn when that has ended.
TEST(SamData, MayBeUsedByExitHandlers) {
  SamProcess application([] {
    ::atexit([] {
      if (::getpid() != app::supervisor()) use_data_at_exit();
    });
    app::enter(kInterval, SAM_RECOVERY_POLICY_QUIT);
    app::expect_ok(store("before the exit"));
    app::expect_ok(sam_start());
    std::exit(0);
  });
  application.wait_for("at exit");
  application.expect_exit_code(0);
}

TEST(SamDataBeyondStock, BufferThatCannotBeWrittenToItsEndIsLeftAlone) {
  SamProcess application([] {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    auto* const pages = static_cast<char*>(
        ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    app::expect_that(::mprotect(pages + page, page, PROT_READ) == 0);
    std::fill(pages, pages + page, '#');
    const auto expect_refusal = [&] {
      app::expect(sam_data_restore(pages, 2 * page), CS_ERR_INVALID_PARAM);
      app::expect_that(std::count(pages, pages + page, '#') == static_cast<long>(page));
    };
    initialize();
    app::expect_ok(store(std::string(2 * page, 'x')));
    expect_refusal();
    app::register_instance();
    expect_refusal();
    app::expect_ok(store(std::string(2 * page, 'y')));
    expect_refusal();
    app::report("done");
  });
  application.wait_for("done");
}

// The helper lives on when its instance dies, and has something to store later.
TEST(SamDataBeyondStock, AreNotReplacedByAHelperOfAnEarlierInstance) {
  SamProcess application([] {
    const unsigned id = app::enter(kInterval, kRestart);
    ::signal(SIGPIPE, SIG_IGN);
    app::expect_ok(sam_start());
    if (id == 1) {
      int told[2];
      app::expect_that(::pipe(told) == 0);
      if (::fork() == 0) {
        ::close(told[1]);
        char byte;
        (void)!::read(told[0], &byte, 1);  // until the instance is dead
        app::pause_for(300);
        for (int i = 0; i < 3; ++i) app::expect_that(store("of a helper") != CS_OK);
        app::report("refused");
        app::sleep_forever();
      }
      app::expect_ok(store("of the first"));
      app::die_by(SIGKILL);
    }
    app::expect_that(stored() == "of the first");
    app::expect_ok(store("of the second"));
    app::pause_for(1000);
    app::expect_that(stored() == "of the second");
    app::report("kept");
    app::sleep_forever();
  });
  application.wait_for("refused");
  application.wait_for("kept");
}

// Threads that are cancelled in the middle of it. A sanitizer would be in the middle of its own.
#ifndef CS_SANITIZED

struct Worker {
  int type;
};

void* store_and_restore(void* argument) {
  pthread_setcanceltype(static_cast<Worker*>(argument)->type, nullptr);
  char bytes[3000] = {};
  for (;;) {
    std::size_t size = 0;
    (void)sam_data_store(bytes, sizeof(bytes));
    (void)sam_data_getsize(&size);
    (void)sam_data_restore(bytes, sizeof(bytes));
    pthread_testcancel();
  }
}

class SamDataBeyondStockCancelled : public testing::TestWithParam<int> {};

TEST_P(SamDataBeyondStockCancelled, LeaveTheDataToTheOthers) {
  SamProcess application([type = GetParam()] {
    initialize();
    Worker worker{type};
    const auto cancel_workers = [&] {
      for (int round = 0; round < 200; ++round) {
        pthread_t thread;
        app::expect_that(pthread_create(&thread, nullptr, store_and_restore, &worker) == 0);
        const timespec a_little = {0, round * 500};
        ::nanosleep(&a_little, nullptr);
        pthread_cancel(thread);
        pthread_join(thread, nullptr);
        const std::string text = "round " + std::to_string(round);
        app::expect_ok(store(text));
        app::expect_that(stored() == text);
      }
    };
    cancel_workers();
    const unsigned id = app::register_instance();
    if (id == 1) {
      cancel_workers();
      app::expect_ok(sam_start());
      app::die_by(SIGKILL);
    }
    app::expect_that(stored() == "round 199");
    app::report("done");
  });
  application.wait_for("done");
}

INSTANTIATE_TEST_SUITE_P(Type, SamDataBeyondStockCancelled,
                         testing::Values(PTHREAD_CANCEL_DEFERRED, PTHREAD_CANCEL_ASYNCHRONOUS));

#endif

}  // namespace
}  // namespace cs::test
