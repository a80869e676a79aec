// SPDX-License-Identifier: BSD-3-Clause
// Asking the place.
#include "differential/interpreter/place.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "common/unique_fd.h"
#include "differential/interpreter/threads.h"

namespace cs::differential {
namespace {

bool g_answers = true;

UniqueFd connect_to_place() {
  const char* path = std::getenv("CS_PLACE");
  if (path == nullptr) return {};
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return {};
  }
  return fd;
}

}  // namespace

std::string ask_place(const std::string& what) {
  const UniqueFd fd = connect_to_place();
  if (fd.get() < 0) return {};
  const std::string line = what + "\n";
  if (::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL) < 0) return {};
  std::string answer;
  char buffer[4096];
  for (ssize_t got; (got = ::read(fd.get(), buffer, sizeof(buffer))) > 0;) {
    answer.append(buffer, static_cast<std::size_t>(got));
  }
  if (what == "pause" || what == "kill" || what == "stop") g_answers = false;
  if (what == "resume" || what == "start") g_answers = true;
  return answer;
}

bool daemon_answers() noexcept { return g_answers; }

void settle() {
  if (g_answers) ask_place("settle");
  wait_until_quiet();
}

}  // namespace cs::differential
