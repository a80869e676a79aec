// SPDX-License-Identifier: BSD-3-Clause
// A peer on libqb's server half, in a process of its own, that answers as a test's script says: for
// what a healthy daemon never does. Only for private namespaces, as it takes the daemon's name.
#pragma once

#include <qb/qbipcs.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "support/child.h"
#include "support/votequorum_messages.h"

namespace cs::test {

// A request as it arrived.
class Request {
 public:
  Request(const void* data, std::size_t size) : bytes_(static_cast<const std::byte*>(data), size) {}

  [[nodiscard]] std::int32_t id() const { return static_cast<std::int32_t>(u32(0)); }
  [[nodiscard]] std::uint32_t u32(std::size_t offset) const {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes_.data() + offset, sizeof(value));
    return value;
  }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

// One client, as the stand-in sees it. Exists in the stand-in's process only.
class Peer {
 public:
  explicit Peer(qb_ipcs_connection_t* connection) : connection_(connection) {}

  void reply(const Message& message);
  // Sent when there is room for it, in order.
  void event(const Message& message);
  void take_requests(bool whether);  // from all clients; libqb refuses them otherwise
  void disconnect();  // soon: libqb goes on using a connection after the script has returned
  // Later, if the client is still there.
  void after(milliseconds delay, std::function<void(Peer&)> action);
  [[nodiscard]] unsigned requests() const { return requests_; }  // how many came, this one included

 private:
  friend class Server;
  void send_events();

  qb_ipcs_connection_t* const connection_;
  std::deque<std::vector<std::byte>> events_;
  unsigned requests_ = 0;
};

using Script = std::function<void(Peer&, const Request&)>;

struct StandInOptions {
  std::string service = "votequorum";
  qb_ipc_type type = QB_IPC_SHM;
  std::function<void(Peer&)> on_connect = {};
  std::function<void()> on_close = {};
  std::function<void()> before_start = {};  // runs in its process
};

// Serves from construction to destruction.
class StandIn {
 public:
  explicit StandIn(Script script, StandInOptions options = {});

  void kill_hard() { process_.kill_and_reap(); }
  void pause() const { process_.signal(SIGSTOP); }
  void resume() const { process_.signal(SIGCONT); }
  [[nodiscard]] pid_t pid() const { return process_.pid(); }

 private:
  Child process_;
};

}  // namespace cs::test
