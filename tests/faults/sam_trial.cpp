// SPDX-License-Identifier: BSD-3-Clause
// The test's side: start the application, lift what has struck, judge.
#include "faults/sam_trial.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <ostream>
#include <span>
#include <sstream>

#include "common/clock.h"
#include "faults/in_child.h"
#include "faults/limits.h"
#include "faults/map_shared.h"

// Whether the address sanitizer is not to look for leaks at the end of a process: for that it needs
// descriptors itself, and the last limit of an application may leave none.
extern "C" int __lsan_is_turned_off() {
  constexpr unsigned kNeeded = 8;
  rlimit limit;
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return cs::faults::descriptor_limit(kNeeded) > limit.rlim_cur ? 1 : 0;
}

namespace cs::faults {
namespace {

constexpr unsigned kLanes = 24;  // lives at a time: they spend most of it waiting
constexpr int kPatienceMs = 60'000;
constexpr int kLiftedAfterMs = 200;
constexpr auto kKindsOfCall = static_cast<unsigned>(Call::kCount);

// From here to disarm() the test makes no call that the plan would count.
pid_t reap(pid_t pid, int* status, int flags) {
  return static_cast<pid_t>(::syscall(SYS_wait4, pid, status, flags, nullptr));
}

void nap() {
  const timespec pause{.tv_sec = 0, .tv_nsec = 3'000'000};
  ::nanosleep(&pause, nullptr);
}

pid_t process_of(Whom whom, pid_t application, pid_t test) {
  if (whom == Whom::kSupervisor) return application;
  return whom == Whom::kInstances ? -application : -test;
}

[[noreturn]] void begin(Ledger& ledger, Way way, const std::optional<Fault>& fault, Whom whom,
                        pid_t test) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ledger.application = ::getpid();
  const pid_t process = process_of(whom, ::getpid(), test);
  if (fault) {
    const bool with_daemon = way.policy != SAM_RECOVERY_POLICY_RESTART;
    if (!with_daemon) way.error = fault->error;  // libqb makes others of some
    arm({.call = fault->call,
         .error = fault->error,
         .first = fault->first,
         .times = fault->lasts ? kFromThenOn : 1,
         .process = process});
  } else {
    count_only(process);
  }
  live(ledger, way);
}

// The application's wait status; none when it has not ended in time, and was killed.
std::optional<int> follow(pid_t application, bool lift, const std::function<void()>& watch) {
  const Deadline deadline = Deadline::in_milliseconds(kPatienceMs);
  Deadline lifted = Deadline::never();
  int status = 0;
  while (reap(application, &status, WNOHANG) == 0) {
    const Nanoseconds now = monotonic_now();
    if (deadline.has_passed(now)) {
      ::kill(-application, SIGKILL);
      reap(application, &status, 0);
      return {};
    }
    if (lift && lifted.is_never() && injected() > 0) {
      lifted = Deadline::in_milliseconds(kLiftedAfterMs);
    }
    if (!lifted.is_never() && lifted.has_passed(now)) disarm();
    watch();
    nap();
  }
  disarm();
  return status;
}

std::string story(const Ledger& ledger) {
  std::ostringstream text;
  text << ledger.lives << " lives, " << ledger.refused << " refusals, application "
       << ledger.application << ", phase " << static_cast<unsigned>(ledger.phase.load()) << "\n";
  const auto refused = std::min<std::size_t>(ledger.refused, std::size(ledger.refusals));
  for (const auto& refusal : std::span(ledger.refusals).first(refused)) {
    text << "  refused: step " << static_cast<unsigned>(refusal.step) << " with " << refusal.status
         << ", errno " << refusal.error << ", in process " << refusal.process << "\n";
  }
  const auto complained = std::min<std::size_t>(ledger.complained, std::size(ledger.complaints));
  for (const auto& complaint : std::span(ledger.complaints).first(complained)) {
    text << "  complaint: " << complaint.text << " (" << complaint.value << "), in process "
         << complaint.process << "\n";
  }
  return text.str();
}

// Children that were the application's, and are ours now.
unsigned end_orphans(pid_t application) {
  unsigned orphans = 0;
  ::kill(-application, SIGKILL);
  while (reap(-1, nullptr, 0) > 0) ++orphans;
  return orphans;
}

void judge(const Ledger& ledger, std::optional<int> status, unsigned orphans) {
  EXPECT_EQ(orphans, 0U) << "instances live on";
  EXPECT_EQ(ledger.complained, 0U);
  EXPECT_EQ(ledger.phase, Phase::kDone);
  EXPECT_GT(ledger.warnings, 0U);
  EXPECT_GT(ledger.callbacks, 0U);
  EXPECT_GE(ledger.lives, 3U);
  ASSERT_TRUE(status.has_value()) << "hangs";
  ASSERT_TRUE(WIFEXITED(*status)) << "ended by signal " << WTERMSIG(*status);
  EXPECT_EQ(WEXITSTATUS(*status), kLivedToTheEnd);
}

// These are tried again inside. libqb does not try again what it does without waiting.
bool is_hidden(const Fault& fault) {
  return fault.error == EINTR && fault.call != Call::kOpen && fault.call != Call::kRecv &&
         fault.call != Call::kSend;
}

unsigned expect_life_of(Whom whom, const Way& way, const std::optional<Fault>& fault) {
  static Ledger* const memory = map_shared<Ledger>();
  Ledger& ledger = *::new (memory) Ledger;
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  disarm();
  const pid_t test = ::getpid();
  const pid_t application = ::fork();
  if (application < 0) ADD_FAILURE() << "no process";
  if (application == 0) begin(ledger, way, fault, whom, test);
  ::setpgid(application, application);
  const auto status = follow(application, fault && fault->lasts, [&] { way.watch(ledger); });
  judge(ledger, status, end_orphans(application));
  if (fault && is_hidden(*fault)) {
    EXPECT_EQ(ledger.refused, 0U);
  }
  if (testing::Test::HasFailure()) {
    std::cout << story(ledger);
    if (fault) std::cout << *fault << ", injected " << injected() << " times" << std::endl;
  }
  return ledger.refused;
}

}  // namespace

std::string_view name_of(Whom whom) {
  static constexpr std::string_view kNames[] = {"the supervisor", "the instances", "both"};
  return kNames[static_cast<unsigned>(whom)];
}

std::ostream& operator<<(std::ostream& out, const Fault& fault) {
  return out << Plan{.call = fault.call,
                     .error = fault.error,
                     .first = fault.first,
                     .times = fault.lasts ? kFromThenOn : 1}
             << " in " << name_of(fault.whom);
}

Counts::Counts(const Way& way) {
  auto* const counted = map_shared<decltype(calls_)>();
  in_lanes(std::size(kAll), [&](std::size_t whom) {
    expect_life_of(kAll[whom], way, {});
    for (unsigned call = 0; call < kKindsOfCall; ++call) {
      (*counted)[whom][call] = calls_of(static_cast<Call>(call));
    }
  });
  calls_ = *counted;
  ::munmap(counted, sizeof(*counted));
}

unsigned expect_life(const Way& way, const std::optional<Fault>& fault) {
  return expect_life_of(fault ? fault->whom : Whom::kBoth, way, fault);
}

void in_lanes(std::size_t count, const std::function<void(std::size_t)>& body) {
  std::vector<test::Child> lanes;
  for (unsigned lane = 0; lane < std::min<std::size_t>(kLanes, count); ++lane) {
    lanes.push_back(start_in_child([&, lane] {
      for (std::size_t i = lane; i < count && !testing::Test::HasFailure(); i += kLanes) body(i);
    }));
  }
  for (test::Child& lane : lanes) {
    const auto outcome = lane.wait(test::milliseconds(5 * kPatienceMs));
    EXPECT_TRUE(outcome.exited_with(0)) << outcome;
  }
}

unsigned expect_lives(const Way& way, const std::vector<Fault>& faults) {
  in_lanes(faults.size(), [&](std::size_t i) { expect_life(way, faults[i]); });
  return static_cast<unsigned>(faults.size());
}

std::vector<Fault> faults_of(Call call, const Counts& counts, unsigned most) {
  const bool is_limited = call == Call::kFork || call == Call::kPthreadCreate;  // by RLIMIT_NPROC
  std::vector<Fault> faults;
  for (const Whom whom : kAll) {
    if (whom == Whom::kBoth && !counts.made_by_both(call)) continue;  // had already
    for (const int error : errors_of(call)) {
      const bool can_last = error != EINTR && (error != EAGAIN || is_limited);
      for (unsigned first = 1; first <= std::min(counts.of(call, whom), most); ++first) {
        faults.push_back({.call = call, .error = error, .first = first, .whom = whom});
        if (!can_last) continue;
        faults.push_back(faults.back());
        faults.back().lasts = true;
      }
    }
  }
  return faults;
}

}  // namespace cs::faults
