// SPDX-License-Identifier: BSD-3-Clause
// What the kernel says of a silent process.
#include "sam/operator/excuse.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "common/unique_fd.h"

namespace cs::sam {
namespace {

TEST(SamExcuse, IsReadInTheProcessStatus) {
  EXPECT_EQ(parse_excuse("Name:\tx\nState:\tS (sleeping)\nCoreDumping:\t0\n"), Excuse::kNone);
  EXPECT_EQ(parse_excuse("Name:\tx\nState:\tD (disk sleep)\nCoreDumping:\t1\n"),
            Excuse::kDumpingCore);
  EXPECT_EQ(parse_excuse("Name:\tx\nState:\tt (tracing stop)\n"), Excuse::kHeldByDebugger);
  EXPECT_EQ(parse_excuse("Name:\tx\nState:\tT (stopped)\n"), Excuse::kNone);
  EXPECT_EQ(parse_excuse("Name:\tState:\\tt\nState:\tR (running)\n"), Excuse::kNone);
  EXPECT_EQ(parse_excuse(""), Excuse::kNone);
}

// At every place in a piece that is read, and between two of them.
TEST(SamExcuse, IsFoundBehindAnyNumberOfGroups) {
  for (const std::size_t groups : {std::size_t{0}, std::size_t{70}, std::size_t{3000}}) {
    for (std::size_t shift = 0; shift < 1100; shift += 1) {
      std::string status = "Name:\tx\nState:\tD (disk sleep)\nGroups:\t";
      for (std::size_t i = 0; i < groups; ++i) status += "4294967290 ";
      status.append(shift, ' ');
      status += "\nCoreDumping:\t1\n";
      status.append(shift, ' ');
      const UniqueFd file(::memfd_create("status", MFD_CLOEXEC));
      ASSERT_EQ(::write(file.get(), status.data(), status.size()),
                static_cast<ssize_t>(status.size()));
      ASSERT_EQ(::lseek(file.get(), 0, SEEK_SET), 0);
      ASSERT_EQ(read_excuse(file.get()), Excuse::kDumpingCore) << groups << ' ' << shift;
    }
  }
}

TEST(SamExcuse, IsNoneForAProcessThatRunsOrIsGone) {
  EXPECT_EQ(find_excuse(::getpid()), Excuse::kNone);
  errno = EDOM;
  EXPECT_EQ(find_excuse(0x7ffffff0), Excuse::kNone);
  EXPECT_EQ(errno, EDOM);
}

// Traced, but running on: no excuse. Stopped by the tracer: one.
TEST(SamExcuse, IsTheDebuggersOnlyWhileItHoldsTheProcess) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  if (::ptrace(PTRACE_SEIZE, child, nullptr, nullptr) != 0) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    GTEST_SKIP() << "no ptrace here: an emulator has none";
  }
  EXPECT_EQ(find_excuse(child), Excuse::kNone);
  ASSERT_EQ(::ptrace(PTRACE_INTERRUPT, child, nullptr, nullptr), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, __WALL), child);
  EXPECT_EQ(find_excuse(child), Excuse::kHeldByDebugger);
  ::kill(child, SIGKILL);
  while (::waitpid(child, &status, __WALL) == child && !WIFSIGNALED(status)) {
  }
}

}  // namespace
}  // namespace cs::sam
