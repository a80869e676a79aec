// SPDX-License-Identifier: BSD-3-Clause
// A simulated daemon with its quorum and its cmap service: it dies, hangs, answers late, comes back
// with nothing in its memory, and its partition gains and loses quorum.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include <corosync/corotypes.h>

#include "common/clock.h"
#include "simulation/random.h"
#include "simulation/trace.h"

namespace cs::sam::simulation {

// The keys of the one supervised process.
struct Keys {
  std::optional<std::string> recovery;
  std::optional<std::uint64_t> poll_period;
  std::optional<std::uint64_t> last_updated;
  std::optional<std::string> state;

  [[nodiscard]] bool any() const { return recovery || poll_period || last_updated || state; }
};

class Daemon {
 public:
  Daemon(Random& random, Trace& trace, Nanoseconds now, bool is_steady);

  [[nodiscard]] Nanoseconds next_event() const { return next_event_; }
  void act(Nanoseconds now);

  [[nodiscard]] bool is_up() const { return is_up_; }
  [[nodiscard]] unsigned deaths() const { return deaths_; }
  [[nodiscard]] bool is_quorate() const { return is_quorate_; }
  // Since when it has answered all that it was asked in time; never while it does not.
  [[nodiscard]] Nanoseconds answers_since() const { return answers_since_; }
  [[nodiscard]] bool hangs(Nanoseconds now) const { return now < hangs_until_; }
  [[nodiscard]] Nanoseconds hangs_until() const { return hangs_until_; }
  // How long the next answer takes.
  [[nodiscard]] Nanoseconds latency();

  // It has not answered in time.
  void was_late(Nanoseconds now) {
    if (is_up_) answers_since_ = std::max(now, hangs_until_);
  }

  // The quorum service's client.
  bool connect_quorum();
  void drop_quorum();
  [[nodiscard]] bool has_quorum_client() const { return is_tracked_; }
  [[nodiscard]] bool quorum_is_broken() const { return is_broken_; }
  [[nodiscard]] bool has_verdict() const { return !verdicts_.empty(); }
  [[nodiscard]] bool take_verdict();
  // The last one that the client could have seen, and how many "quorate" have arrived.
  [[nodiscard]] bool last_verdict() const { return last_verdict_; }
  [[nodiscard]] std::uint64_t founds() const { return founds_; }

  // And cmap's.
  Keys keys;
  bool cmap_connected = false;
  bool cmap_broken = false;

 private:
  void die(Nanoseconds now);
  void come_back(Nanoseconds now);
  void flip(Nanoseconds now);
  void arrive(bool verdict);

  Random& random_;
  Trace& trace_;
  const bool is_steady_;
  bool is_up_ = true;
  unsigned deaths_ = 0;
  bool is_quorate_;
  bool is_tracked_ = false;
  bool is_broken_ = false;
  bool last_verdict_ = false;
  std::uint64_t founds_ = 0;
  std::deque<bool> verdicts_;
  Nanoseconds hangs_until_ = 0;
  Nanoseconds answers_since_;
  Nanoseconds next_event_;
};

}  // namespace cs::sam::simulation
