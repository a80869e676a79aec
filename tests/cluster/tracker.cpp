// SPDX-License-Identifier: BSD-3-Clause
// The tracking client's process: connect, follow, tell, connect anew.
#include "cluster/tracker.h"

#include <corosync/votequorum.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

namespace cs::test {
namespace {

constexpr int kWrongAnswer = 99;  // exit status
constexpr milliseconds kForEver{24 * 3600 * 1000};
constexpr milliseconds kBetweenAttempts{10};
constexpr milliseconds kBetweenQuestions{20};

// What runs on the node. Owns the connection, and the thread that ends a blocking dispatch.
class Tracker {
 public:
  Tracker(TrackingClient::Style style, Gate& stop, int log)
      : style_(style), gate_(stop), log_(log) {}

  int run() {
    std::thread stopper;
    if (style_ == TrackingClient::Style::kBlocking)
      stopper = std::thread([this] { wait_for_stop(); });
    while (connect()) {
      const cs_error_t result = follow();
      if (stopped_) break;
      lost(result);
    }
    if (stopper.joinable()) stopper.join();
    return 0;
  }

 private:
  void write(Notice notice) const {
    notice.time = monotonic_now();
    if (::write(log_, &notice, sizeof(notice)) != sizeof(notice)) ::_exit(kWrongAnswer);
  }

  // A call that answers as it must not is told, and ends the process.
  void expect(bool holds, cs_error_t result, int line = __builtin_LINE()) const {
    if (holds) return;
    write({.kind = Notice::Kind::kWrong,
           .result = static_cast<std::uint32_t>(result),
           .line = static_cast<std::uint32_t>(line)});
    ::_exit(kWrongAnswer);
  }

  void expect_ok(cs_error_t result, int line = __builtin_LINE()) const {
    expect(result == CS_OK, result, line);
  }

  // In the other thread. Whichever of the two comes second sees what the other has done: either
  // this finalizes the connection, or connect() sees that it shall stop.
  void wait_for_stop() {
    expect(gate_.wait(kForEver).has_value(), CS_ERR_LIBRARY);
    stopped_ = true;
    const cs_error_t result = votequorum_finalize(handle_);
    expect(result == CS_OK || result == CS_ERR_BAD_HANDLE, result);
  }

  bool pause_or_stop(milliseconds time) {
    if (style_ == TrackingClient::Style::kPolling) {
      stopped_ = gate_.wait(time).has_value();
    } else {
      ::poll(nullptr, 0, static_cast<int>(time.count()));
    }
    return stopped_;
  }

  // Tries until there is a daemon that reports changes; false when told to stop.
  bool connect() {
    do {
      if (try_to_connect()) return true;
    } while (!pause_or_stop(kBetweenAttempts));
    return false;
  }

  bool try_to_connect() {
    votequorum_callbacks_t callbacks = {quorum_told, expected_votes_told, nodelist_told};
    votequorum_handle_t handle = 0;
    cs_error_t result = votequorum_initialize(&handle, &callbacks);
    if (result != CS_OK) {
      expect(result == CS_ERR_LIBRARY || result == CS_ERR_TRY_AGAIN, result);
      return false;
    }
    handle_ = handle;
    result =
        votequorum_trackstart(handle, reinterpret_cast<std::uintptr_t>(this), CS_TRACK_CHANGES);
    if (result == CS_OK) {
      write({.kind = Notice::Kind::kConnected});
      return true;
    }
    const bool no_daemon = result == CS_ERR_LIBRARY || result == CS_ERR_TRY_AGAIN;
    expect(no_daemon || (stopped_ && result == CS_ERR_BAD_HANDLE), result);
    (void)votequorum_finalize(handle);
    return false;
  }

  // Dispatches until the connection breaks or the client is told to stop.
  cs_error_t follow() {
    if (style_ == TrackingClient::Style::kPolling) return follow_by_polling();
    if (stopped_) return votequorum_finalize(handle_);
    const cs_error_t result = votequorum_dispatch(handle_, CS_DISPATCH_BLOCKING);
    expect(result == (stopped_ ? CS_ERR_BAD_HANDLE : CS_ERR_LIBRARY), result);
    return result;
  }

  cs_error_t follow_by_polling() {
    int fd = -1;
    expect_ok(votequorum_fd_get(handle_, &fd));
    for (;;) {
      pollfd source{fd, POLLIN, 0};
      ::poll(&source, 1, static_cast<int>(kBetweenQuestions.count()));
      cs_error_t result = votequorum_dispatch(handle_, CS_DISPATCH_ALL);
      votequorum_info info;
      if (result == CS_OK) result = votequorum_getinfo(handle_, VOTEQUORUM_QDEVICE_NODEID, &info);
      if (result != CS_OK) {
        expect(result == CS_ERR_LIBRARY, result);
        return result;
      }
      if (!pause_or_stop(milliseconds(0))) continue;
      expect_ok(votequorum_finalize(handle_));
      return CS_OK;
    }
  }

  // The daemon is gone: every call says so at once, and finalize works.
  void lost(cs_error_t result) {
    votequorum_info info;
    const cs_error_t asked = votequorum_getinfo(handle_, VOTEQUORUM_QDEVICE_NODEID, &info);
    const cs_error_t dispatched = votequorum_dispatch(handle_, CS_DISPATCH_ALL);
    const cs_error_t finalized = votequorum_finalize(handle_);
    if (stopped_) return;
    expect(asked == CS_ERR_LIBRARY, asked);
    expect(dispatched == CS_ERR_LIBRARY, dispatched);
    expect_ok(finalized);
    write({.kind = Notice::Kind::kLost, .result = static_cast<std::uint32_t>(result)});
  }

  static Tracker& from(std::uint64_t context) {
    return *reinterpret_cast<Tracker*>(static_cast<std::uintptr_t>(context));
  }

  static void nodelist_told(votequorum_handle_t, std::uint64_t context, votequorum_ring_id_t ring,
                            std::uint32_t count, std::uint32_t list[]) {
    Notice notice{.kind = Notice::Kind::kNodelist, .ring_seq = ring.seq, .ring_node = ring.nodeid};
    from(context).expect(count <= Notice::kMostMembers, CS_ERR_TOO_BIG);
    notice.member_count = count;
    std::copy_n(list, count, notice.members);
    from(context).write(notice);
  }

  static void quorum_told(votequorum_handle_t handle, std::uint64_t context, std::uint32_t quorate,
                          std::uint32_t count, votequorum_node_t list[]) {
    Notice notice{.kind = Notice::Kind::kQuorum, .quorate = quorate};
    from(context).expect(count <= Notice::kMostMembers, CS_ERR_TOO_BIG);
    for (std::uint32_t i = 0; i < count; ++i) {
      if (list[i].state != VOTEQUORUM_NODESTATE_MEMBER) continue;
      notice.members[notice.member_count++] = list[i].nodeid;
    }
    votequorum_info info = {};
    (void)votequorum_getinfo(handle, VOTEQUORUM_QDEVICE_NODEID, &info);
    notice.votes = info.total_votes;
    from(context).write(notice);
  }

  static void expected_votes_told(votequorum_handle_t, std::uint64_t context, std::uint32_t votes) {
    from(context).write({.kind = Notice::Kind::kExpectedVotes, .votes = votes});
  }

  TrackingClient::Style style_;
  Gate& gate_;
  int log_;
  std::atomic<votequorum_handle_t> handle_ = 0;
  std::atomic<bool> stopped_ = false;
};

}  // namespace

int track(TrackingClient::Style style, Gate& stop, int log) {
  return Tracker(style, stop, log).run();
}

}  // namespace cs::test
