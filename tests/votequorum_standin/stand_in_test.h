// SPDX-License-Identifier: BSD-3-Clause
// Fixture of the tests against a stand-in daemon.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/corosync_daemon.h"
#include "support/stand_in.h"
#include "support/votequorum_session.h"

namespace cs::test {

// Protocol numbers of requests.
enum : std::int32_t {
  kGetInfo = 0,
  kSetExpected = 1,
  kSetVotes = 2,
  kTrackStart = 3,
  kTrackStop = 4,
  kRegister = 5,
  kUnregister = 6,
  kUpdate = 7,
  kPoll = 8,
  kMasterWins = 9,
  kSetExtraInfo = 10,
  kGetExtraInfo = 11,
};

// How many descriptors this process has open.
inline std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// Caller's memory, filled with a pattern; whether anything was written to it.
template <typename T>
class Pattern {
 public:
  Pattern() { std::memset(&value_, 0xa5, sizeof(value_)); }
  [[nodiscard]] T* get() { return &value_; }
  [[nodiscard]] bool untouched() const {
    const auto* bytes = reinterpret_cast<const unsigned char*>(&value_);
    for (std::size_t i = 0; i < sizeof(value_); ++i) {
      if (bytes[i] != 0xa5) return false;
    }
    return true;
  }

 private:
  T value_;
};

class StandInTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!in_private_network()) skip_or_fail("not in private namespaces");
  }

  // Starts a stand-in, and a client of it.
  void serve(Script script, StandInOptions options = {}) {
    stand_in_.emplace(std::move(script), std::move(options));
    ASSERT_EQ(session_.open(), CS_OK);
  }

  // A client whose trackstart makes these events come.
  void serve_events(std::vector<Message> events) {
    serve([events = std::move(events)](Peer& peer, const Request& request) {
      if (request.id() == kTrackStart) {
        for (const Message& event : events) peer.event(event);
      }
      peer.reply(request.id() == kGetInfo ? info_reply(request.u32(16)) : status_reply());
    });
    ASSERT_EQ(votequorum_trackstart(session_.handle(), 0, CS_TRACK_CURRENT), CS_OK);
  }

  [[nodiscard]] votequorum_handle_t handle() const { return session_.handle(); }

  std::optional<StandIn> stand_in_;
  Session session_;
};

}  // namespace cs::test
