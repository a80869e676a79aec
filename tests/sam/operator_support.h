// SPDX-License-Identifier: BSD-3-Clause
// For tests of what the operator asks for: a log to read, and a service manager's socket.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <regex>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/unique_fd.h"
#include "support/child.h"
#include "support/proc.h"
#include "support/sam_process.h"

namespace cs::test {

inline constexpr int kQuit = SAM_RECOVERY_POLICY_QUIT;
inline constexpr int kRestart = SAM_RECOVERY_POLICY_RESTART;
inline constexpr int kLongInterval = 60'000;  // no hang is meant

inline void set(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }

// A file that the supervisor logs to; its number is the application's, too.
class LogFile {
 public:
  LogFile() : file_(::open("/tmp", O_TMPFILE | O_RDWR | O_APPEND, 0600)) {
    if (!file_) ADD_FAILURE() << "no file for the log";
  }
  // In the application, before sam_initialize.
  void use() const { set("SAM_LOG", std::to_string(file_.get())); }

  [[nodiscard]] std::vector<std::string> lines() const {
    std::string text(1 << 20, '\0');
    const ssize_t size = ::pread(file_.get(), text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    std::vector<std::string> lines;
    for (std::size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
      lines.push_back(text.substr(begin, end - begin));
    }
    return lines;
  }
  [[nodiscard]] std::size_t count(const std::string& pattern) const {
    std::size_t found = 0;
    for (const std::string& line : lines()) {
      if (std::regex_search(line, std::regex(pattern))) ++found;
    }
    return found;
  }
  // Waits for a line; shows the log when it does not come.
  void expect(const std::string& pattern) const {
    EXPECT_TRUE(eventually([&] { return count(pattern) > 0; })) << "no line " << pattern << " in\n"
                                                                << text();
  }
  [[nodiscard]] std::string text() const {
    std::string text;
    for (const std::string& line : lines()) text += line + "\n";
    return text;
  }

 private:
  UniqueFd file_;
};

// What a service manager listens at.
class NotifySocket {
 public:
  NotifySocket() : name_("sam_test_notify." + std::to_string(::getpid())) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name_.data(), name_.size());
    socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name_.size());
    if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
      ADD_FAILURE() << "no socket";
    }
  }
  void use() const {
    set("SAM_NOTIFY", "1");
    set("NOTIFY_SOCKET", "@" + name_);
  }

  // The next message that has that text in it; empty when none came in time.
  [[nodiscard]] std::string wait_for(const std::string& text, int limit_ms = 30'000) {
    const Deadline deadline = Deadline::in_milliseconds(limit_ms);
    for (;;) {
      pollfd entry{socket_.get(), POLLIN, 0};
      if (::poll(&entry, 1, deadline.poll_timeout(monotonic_now())) <= 0) return {};
      char message[512];
      const ssize_t size = ::recv(socket_.get(), message, sizeof(message), MSG_DONTWAIT);
      if (size <= 0) continue;
      const std::string received(message, static_cast<std::size_t>(size));
      if (received.find(text) != std::string::npos) return received;
    }
  }

 private:
  std::string name_;
  UniqueFd socket_;
};

}  // namespace cs::test
