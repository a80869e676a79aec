// SPDX-License-Identifier: BSD-3-Clause
// Silence that the kernel excuses: of a process that a debugger holds, or that dumps core.
#include <signal.h>
#include <sys/fanotify.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "sam/operator_support.h"
#include "support/sanitized.h"

namespace cs::test {
namespace {

// The test is the debugger.
TEST(SamExcusedSilence, OfAProcessThatADebuggerHolds) {
  const LogFile log;
  SamProcess application([&] {
    log.use();
    app::enter(1000, kRestart);
    app::expect_ok(sam_start());
    app::report("runs");
    app::stay_healthy(20);
  });
  const pid_t instance = application.wait_for("runs").pid;
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, instance, nullptr, nullptr), 0);
  ASSERT_EQ(::ptrace(PTRACE_INTERRUPT, instance, nullptr, nullptr), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(instance, &status, __WALL), instance);
  application.follow(3500);  // it would have been killed twice over
  EXPECT_EQ(proc::state(instance), 't');
  ASSERT_EQ(::ptrace(PTRACE_DETACH, instance, nullptr, nullptr), 0);
  EXPECT_FALSE(application.comes("registered", 1000)) << log.text();
  EXPECT_TRUE(proc::exists(instance));
}

TEST(SamExcusedSilence, IsNoneForAProcessThatIsOnlyTraced) {
  SamProcess application([] {
    ::signal(SIGTERM, SIG_DFL);
    app::enter(200, kRestart);
    app::expect_ok(sam_warn_signal_set(SIGKILL));
    app::expect_ok(sam_start());
    app::report("runs");
    app::sleep_forever();
  });
  const pid_t instance = application.wait_for("runs").pid;
  // It may have been killed already on a slow machine: then there is nothing to trace.
  (void)::ptrace(PTRACE_SEIZE, instance, nullptr, nullptr);
  int status = 0;
  while (::waitpid(instance, &status, __WALL) == instance && !WIFSIGNALED(status)) {
  }
  EXPECT_EQ(application.wait_for("registered").value, 2);
}

// Holds whoever opens a file in a folder, until it is told to let go: so it can make a core dump
// take as long as it likes.
class OpeningHeld {
 public:
  OpeningHeld() {
    std::string path = (std::filesystem::temp_directory_path() / "cs-core-XXXXXX").string();
    if (::mkdtemp(path.data()) != nullptr) folder_ = path;
    events_.reset(::fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC));
    is_able_ =
        events_ && ::fanotify_mark(events_.get(), FAN_MARK_ADD, FAN_OPEN_PERM | FAN_EVENT_ON_CHILD,
                                   AT_FDCWD, folder_.c_str()) == 0;
  }
  OpeningHeld(const OpeningHeld&) = delete;
  OpeningHeld& operator=(const OpeningHeld&) = delete;
  ~OpeningHeld() {
    events_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  [[nodiscard]] bool is_able() const { return is_able_; }
  [[nodiscard]] const std::string& folder() const { return folder_; }

  // Whether somebody is held.
  [[nodiscard]] bool await() {
    pollfd entry{events_.get(), POLLIN, 0};
    if (::poll(&entry, 1, 30'000) <= 0) return false;
    fanotify_event_metadata event{};
    if (::read(events_.get(), &event, sizeof event) < static_cast<ssize_t>(sizeof event)) {
      return false;
    }
    file_.reset(event.fd);
    return true;
  }
  void let_go() {
    const fanotify_response response{file_.get(), FAN_ALLOW};
    EXPECT_EQ(::write(events_.get(), &response, sizeof response),
              static_cast<ssize_t>(sizeof response));
    file_.reset();
  }

 private:
  std::string folder_;
  UniqueFd events_;
  UniqueFd file_;  // that is being opened
  bool is_able_ = false;
};

// Cores go to the folder that the process is in.
bool cores_go_here() {
  std::ifstream file("/proc/sys/kernel/core_pattern");
  std::string pattern;
  std::getline(file, pattern);
  rlimit limit{};
  ::getrlimit(RLIMIT_CORE, &limit);
  return !pattern.empty() && pattern.find_first_of("|/@") == std::string::npos &&
         limit.rlim_max == RLIM_INFINITY;
}

// The dump waits for its file for longer than the warning and the kill would take.
TEST(SamExcusedSilence, OfAProcessThatDumpsCore) {
  OpeningHeld core;
  if (!core.is_able() || !cores_go_here()) GTEST_SKIP() << "no dump can be held up here";
  if (kSanitized) GTEST_SKIP() << "a sanitizer's core has terabytes";
  const LogFile log;
  SamProcess application([&] {
    log.use();
    if (::chdir(core.folder().c_str()) != 0) ::_exit(1);
    const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_CORE, &all);
    const unsigned id = app::enter(1000, kRestart);
    app::expect_ok(sam_start());
    if (id == 1) ::abort();
    app::stay_healthy(20);
  });
  ASSERT_TRUE(core.await());
  application.follow(3500);
  EXPECT_EQ(log.count("death"), 0U) << log.text();
  core.let_go();
  EXPECT_EQ(application.wait_for("registered").value, 1);
  EXPECT_EQ(application.wait_for("registered").value, 2);
  log.expect("death instance=1 pid=[0-9]+ reason=\"killed by SIGABRT \\(core dumped\\)\"");
  EXPECT_EQ(log.count("warning|kill "), 0U) << log.text();
}

}  // namespace
}  // namespace cs::test
