// SPDX-License-Identifier: BSD-3-Clause
// What the lines of the log say, and how they are written.
#include "sam/operator/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <string>

#include "common/unique_fd.h"
#include "sam_units/in_child.h"

namespace cs::sam {
namespace {
int g_last_timeout = -1;
}  // namespace
}  // namespace cs::sam

// In place of libc's.
extern "C" int poll(pollfd* entries, nfds_t count, int timeout_ms) {
  cs::sam::g_last_timeout = timeout_ms;
  const timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1'000'000L};
  return ::ppoll(entries, count, timeout_ms < 0 ? nullptr : &timeout, nullptr);
}

namespace cs::sam {
namespace {

using Event = LogRecord::Event;
using Kind = Reason::Kind;

constexpr Nanoseconds kMs = kNanosecondsPerMillisecond;
constexpr pid_t kSupervisor = 1200;
constexpr timespec kTime{1'795'660'800, 42'999'999};
constexpr const char* kTimeText = "2026-11-26T02:40:00.042Z";

std::string line_of(const LogRecord& record, bool prefix = false) {
  char line[kLineRoom];
  const std::size_t length = format_line(record, kSupervisor, kTime, prefix, line);
  return {line, length};
}

std::string reason_of(Kind kind, std::int64_t value = 0) {
  char text[kReasonRoom];
  write_reason({kind, value}, text);
  return text;
}

TEST(SamLogLine, OfAStart) {
  EXPECT_EQ(line_of({.event = Event::kStart, .instance = 1, .pid = 1201}),
            std::string(kTimeText) + " sam[1200]: start instance=1 pid=1201\n");
}

TEST(SamLogLine, HasTheTimeInUtcWhereverTheMachineIs) {
  EXPECT_EQ(in_child([] {
              ::setenv("TZ", "FAR-9", 1);
              ::tzset();
              EXPECT_EQ(line_of({.event = Event::kStart}).find(kTimeText), 0U);
            }),
            0);
}

TEST(SamLogLine, OfAWarning) {
  EXPECT_EQ(line_of({.event = Event::kWarning,
                     .instance = 2,
                     .pid = 1202,
                     .reason = {Kind::kSilence, 2049 * kMs},
                     .uptime = 61'007 * kMs,
                     .number = SIGTERM}),
            std::string(kTimeText) +
                " sam[1200]: warning instance=2 pid=1202"
                " reason=\"no health check for 2.0 s\" signal=SIGTERM"
                " uptime=61.007s\n");
}

TEST(SamLogLine, OfADeath) {
  EXPECT_EQ(line_of({.event = Event::kDeath,
                     .instance = 3,
                     .pid = 1203,
                     .reason = {Kind::kDeath, SIGSEGV | 0x80},
                     .uptime = 14'402 * kMs,
                     .next = 100 * kMs}),
            std::string(kTimeText) +
                " sam[1200]: death instance=3 pid=1203"
                " reason=\"killed by SIGSEGV (core dumped)\""
                " uptime=14.402s next=0.100s\n");
}

TEST(SamLogLine, OfTheEnd) {
  EXPECT_EQ(line_of({.event = Event::kEnd,
                     .instance = 3,
                     .reason = {Kind::kLimitReached},
                     .number = 139,
                     .is_failure = true}),
            std::string(kTimeText) +
                " sam[1200]: end instance=3 reason=\"restart limit reached\" exit=139\n");
}

// The program goes on, and what it exits with is its own affair.
TEST(SamLogLine, OfASupervisorThatCannotGoOnTellsNoExit) {
  EXPECT_EQ(
      line_of({.event = Event::kEnd, .instance = 3, .reason = {Kind::kBroken}, .is_failure = true}),
      std::string(kTimeText) + " sam[1200]: end instance=3 reason=\"supervisor cannot go on\"\n");
}

TEST(SamLogLine, HasALevelForTheJournal) {
  EXPECT_EQ(line_of({.event = Event::kStart}, true).substr(0, 3), "<6>");
  for (const Event event : {Event::kWarning, Event::kKill, Event::kDeath}) {
    EXPECT_EQ(line_of({.event = event}, true).substr(0, 3), "<4>");
  }
  EXPECT_EQ(line_of({.event = Event::kEnd}, true).substr(0, 3), "<6>");
  EXPECT_EQ(line_of({.event = Event::kEnd, .is_failure = true}, true).substr(0, 3), "<3>");
}

TEST(SamLogLine, FitsWithTheLongestOfEverything) {
  constexpr auto kLongest = std::numeric_limits<Nanoseconds>::max();
  const std::string line = line_of({.event = Event::kWarning,
                                    .instance = 4294967295U,
                                    .pid = std::numeric_limits<pid_t>::max(),
                                    .reason = {Kind::kSilence, kLongest},
                                    .uptime = kLongest,
                                    .next = kLongest,
                                    .number = SIGRTMAX},
                                   true);
  EXPECT_TRUE(line.ends_with("s\n")) << line;
  EXPECT_LT(line.size(), kLineRoom);
}

TEST(SamLogReason, IsInWords) {
  EXPECT_EQ(reason_of(Kind::kNone), "");
  EXPECT_EQ(reason_of(Kind::kQuorumLost), "quorum lost");
  EXPECT_EQ(reason_of(Kind::kMarkedFailed), "marked failed");
  EXPECT_EQ(reason_of(Kind::kDeath, 3 << 8), "exited with 3");
  EXPECT_EQ(reason_of(Kind::kDeath, SIGKILL), "killed by SIGKILL");
  EXPECT_EQ(reason_of(Kind::kDeath, SIGRTMIN + 1), "killed by SIGRTMIN+1");
  EXPECT_EQ(reason_of(Kind::kStopAsked, SIGINT), "stop asked by SIGINT");
}

TEST(SamLogWriting, IsOneWholeLine) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  EXPECT_TRUE(write_line(writer.get(), "one\n", 1000));
  char text[16];
  EXPECT_EQ(::recv(reader.get(), text, sizeof(text), MSG_DONTWAIT), 4);
}

TEST(SamLogWriting, DoesNotWaitForAFullPipe) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  int lines = 0;
  const std::string line(250, 'x');
  while (write_line(writer.get(), line, 0)) ++lines;
  EXPECT_GT(lines, 10);
  EXPECT_EQ(::fcntl(writer.get(), F_GETFL) & O_NONBLOCK, 0);  // the application shares it
}

TEST(SamLogWriting, SurvivesAReaderThatHasGone) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  reader.reset();
  EXPECT_FALSE(write_line(writer.get(), "nobody reads this\n", 0));
  EXPECT_FALSE(write_line(999, "there is no such descriptor\n", 0));
}

TEST(SamLogLine, OfAWarningWithoutASignal) {
  const std::string line = line_of({.event = Event::kWarning, .instance = 1, .number = 0});
  EXPECT_TRUE(line.ends_with(" signal=none\n")) << line;
}

bool is_sigpipe_pending() {
  sigset_t pending;
  ::sigpending(&pending);
  return sigismember(&pending, SIGPIPE) == 1;
}

// There is room, and yet nobody who could read, which a poll does not tell.
TEST(SamLogWriting, RaisesNoSigpipeAndKeepsOneThatIsPending) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  ASSERT_EQ(::shutdown(writer.get(), SHUT_WR), 0);
  sigset_t pipe;
  sigset_t before;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &pipe, &before), 0);
  errno = EDOM;
  EXPECT_FALSE(write_line(writer.get(), "nobody reads this\n", 0));
  EXPECT_EQ(errno, EDOM);
  EXPECT_FALSE(is_sigpipe_pending());
  ::raise(SIGPIPE);
  EXPECT_FALSE(write_line(writer.get(), "nobody reads this\n", 0));
  EXPECT_TRUE(is_sigpipe_pending());
  const timespec no_wait{};
  EXPECT_EQ(::sigtimedwait(&pipe, nullptr, &no_wait), SIGPIPE);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(SamLogWriting, WaitsForRoomOnceAndThenLosesLinesUntilThereIsSome) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  OperatorSettings settings;
  settings.log_fd = writer.get();
  Log log(settings, kSupervisor);
  const LogRecord record{.event = Event::kStart, .instance = 1, .pid = 1};
  log.write(record);
  EXPECT_GT(g_last_timeout, 0);
  while (write_line(writer.get(), std::string(250, 'x'), 0)) {
  }
  log.write(record);
  EXPECT_GT(g_last_timeout, 0);
  log.write(record);
  EXPECT_EQ(g_last_timeout, 0);
  char text[65536];
  EXPECT_GT(::read(reader.get(), text, sizeof(text)), 0);
  log.write(record);
  EXPECT_EQ(g_last_timeout, 0);
  log.write(record);
  EXPECT_GT(g_last_timeout, 0);
}

// With room for a line, for a part of one, and for none.
TEST(SamLogWriting, DoesNotWaitForATerminalThatNobodyReads) {
  const UniqueFd screen(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(screen);
  ASSERT_EQ(::unlockpt(screen.get()), 0);
  const std::string name = ::ptsname(screen.get());
  const UniqueFd terminal(::open(name.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(terminal);
  EXPECT_EQ(in_child([&] {
              ::alarm(30);
              const std::string line(99, 'x');
              EXPECT_TRUE(write_line(terminal.get(), line + '\n', 0));
              for (int lines = 0; lines < 3000; ++lines) {
                (void)write_line(terminal.get(), line + '\n', 0);
              }
              EXPECT_FALSE(write_line(terminal.get(), line + '\n', 0));
              EXPECT_EQ(::fcntl(terminal.get(), F_GETFL) & O_NONBLOCK, 0);
            }),
            0);
}

void expect_line_to_be_lost_at(rlim_t size) {
  const UniqueFd file(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  ASSERT_TRUE(file);
  EXPECT_EQ(in_child([&] {
              const rlimit limit{size, size};
              EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
              EXPECT_FALSE(write_line(file.get(), "a whole line\n", 0));
            }),
            0);
}

// Whoever has the signal by default would end.
TEST(SamLogWriting, SurvivesTheLimitOnFileSizes) { expect_line_to_be_lost_at(0); }

TEST(SamLogWriting, HalfALineIsLost) { expect_line_to_be_lost_at(4); }

std::string first_word_of(int fd) {
  char text[8] = {};
  return {text, static_cast<std::size_t>(std::max<ssize_t>(::pread(fd, text, 3, 0), 0))};
}

TEST(SamLogWriting, HasLevelsForTheJournalAlone) {
  const UniqueFd file(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  ASSERT_TRUE(file);
  OperatorSettings settings;
  settings.log_fd = file.get();
  settings.journal = FileIdentity(STDERR_FILENO);
  Log(settings, kSupervisor).write({.event = Event::kStart, .instance = 1, .pid = 1});
  EXPECT_NE(first_word_of(file.get()), "<6>");
  ASSERT_EQ(::ftruncate(file.get(), 0), 0);
  ASSERT_EQ(::lseek(file.get(), 0, SEEK_SET), 0);
  settings.journal = FileIdentity(file.get());
  Log(settings, kSupervisor).write({.event = Event::kStart, .instance = 1, .pid = 1});
  EXPECT_EQ(first_word_of(file.get()), "<6>");
}

TEST(SamLogWriting, LeavesAloneWhatIsAnothersByNow) {
  UniqueFd file(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  ASSERT_TRUE(file);
  OperatorSettings settings;
  settings.log_fd = file.get();
  settings.log = FileIdentity(file.get());
  Log log(settings, kSupervisor);
  log.write({.event = Event::kStart, .instance = 1, .pid = 1});
  struct stat status;
  ASSERT_EQ(::fstat(file.get(), &status), 0);
  EXPECT_GT(status.st_size, 0);

  const UniqueFd other(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  ASSERT_EQ(::dup2(other.get(), file.get()), file.get());
  log.write({.event = Event::kStart, .instance = 2, .pid = 1});
  ASSERT_EQ(::fstat(file.get(), &status), 0);
  EXPECT_EQ(status.st_size, 0);
}

}  // namespace
}  // namespace cs::sam
