// SPDX-License-Identifier: BSD-3-Clause
// Someone who has bound the daemon's name with plain socket calls, in a process of its own.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/unique_fd.h"
#include "support/child.h"

namespace cs::test {

using Address = std::pair<sockaddr_un, socklen_t>;

// libqb's abstract name of a service: a NUL, the name, NULs to the end.
inline Address service_address(const std::string& service) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  service.copy(address.sun_path + 1, sizeof(address.sun_path) - 1);
  return {address, sizeof(address)};
}

inline UniqueFd connect_to(const std::string& service) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto [address, length] = service_address(service);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) fd.reset();
  return fd;
}

class Listener {
 public:
  using Serve = std::function<void(int client)>;

  // Accepts one client after the other and serves it; as user `uid`, if that is not 0.
  Listener(const std::string& service, const Serve& serve, uid_t uid = 0) {
    Gate ready;
    process_ = Child::run([&] {
      if (uid != 0 && ::setresuid(uid, uid, uid) != 0) return 1;
      const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const auto [address, length] = service_address(service);
      if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) return 1;
      if (::listen(fd.get(), 100) != 0) return 1;
      ready.open();
      for (;;) {
        const UniqueFd client(::accept4(fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (client) serve(client.get());
      }
    });
    ready.keep_only_waiting();
    if (!ready.wait()) throw std::runtime_error("cannot listen on " + service);
  }

 private:
  Child process_;
};

}  // namespace cs::test
