// SPDX-License-Identifier: BSD-3-Clause
// Reasons in words.
#include "sam/operator/reason.h"

#include <cstdio>
#include <sys/wait.h>

#include "common/clock.h"
#include "sam/operator/signal_names.h"

namespace cs::sam {
namespace {

void write_death(int status, char (&text)[kReasonRoom]) noexcept {
  if (!WIFSIGNALED(status)) {
    (void)std::snprintf(text, sizeof(text), "exited with %d", WEXITSTATUS(status));
    return;
  }
  char name[kSignalNameRoom];
  write_signal_name(WTERMSIG(status), name, sizeof(name));
  (void)std::snprintf(text, sizeof(text), "killed by %s%s", name,
                      WCOREDUMP(status) ? " (core dumped)" : "");
}

const char* fixed_words(Reason::Kind kind) noexcept {
  switch (kind) {
    case Reason::Kind::kQuorumLost:
      return "quorum lost";
    case Reason::Kind::kMarkedFailed:
      return "marked failed";
    case Reason::Kind::kUnknownEnd:
      return "ended, how is not known";
    case Reason::Kind::kLimitReached:
      return "restart limit reached";
    case Reason::Kind::kNotStarted:
      return "not started";
    case Reason::Kind::kQuitPolicy:
      return "policy quit";
    case Reason::Kind::kBroken:
      return "supervisor cannot go on";
    case Reason::Kind::kNone:
    case Reason::Kind::kSilence:
    case Reason::Kind::kDeath:
    case Reason::Kind::kStopAsked:
      break;
  }
  return "";
}

}  // namespace

void write_reason(const Reason& reason, char (&text)[kReasonRoom]) noexcept {
  const auto tenths = static_cast<long long>(reason.value / (100 * kNanosecondsPerMillisecond));
  switch (reason.kind) {
    case Reason::Kind::kSilence:
      (void)std::snprintf(text, sizeof(text), "no health check for %lld.%lld s", tenths / 10,
                          tenths % 10);
      return;
    case Reason::Kind::kDeath:
      return write_death(static_cast<int>(reason.value), text);
    case Reason::Kind::kStopAsked: {
      char name[kSignalNameRoom];
      write_signal_name(static_cast<int>(reason.value), name, sizeof(name));
      (void)std::snprintf(text, sizeof(text), "stop asked by %s", name);
      return;
    }
    case Reason::Kind::kNone:
    case Reason::Kind::kQuorumLost:
    case Reason::Kind::kMarkedFailed:
    case Reason::Kind::kUnknownEnd:
    case Reason::Kind::kLimitReached:
    case Reason::Kind::kNotStarted:
    case Reason::Kind::kQuitPolicy:
    case Reason::Kind::kBroken:
      break;
  }
  (void)std::snprintf(text, sizeof(text), "%s", fixed_words(reason.kind));
}

}  // namespace cs::sam
