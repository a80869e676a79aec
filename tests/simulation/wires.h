// SPDX-License-Identifier: BSD-3-Clause
// What a simulated supervisor shares with its instances: the page, the pipes, the stored data.
#pragma once

#include <cstdint>
#include <deque>

#include "sam/shared/frames.h"
#include "sam/shared/heartbeat.h"

namespace cs::sam::simulation {

inline constexpr Nanoseconds kMs = kNanosecondsPerMillisecond;
inline constexpr Nanoseconds kNever = INT64_MAX;
// Of the coarse clock that health checks are noted with.
inline constexpr Nanoseconds kTick = 4 * kMs;

struct Letter {
  bool is_frame = true;
  CommandFrame frame = {};
  // When it was written: the last verdict that had arrived, and how many "quorate" had by then.
  bool was_quorate = true;
  std::uint64_t founds = 0;
};

// A pipe holds so many frames.
inline constexpr std::size_t kPipeRoom = 4096;

struct Wires {
  HeartbeatPage page;
  std::deque<Letter> commands;
  unsigned pipe = 1;       // number of the pipe of commands
  bool is_let_go = false;  // the supervisor has closed its own end
  bool is_reused = false;  // no new one could be made
  bool replies_are_full = false;
  std::deque<ReplyFrame> replies;
};

// The data that outlive an instance, as a number.
struct StoredData {
  std::uint64_t value = 0;         // what is committed
  std::uint64_t acknowledged = 0;  // the last that a store of the application has returned for
  std::uint64_t attempted = 0;     // by a store that its process has not lived to see return
  std::uint64_t last = 0;          // so many there were
  unsigned era = 0;                // grows when old processes are shut out
};

}  // namespace cs::sam::simulation
