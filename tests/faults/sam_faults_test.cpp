// SPDX-License-Identifier: BSD-3-Clause
// libsam without a daemon while calls of libc fail: in the supervisor, in the instances, in both;
// the first call of its kind and the later ones, once and for a while, with each errno.
#include <errno.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <iostream>
#include <vector>

#include "faults/sam_trial.h"
#include "support/refuse_call.h"

namespace cs::faults {
namespace {

constexpr unsigned kMost = 30;  // after that they repeat

class SamFaults : public testing::TestWithParam<Call> {};

// SAM then has to move its own ones out of their numbers, which takes more calls.
void close_standard_streams(Moment moment) {
  if (moment != Moment::kBegin) return;
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::close(fd);
}

TEST_P(SamFaults, EachCallMayFail) {
  Way way;
  if (GetParam() == Call::kFcntl) way.hook = close_standard_streams;
  const Counts counts(way);
  const unsigned runs = expect_lives(way, faults_of(GetParam(), counts, kMost));
  for (const Whom whom : kAll) {
    std::cout << counts.of(GetParam(), whom) << " calls in " << name_of(whom) << ", ";
  }
  std::cout << runs << " runs" << std::endl;
  EXPECT_GT(runs, 0U);
}

INSTANTIATE_TEST_SUITE_P(Of, SamFaults,
                         testing::Values(Call::kFcntl, Call::kFork, Call::kFstat, Call::kFtruncate,
                                         Call::kMadvise, Call::kMemfdCreate, Call::kMmap,
                                         Call::kPidfdOpen, Call::kPipe2, Call::kPoll, Call::kPpoll,
                                         Call::kPread, Call::kPthreadCreate,
                                         Call::kPthreadKeyCreate, Call::kPthreadSetspecific,
                                         Call::kPwrite, Call::kRead, Call::kRegisterAtfork,
                                         Call::kWaitid, Call::kWaitpid, Call::kWrite),
                         [](const auto& call) { return std::string(name_of(call.param)); });

// Files in /dev/shm then. What a lack of descriptors or memory refuses is there the next time.
TEST(SamFaultsWithoutMemfd, LackIsRefusedByRegistrationAndPasses) {
  Way way;
  way.hook = [](Moment moment) {
    if (moment == Moment::kBegin && !test::refuse_call(SYS_memfd_create, ENOSYS)) ::_exit(kBroken);
  };
  const Counts counts(way);
  std::vector<Fault> faults = faults_of(Call::kOpen, counts, kMost);
  std::erase_if(faults, [](const Fault& fault) {
    return fault.error != EMFILE && fault.error != ENFILE && fault.error != ENOMEM;
  });
  EXPECT_GT(expect_lives(way, faults), 0U);
}

}  // namespace
}  // namespace cs::faults
