// SPDX-License-Identifier: BSD-3-Clause
// The votequorum service as a program sees it through the library, and the same service through
// bare libqb with nothing in between, which is the lower bound of the library's figures.
#ifndef CS_BENCH_SERVICES_H
#define CS_BENCH_SERVICES_H

#include <cerrno>
#include <cstddef>
#include <poll.h>
#include <sys/uio.h>
#include <vector>

#include <corosync/votequorum.h>
#include <qb/qbipcc.h>

#include "harness.h"
#include "wire/votequorum.h"

namespace cs::bench {

// What is called for each event.
using OnEvent = void (*)();

class LibraryService {
 public:
  explicit LibraryService(OnEvent on_event = [] {}) {
    callback = on_event;
    votequorum_callbacks_t callbacks{on_quorum, on_expected_votes, on_nodelist};
    check(votequorum_initialize(&handle_, &callbacks), "votequorum_initialize");
  }
  LibraryService(const LibraryService&) = delete;
  LibraryService& operator=(const LibraryService&) = delete;
  ~LibraryService() { check(votequorum_finalize(handle_), "votequorum_finalize"); }

  void get_info() {
    votequorum_info info;
    check(votequorum_getinfo(handle_, 0, &info), "votequorum_getinfo");
  }
  void track(unsigned flags) { check(votequorum_trackstart(handle_, 0, flags), "trackstart"); }
  void dispatch_all() { check(votequorum_dispatch(handle_, CS_DISPATCH_ALL), "dispatch"); }
  void dispatch_one() { check(votequorum_dispatch(handle_, CS_DISPATCH_ONE), "dispatch"); }

 private:
  static inline OnEvent callback = nullptr;

  static void check(cs_error_t status, const char* what) { require(status == CS_OK, what); }
  static void on_quorum(votequorum_handle_t, uint64_t, uint32_t, uint32_t, votequorum_node_t[]) {
    callback();
  }
  static void on_expected_votes(votequorum_handle_t, uint64_t, uint32_t) { callback(); }
  static void on_nodelist(votequorum_handle_t, uint64_t, votequorum_ring_id_t, uint32_t,
                          uint32_t[]) {
    callback();
  }

  votequorum_handle_t handle_ = 0;
};

class BareService {
 public:
  explicit BareService(OnEvent on_event = [] {}) : on_event_(on_event) {
    connection_ = qb_ipcc_connect("votequorum", kMessageSize);
    require(connection_ != nullptr, "qb_ipcc_connect");
    buffer_.resize(static_cast<std::size_t>(qb_ipcc_get_buffer_size(connection_)));
    require(qb_ipcc_fd_get(connection_, &fd_) == 0, "qb_ipcc_fd_get");
  }
  BareService(const BareService&) = delete;
  BareService& operator=(const BareService&) = delete;
  ~BareService() { qb_ipcc_disconnect(connection_); }

  void get_info() { request(wire::votequorum::GetInfoRequest{}); }
  void track(unsigned flags) { request(wire::votequorum::TrackStartRequest{.track_flags = flags}); }
  void expect_votes(unsigned votes) {
    request(wire::votequorum::SetExpectedRequest{.expected_votes = votes});
  }
  void dispatch_all() {
    while (next_event()) on_event_();
  }
  void dispatch_one() {
    while (!next_event()) {
      pollfd source{.fd = fd_, .events = POLLIN, .revents = 0};
      poll(&source, 1, -1);
    }
    on_event_();
  }

 protected:
  static constexpr std::size_t kMessageSize = 64 * 1024;

  template <typename Request>
  void request(Request message) {
    send(message);
    require(qb_ipcc_recv(connection_, buffer_.data(), buffer_.size(), kSecond) > 0, "qb_ipcc_recv");
  }

  template <typename Request>
  void send(Request& message) {
    message.header.id = Request::kId;
    message.header.size = sizeof(message);
    const iovec part{.iov_base = &message, .iov_len = sizeof(message)};
    require(qb_ipcc_sendv(connection_, &part, 1) > 0, "qb_ipcc_sendv");
  }

  qb_ipcc_connection_t* connection_ = nullptr;
  std::vector<char> buffer_;

 private:
  static constexpr int kSecond = 1000;

  bool next_event() {
    const ssize_t length = qb_ipcc_event_recv(connection_, buffer_.data(), buffer_.size(), 0);
    require(length > 0 || length == -EAGAIN, "qb_ipcc_event_recv");
    return length > 0;
  }

  const OnEvent on_event_;
  int fd_ = -1;
};

// Never sleeps for an answer, whatever it costs: the least time that a request can take.
class SpinningService : public BareService {
 public:
  using BareService::BareService;

  void get_info() {
    wire::votequorum::GetInfoRequest message;
    send(message);
    ssize_t length = 0;
    do {
      length = qb_ipcc_recv(connection_, buffer_.data(), buffer_.size(), 0);
    } while (length == -ETIMEDOUT || length == -EAGAIN);
    require(length > 0, "qb_ipcc_recv");
  }
};

}  // namespace cs::bench

#endif
