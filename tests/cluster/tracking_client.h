// SPDX-License-Identifier: BSD-3-Clause
// A client of votequorum on one node of the cluster, in a process of its own: it tracks changes,
// tells the test of each notification, and connects anew whenever its daemon has died.
#pragma once

#include <corosync/corotypes.h>

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/unique_fd.h"
#include "support/child.h"
#include "support/cluster.h"

namespace cs::test {

// One thing that happened to the client. Written to its pipe in one piece.
struct Notice {
  enum class Kind : std::uint32_t { kConnected, kNodelist, kQuorum, kExpectedVotes, kLost, kWrong };
  static constexpr unsigned kMostMembers = 8;

  Kind kind = Kind::kConnected;
  std::uint32_t result = CS_OK;  // kLost: what dispatch returned; kWrong: what some call returned
  std::uint32_t quorate = 0;     // kQuorum
  std::uint32_t votes = 0;       // kQuorum: total votes, asked for in the callback; kExpectedVotes
  std::uint64_t ring_seq = 0;    // kNodelist
  std::uint32_t ring_node = 0;   // kNodelist
  std::uint32_t member_count = 0;  // kNodelist, kQuorum (those in state MEMBER)
  std::uint32_t members[kMostMembers] = {};
  std::uint32_t line = 0;  // kWrong
  std::uint32_t padding = 0;
  Nanoseconds time = 0;

  [[nodiscard]] std::vector<unsigned> member_ids() const;  // ascending
  [[nodiscard]] std::string ring_id() const;               // as corosync prints it
};
std::ostream& operator<<(std::ostream& out, const Notice& notice);

class TrackingClient {
 public:
  enum class Style {
    kBlocking,  // one dispatch that does not return; ended by a finalize in another thread
    kPolling,   // polls the descriptor, dispatches what is there, and asks for the votes meanwhile
  };

  TrackingClient(const ClusterNode& node, Style style);

  [[nodiscard]] unsigned node() const { return node_; }
  // All that has come so far.
  [[nodiscard]] const std::vector<Notice>& notices();
  // What the client believes, from the notifications of its present connection alone; no answer
  // while it has none, or has not been told everything.
  [[nodiscard]] View view();
  [[nodiscard]] std::size_t count(Notice::Kind kind);
  // Time of the last notice of that kind; 0 without one.
  [[nodiscard]] Nanoseconds last(Notice::Kind kind);
  // Tells the client to finalize and end. 0: it did, and every call answered as it must.
  [[nodiscard]] Outcome stop();
  [[nodiscard]] std::string story();  // for failure messages

 private:
  unsigned node_;
  Style style_;
  Gate stop_;
  UniqueFd pipe_;
  std::vector<Notice> notices_;
  Child process_;
};

}  // namespace cs::test
