// SPDX-License-Identifier: BSD-3-Clause
// The stand-in's process: libqb's server functions and loop, with a script behind them.
#include "support/stand_in.h"

#include <qb/qbloop.h>

#include <csignal>
#include <map>
#include <set>
#include <stdexcept>

namespace cs::test {

// The only one of its process, since libqb's callbacks for polling carry no pointer of ours.
class Server {
 public:
  Server(Script script, StandInOptions options)
      : script_(std::move(script)), options_(std::move(options)), loop_(qb_loop_create()) {
    instance = this;
  }

  // Returns only when it cannot serve.
  void run(Gate& ready) {
    qb_ipcs_service_handlers handlers{};
    handlers.connection_accept = [](qb_ipcs_connection_t*, uid_t, gid_t) { return 0; };
    handlers.connection_created = [](qb_ipcs_connection_t* c) { instance->opened(c); };
    handlers.connection_closed = [](qb_ipcs_connection_t* c) { return instance->closed(c); };
    handlers.msg_process = [](qb_ipcs_connection_t* c, void* data, size_t size) {
      return instance->received(c, Request(data, size));
    };
    service_ = qb_ipcs_create(options_.service.c_str(), 0, options_.type, &handlers);
    qb_ipcs_poll_handlers poll{.job_add = job_add,
                               .dispatch_add = dispatch_add,
                               .dispatch_mod = dispatch_mod,
                               .dispatch_del = dispatch_del};
    qb_ipcs_poll_handlers_set(service_, &poll);
    if (qb_ipcs_run(service_) != 0) return;
    ready.open();
    qb_loop_run(loop_);
  }

  void after(milliseconds delay, std::function<void()> action) {
    auto* const kept = new std::function<void()>(std::move(action));
    qb_loop_timer_handle timer = 0;
    qb_loop_timer_add(loop_, QB_LOOP_MED, static_cast<std::uint64_t>(delay.count()) * 1'000'000,
                      kept, run_timer, &timer);
  }

  void take_requests(bool whether) {
    qb_ipcs_request_rate_limit(service_, whether ? QB_IPCS_RATE_NORMAL : QB_IPCS_RATE_OFF);
  }

  [[nodiscard]] Peer* find(qb_ipcs_connection_t* connection) {
    const auto found = peers_.find(connection);
    return found != peers_.end() ? found->second.get() : nullptr;
  }

  static inline Server* instance = nullptr;

 private:
  void opened(qb_ipcs_connection_t* connection) {
    auto& peer = peers_[connection] = std::make_unique<Peer>(connection);
    if (options_.on_connect) options_.on_connect(*peer);
  }

  int closed(qb_ipcs_connection_t* connection) {
    peers_.erase(connection);
    if (options_.on_close) options_.on_close();
    return 0;
  }

  int received(qb_ipcs_connection_t* connection, const Request& request) {
    Peer* const peer = find(connection);
    if (peer == nullptr) return 0;
    ++peer->requests_;
    script_(*peer, request);
    return 0;
  }

  static void run_timer(void* data) {
    const std::unique_ptr<std::function<void()>> action(static_cast<std::function<void()>*>(data));
    (*action)();
  }

  static int job_add(qb_loop_priority priority, void* data, qb_loop_job_dispatch_fn fn) {
    return qb_loop_job_add(instance->loop_, priority, data, fn);
  }
  static int dispatch_add(qb_loop_priority priority, int fd, int events, void* data,
                          qb_ipcs_dispatch_fn_t fn) {
    return qb_loop_poll_add(instance->loop_, priority, fd, events, data, fn);
  }
  static int dispatch_mod(qb_loop_priority priority, int fd, int events, void* data,
                          qb_ipcs_dispatch_fn_t fn) {
    return qb_loop_poll_mod(instance->loop_, priority, fd, events, data, fn);
  }
  static int dispatch_del(int fd) { return qb_loop_poll_del(instance->loop_, fd); }

  const Script script_;
  const StandInOptions options_;
  qb_loop_t* const loop_;
  qb_ipcs_service_t* service_ = nullptr;
  std::map<qb_ipcs_connection_t*, std::unique_ptr<Peer>> peers_;
};

void Peer::reply(const Message& message) {
  const auto bytes = message.bytes();
  qb_ipcs_response_send(connection_, bytes.data(), bytes.size());
}

void Peer::event(const Message& message) {
  events_.emplace_back(message.bytes().begin(), message.bytes().end());
  if (events_.size() == 1) send_events();
}

void Peer::send_events() {
  while (!events_.empty()) {
    const auto& bytes = events_.front();
    if (qb_ipcs_event_send(connection_, bytes.data(), bytes.size()) < 0) {
      return after(milliseconds(2), [](Peer& peer) { peer.send_events(); });
    }
    events_.pop_front();
  }
}

void Peer::take_requests(bool whether) { Server::instance->take_requests(whether); }

void Peer::disconnect() {
  after(milliseconds(0), [](Peer& peer) { qb_ipcs_disconnect(peer.connection_); });
}

void Peer::after(milliseconds delay, std::function<void(Peer&)> action) {
  Server::instance->after(delay, [connection = connection_, action = std::move(action)] {
    if (Peer* const peer = Server::instance->find(connection)) action(*peer);
  });
}

StandIn::StandIn(Script script, StandInOptions options) {
  Gate ready;
  process_ = Child::run([&] {
    if (options.before_start) options.before_start();
    Server(std::move(script), std::move(options)).run(ready);
    return 1;
  });
  ready.keep_only_waiting();
  if (!ready.wait()) throw std::runtime_error("the stand-in cannot serve");
}

}  // namespace cs::test
