// SPDX-License-Identifier: BSD-3-Clause
// A votequorum handle with callbacks that write down what they are told, finalized at the end.
// Uses the functions that every version of the library has.
#pragma once

#include <corosync/votequorum.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <functional>
#include <mutex>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace cs::test {

// Any number as a dispatch flag, as a C program may give it.
inline cs_error_t dispatch_raw(votequorum_handle_t handle, int flag) {
  using Raw = int (*)(votequorum_handle_t, int);
  return static_cast<cs_error_t>(reinterpret_cast<Raw>(&votequorum_dispatch)(handle, flag));
}

class Session {
 public:
  using Hook = std::function<void(Session&)>;

  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() {
    if (handle_ != 0) votequorum_finalize(handle_);
  }

  [[nodiscard]] cs_error_t open() {
    votequorum_callbacks_t callbacks{on_quorum, on_expected_votes, on_nodelist};
    const cs_error_t status = votequorum_initialize(&handle_, &callbacks);
    if (status == CS_OK) votequorum_context_set(handle_, this);
    return status;
  }

  [[nodiscard]] votequorum_handle_t handle() const { return handle_; }
  // The same, no longer finalized by this object.
  votequorum_handle_t release() { return std::exchange(handle_, 0); }
  cs_error_t finalize() { return votequorum_finalize(release()); }
  cs_error_t dispatch(cs_dispatch_flags_t flag) { return votequorum_dispatch(handle_, flag); }

  [[nodiscard]] cs_error_t getinfo(unsigned node_id = 0) {
    votequorum_info info;
    return votequorum_getinfo(handle_, node_id, &info);
  }

  // Whether the descriptor turns readable in time.
  [[nodiscard]] bool readable(int limit_ms) const {
    pollfd event{.fd = -1, .events = POLLIN, .revents = 0};
    if (votequorum_fd_get(handle_, &event.fd) != CS_OK) return false;
    return ::poll(&event, 1, limit_ms) == 1 && (event.revents & POLLIN) != 0;
  }

  // What the callbacks were told since the last call.
  [[nodiscard]] std::vector<std::string> take_events() {
    const std::lock_guard lock(mutex_);
    return std::exchange(events_, {});
  }
  [[nodiscard]] std::size_t event_count() {
    const std::lock_guard lock(mutex_);
    return events_.size();
  }

  // Runs in each callback, after the event was written down. Set before anything is dispatched.
  Hook in_callback = {};
  // The ring id of the last nodelist event.
  votequorum_ring_id_t ring_id{};

 private:
  // Null when another thread has finalized the handle while the callback was on its way.
  static Session* of(votequorum_handle_t handle) {
    void* session = nullptr;
    votequorum_context_get(handle, &session);
    return static_cast<Session*>(session);
  }

  static void record(Session* session, std::string line) {
    if (session == nullptr) return;
    {
      const std::lock_guard lock(session->mutex_);
      session->events_.push_back(std::move(line));
    }
    if (session->in_callback) session->in_callback(*session);
  }

  static void on_quorum(votequorum_handle_t handle, std::uint64_t context, std::uint32_t quorate,
                        std::uint32_t count, votequorum_node_t nodes[]) {
    std::ostringstream line;
    line << "quorum context " << context << " quorate " << quorate << ":";
    for (std::uint32_t i = 0; i < count; ++i)
      line << " " << nodes[i].nodeid << "/" << nodes[i].state;
    record(of(handle), line.str());
  }

  static void on_expected_votes(votequorum_handle_t handle, std::uint64_t context,
                                std::uint32_t votes) {
    std::ostringstream line;
    line << "expected context " << context << ": " << votes;
    record(of(handle), line.str());
  }

  static void on_nodelist(votequorum_handle_t handle, std::uint64_t context,
                          votequorum_ring_id_t ring_id, std::uint32_t count,
                          std::uint32_t nodes[]) {
    std::ostringstream line;
    line << "nodelist context " << context << ":";
    for (std::uint32_t i = 0; i < count; ++i) line << " " << nodes[i];
    Session* const session = of(handle);
    if (session != nullptr) session->ring_id = ring_id;
    record(session, line.str());
  }

  votequorum_handle_t handle_ = 0;
  std::mutex mutex_;  // guards events_
  std::vector<std::string> events_;
};

}  // namespace cs::test
