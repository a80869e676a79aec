// SPDX-License-Identifier: BSD-3-Clause
// Calls of libc that fail when a test wants it. A program that links this has its own versions of
// them, which the libraries under test (libqb among them) call in place of libc's: each counts, and
// the chosen one fails with the chosen errno. The plan lies in memory that a fork shares.
#pragma once

#include <sys/types.h>

#include <climits>
#include <iosfwd>
#include <string_view>
#include <vector>

namespace cs::faults {

enum class Call : unsigned {
  kBind,
  kCalloc,
  kConnect,
  kEventfd,
  kFcntl,
  kFork,
  kFstat,
  kFtruncate,
  kGetsockopt,
  kMadvise,
  kMalloc,
  kMemfdCreate,
  kMkostemp,
  kMmap,
  kOpen,
  kPidfdOpen,
  kPipe2,
  kPoll,
  kPpoll,
  kPread,
  kPthreadCreate,
  kPthreadKeyCreate,
  kPthreadSetspecific,
  kPwrite,
  kRead,
  kRealloc,
  kRecv,
  kRecvmsg,
  kRegisterAtfork,
  kSchedGetaffinity,
  kSend,
  kSendmsg,
  kSetsockopt,
  kSocket,
  kSocketpair,
  kWaitid,
  kWaitpid,
  kWrite,
  kCount,
};
[[nodiscard]] std::string_view name_of(Call call);
std::ostream& operator<<(std::ostream& out, Call call);

// The errors that a call can give on Linux to a caller who has made no mistake.
[[nodiscard]] std::vector<int> errors_of(Call call);

inline constexpr unsigned kFromThenOn = UINT_MAX;

// Which calls fail: so many in a row, from the first-th on (counted from 1, since the plan was
// made).
struct Plan {
  Call call;
  int error;
  unsigned first = 1;
  unsigned times = 1;
  pid_t process = 0;  // only in this one; 0: in all; negative: in all but this one
};

std::ostream& operator<<(std::ostream& out, const Plan& plan);

void arm(const Plan& plan);
// Calls are counted, nothing fails.
void count_only(pid_t process = 0);
void disarm();

// Since the last arm() or count_only(), and still known after disarm().
[[nodiscard]] unsigned calls_of(Call call);
[[nodiscard]] unsigned injected();

// Blocks of the heap that this process has asked for and not given back. Exact, where mallinfo2()
// counts what malloc keeps for the next caller.
[[nodiscard]] long heap_blocks();

}  // namespace cs::faults
