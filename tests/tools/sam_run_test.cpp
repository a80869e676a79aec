// SPDX-License-Identifier: BSD-3-Clause
// sam-run without a cluster: how it ends, what its command finds, restarts and checks.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <cerrno>
#include <csignal>

#include "support/refuse_call.h"
#include "tools/running.h"

namespace cs::test {
namespace {

constexpr int kOwnFailure = 125;
constexpr int kCannotRun = 126;
constexpr int kNotFound = 127;

Outcome sam_run(const std::vector<std::string>& options, const std::vector<std::string>& command) {
  return Running(options, command).wait();
}

TEST(SamRunEnds, WithTheStatusOfTheCommand) {
  EXPECT_TRUE(sam_run({"-p", "quit"}, shell("exit 7")).exited_with(7));
  EXPECT_TRUE(sam_run({"-p", "quit"}, shell("exit 0")).exited_with(0));
  EXPECT_TRUE(sam_run({"-p", "quit", "-c", "true"}, shell("exit 7")).exited_with(7));
  EXPECT_TRUE(sam_run({"-p", "quit", "-c", "true"}, shell("exit 0")).exited_with(0));
}

TEST(SamRunEnds, WithoutACommandThatCanBeRun) {
  const Outcome missing = sam_run({}, {"/no/such/program"});
  EXPECT_TRUE(missing.exited_with(kNotFound)) << missing;
  EXPECT_EQ(missing.output,
            "sam-run: '/no/such/program' cannot be run: No such file or directory\n");
  EXPECT_TRUE(sam_run({}, {"no-such-program-anywhere"}).exited_with(kNotFound));
  EXPECT_TRUE(sam_run({}, {""}).exited_with(kNotFound));
  EXPECT_TRUE(sam_run({}, {"/etc/passwd"}).exited_with(kCannotRun));
  EXPECT_TRUE(sam_run({}, {"/etc"}).exited_with(kCannotRun));
}

// Found by its name, executable, and still no program.
TEST(SamRunEnds, WhenTheCommandTurnsOutToBeNoProgram) {
  const ScratchFolder folder;
  const std::string program = folder / "program";
  std::ofstream(program) << "#!/no/such/interpreter\n";
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  const Outcome outcome = sam_run({}, {program});
  EXPECT_TRUE(outcome.exited_with(kNotFound)) << outcome;
  EXPECT_NE(outcome.output.find("' cannot be run: "), std::string::npos) << outcome;
}

TEST(SamRunOptions, MistakesAreToldInOneLine) {
  const std::pair<std::vector<std::string>, const char*> mistakes[] = {
      {{"--nonsense", "--", "true"}, "no such option: '--nonsense' (see --help)"},
      {{}, "there is no command to run (see --help)"},
      {{"-p", "no", "--", "true"}, "--policy wants restart or quit, not 'no'"},
      {{"-w", "term", "--", "true"},
       "--warn-signal wants the name of a signal or none, not 'term'"},
      {{"-f", "TERM,,HUP", "--", "true"},
       "--forward wants names of signals such as TERM,HUP, or none, not 'TERM,,HUP'"},
      {{"-f", "KILL", "--", "true"},
       "--forward wants names of signals such as TERM,HUP, or none, not 'KILL'"},
      {{"-f", "33", "--", "true"},
       "--forward wants names of signals such as TERM,HUP, or none, not '33'"},
      {{"-r", "5", "--", "true"},
       "--restart-limit wants COUNT/SECONDS such as 5/60, up to 100/604800, not '5'"},
      {{"-d", "1.5", "--", "true"}, "--restart-delay wants milliseconds up to 3600000, not '1.5'"},
      {{"-l", "77", "--", "true"},
       "--log wants stderr, none or the number of an open descriptor, not '77'"},
      {{"-i", "0", "--", "true"}, "--interval wants milliseconds from 1 to 1073741823, not '0'"},
      {{"-i", "5", "--", "true"}, "--interval is for --check"},
      {{"-g", "5", "--", "true"}, "--grace is for --check and --quorum"},
      {{"-c", "true", "-i", "5", "-g", "9", "--", "true"},
       "--grace must be at least twice --interval"},
  };
  for (const auto& [arguments, text] : mistakes) {
    std::vector<std::string> argv = {CS_SAM_RUN};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    const Outcome outcome = run_program(argv);
    EXPECT_TRUE(outcome.exited_with(kOwnFailure)) << outcome;
    EXPECT_EQ(outcome.output, std::string("sam-run: ") + text + "\n");
  }
}

TEST(SamRunOptions, SignalsHaveNamesAndNumbers) {
  for (const char* name : {"TERM", "SIGTERM", "15", "RTMIN", "RTMIN+2", "SIGRTMAX-3", "none"}) {
    EXPECT_TRUE(sam_run({"-p", "quit", "-w", name, "-f", name}, shell("exit 3")).exited_with(3))
        << name;
  }
}

TEST(SamRunOptions, HelpAndVersionArePrinted) {
  const Outcome help = run_program({CS_SAM_RUN, "--help"});
  EXPECT_TRUE(help.exited_with(0));
  EXPECT_TRUE(help.output.starts_with("Usage: sam-run [OPTIONS] -- COMMAND")) << help;
  EXPECT_TRUE(run_program({CS_SAM_RUN, "-V"}).output.starts_with("sam-run (corosync-clients) "));
}

// The same environment, descriptors and signal mask as without sam-run.
TEST(SamRunCommand, FindsNothingOfSam) {
  const auto command = shell(
      "env | grep -v ^_= | sort; ls /proc/self/fd; grep -E 'Sig(Blk|Ign|Cgt)' /proc/self/status");
  Running run({"-p", "quit", "-c", "true", "-l", "none"}, command,
              {.environment = {{"SAM_RESTART_DELAY", "1"}}});
  EXPECT_TRUE(run.process().wait().exited_with(0));
  const std::string direct = run.file("direct");
  EXPECT_TRUE(Child::exec(command, {.output_file = direct}).wait().exited_with(0));
  EXPECT_EQ(run.output(), read_file(direct));
}

TEST(SamRunCommand, MeetsNoChildThatItHasNotMade) {
  const Running run({"-c", "echo checked", "-i", "50", "-g", "100000"}, kYielding);
  ASSERT_TRUE(run.comes_to(2, "checked"));
  EXPECT_EQ(proc::children(run.number_after("started ")), std::vector<pid_t>{});
}

TEST(SamRunCommand, IsTheChildThatGetsTheSignals) {
  Running run({"-p", "quit"}, kStubborn);
  ASSERT_TRUE(run.comes_to(1, "started "));
  const int command = run.number_after("started ");
  EXPECT_EQ(proc::status_number(command, "PPid"), run.process().pid());
  ASSERT_EQ(::kill(command, SIGTERM), 0);
  EXPECT_TRUE(run.comes_to(1, "warned"));
  ASSERT_EQ(::kill(command, SIGKILL), 0);
  EXPECT_FALSE(run.process().wait().timed_out);
}

TEST(SamRunRestart, FollowsEveryEnd) {
  for (const char* end : {"exit 0", "exit 3", "kill -KILL $$"}) {
    const Running run({"-d", "0"}, shell(std::string("echo started $$; ") + end));
    EXPECT_TRUE(run.comes_to(4, "started ")) << end;
    const Running checked({"-d", "0", "-c", "true"}, shell(std::string("echo started $$; ") + end));
    EXPECT_TRUE(checked.comes_to(4, "started ")) << end;
  }
}

TEST(SamRunCheck, GoodChecksKeepTheCommandRunning) {
  Running run({"-c", "echo checked", "-i", "50", "-g", "5000"}, kYielding);
  EXPECT_TRUE(run.comes_to(10, "checked"));
  EXPECT_EQ(run.count("started "), 1) << run.output();
}

// Warned, then killed, then started again.
TEST(SamRunCheck, BadChecksEndTheCommand) {
  const ScratchFolder folder;
  const std::string sick = folder / "sick";
  Running run({"-c", "test ! -e " + sick, "-i", "50", "-g", "400"}, kStubborn);
  ASSERT_TRUE(run.comes_to(1, "started "));
  std::ofstream(sick) << "now";
  EXPECT_TRUE(run.comes_to(1, "sam-run: the check has failed with exit status 1"));
  EXPECT_TRUE(run.comes_to(1, "warned"));
  EXPECT_TRUE(run.comes_to(2, "started "));
  std::filesystem::remove(sick);
}

TEST(SamRunCheck, WarnSignalIsChosen) {
  const auto& command = shell(
      "trap 'echo told' USR1; echo started $$; n=0; "
      "while [ $n -lt 1200 ]; do sleep 0.05; n=$((n + 1)); done");
  const Running run({"-c", "false", "-i", "50", "-g", "300", "-w", "USR1"}, command);
  EXPECT_TRUE(run.comes_to(1, "told"));
  EXPECT_TRUE(run.comes_to(2, "started "));
}

// With everything it has started, such as the sleep here.
TEST(SamRunCheck, LateCheckIsKilled) {
  const ScratchFolder folder;
  const std::string file = folder / "pid";
  Running run({"-c", "sleep 300 & echo $! >" + file + "; wait", "-i", "300", "-g", "100000"},
              kYielding);
  EXPECT_TRUE(run.comes_to(1, "sam-run: the check has not ended within 300 ms, and is killed"));
  int pid = 0;
  ASSERT_TRUE(eventually([&] { return bool(std::ifstream(file) >> pid); }));
  EXPECT_TRUE(eventually([&] { return !proc::exists(pid) || proc::state(pid) == 'Z'; }));
  EXPECT_EQ(run.count("started "), 1) << run.output();
}

TEST(SamRunCheck, CheckerAndItsCheckEndWithTheCommand) {
  const ScratchFolder folder;
  const std::string file = folder / "pids";
  Running run({"-p", "quit", "-c", "echo $PPID $$ >" + file + "; exec sleep 300", "-i", "100", "-g",
               "100000"},
              kYielding);
  ASSERT_TRUE(run.comes_to(1, "started "));
  int checker = 0;
  int check = 0;
  ASSERT_TRUE(eventually([&] { return bool(std::ifstream(file) >> checker >> check); }));
  EXPECT_EQ(proc::status(checker, "Name"), "sam-check");
  ASSERT_EQ(::kill(run.number_after("started "), SIGKILL), 0);
  EXPECT_FALSE(run.process().wait().timed_out);
  EXPECT_TRUE(eventually([&] { return !proc::exists(checker); }));
  EXPECT_TRUE(eventually([&] { return !proc::exists(check); }));
}

TEST(SamRunCheck, CheckerHoldsNothingOfTheCommandsAndIsDeaf) {
  const ScratchFolder folder;
  const std::string file = folder / "pid";
  Running run({"-c", "echo $PPID >" + file, "-i", "50", "-g", "100000"}, kYielding,
              {.before_exec = [] { ::dup2(0, 57); }});
  int checker = 0;
  ASSERT_TRUE(eventually([&] { return bool(std::ifstream(file) >> checker); }));
  const std::string fds = "/proc/" + std::to_string(checker) + "/fd/";
  EXPECT_FALSE(std::filesystem::exists(fds + "57"));
  EXPECT_EQ(std::filesystem::read_symlink(fds + "1"), "/dev/null");
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGPIPE}) ::kill(checker, number);
  std::filesystem::remove(file);
  EXPECT_TRUE(eventually([&] { return std::filesystem::exists(file); }));
  EXPECT_TRUE(proc::exists(checker));
  const std::string command = "/proc/" + std::to_string(run.number_after("started ")) + "/fd/57";
  EXPECT_TRUE(std::filesystem::exists(command));
}

// What it opens to find them takes numbers as well.
TEST(SamRunCheck, CheckerHoldsNothingOfTheCommandsWithTwoStreamsClosed) {
  for (int open = 0; open <= STDERR_FILENO; ++open) {
    const ScratchFolder folder;
    const std::string file = folder / "pid";
    const Running run({"-c", "echo $PPID >" + file, "-i", "50", "-g", "100000", "-l", "none"},
                      kYielding, {.before_exec = [open] {
                        ::dup2(open, 57);
                        for (int fd = 0; fd <= STDERR_FILENO; ++fd) {
                          if (fd != open) ::close(fd);
                        }
                      }});
    int checker = 0;
    ASSERT_TRUE(eventually([&] { return bool(std::ifstream(file) >> checker); }));
    const std::string fds = "/proc/" + std::to_string(checker) + "/fd/";
    EXPECT_FALSE(std::filesystem::exists(fds + "57")) << "with descriptor " << open;
    for (const char* stream : {"0", "1", "2"}) {
      EXPECT_TRUE(std::filesystem::exists(fds + stream)) << stream << " with " << open;
    }
  }
}

TEST(SamRunCheck, WorksOnKernelsWithoutPidfds) {
  const ScratchFolder folder;
  const std::string file = folder / "pid";
  const ProgramOptions old_kernel = {
      .before_exec = [] { (void)refuse_call(SYS_pidfd_open, ENOSYS); }};
  Running run(
      {"-d", "0", "-c", "echo $PPID >" + file + "; echo checked", "-i", "50", "-g", "100000"},
      kYielding, old_kernel);
  EXPECT_TRUE(run.comes_to(3, "checked"));
  int checker = 0;
  ASSERT_TRUE(eventually([&] { return bool(std::ifstream(file) >> checker); }));
  ASSERT_EQ(::kill(run.number_after("started "), SIGKILL), 0);
  EXPECT_TRUE(run.comes_to(2, "started "));
  EXPECT_TRUE(eventually([&] { return !proc::exists(checker); }));
  const Running late({"-c", "sleep 300", "-i", "200", "-g", "100000"}, kYielding, old_kernel);
  EXPECT_TRUE(late.comes_to(2, "sam-run: the check has not ended within 200 ms"));
}

// Whatever they are, the checks run; and what the check says stays out of them.
TEST(SamRunCheck, RunsWithStandardStreamsClosed) {
  for (int closed = 0; closed <= STDERR_FILENO; ++closed) {
    const ScratchFolder folder;
    const std::string file = folder / "checks";
    Running run({"-c", "echo checked >>" + file, "-i", "50", "-g", "5000", "-l", "none"}, kYielding,
                {.before_exec = [closed] { ::close(closed); }});
    EXPECT_TRUE(eventually([&] { return read_file(file).size() >= 10 * sizeof("checked"); }))
        << "without descriptor " << closed;
    ::kill(run.process().pid(), SIGTERM);
    EXPECT_FALSE(run.process().wait().timed_out);
  }
}

// A bad check is told, and the next one is asked in time, whether or not anybody reads that.
TEST(SamRunCheck, ComplaintThatNobodyReadsHoldsNoCheckUp) {
  const ScratchFolder folder;
  const std::string file = folder / "checks";
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  ASSERT_EQ(::fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
  const std::string text(4096, 'x');
  while (::write(ends[1], text.data(), text.size()) > 0) {
  }
  ASSERT_EQ(::fcntl(ends[1], F_SETFL, 0), 0);
  Running run(
      {"-c", "echo checked >>" + file + "; exit 1", "-i", "50", "-g", "100000", "-l", "none"},
      kYielding, {.before_exec = [&] { ::dup2(ends[1], STDERR_FILENO); }});
  EXPECT_TRUE(eventually([&] { return read_file(file).size() >= 5 * sizeof("checked"); }));
  ::kill(run.process().pid(), SIGTERM);
  EXPECT_FALSE(run.process().wait().timed_out);
  ::close(ends[0]);
  ::close(ends[1]);
}

// As a shell has it in a script, for what runs in the background.
TEST(SamRunCommand, IsNotSentWhatIsIgnored) {
  Running run({"-d", "0"}, shell("echo started $$; sleep 0.5"),
              {.before_exec = [] { ::signal(SIGINT, SIG_IGN); }});
  ASSERT_TRUE(run.comes_to(1, "started "));
  ASSERT_EQ(::kill(run.process().pid(), SIGINT), 0);
  EXPECT_TRUE(run.comes_to(3, "started "));
}

// A checker that is gone or stands still is no proof of health.
TEST(SamRunCheck, WithoutTheCheckerTheCommandIsNotBelievedHealthy) {
  for (const int number : {SIGKILL, SIGSTOP}) {
    const ScratchFolder folder;
    const std::string file = folder / "pid";
    Running run({"-c", "echo $PPID >" + file, "-i", "50", "-g", "1500"}, kYielding);
    int checker = 0;
    ASSERT_TRUE(eventually([&] { return bool(std::ifstream(file) >> checker); }));
    ASSERT_EQ(::kill(checker, number), 0);
    EXPECT_TRUE(run.comes_to(2, "started "));
    ::kill(checker, SIGKILL);
  }
}

}  // namespace
}  // namespace cs::test
