// SPDX-License-Identifier: BSD-3-Clause
// Any local user can bind the daemon's name while the daemon is down. Such an impostor must not be
// believed, and nothing that it names may be opened.
#include <corosync/votequorum.h>
#include <poll.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "votequorum_standin/listener.h"
#include "votequorum_standin/stand_in_test.h"

namespace cs::test {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kNobody = 65534;
constexpr const char* kPrecious = "nobody but root may write here";

int become_nobody() { return ::setresuid(kNobody, kNobody, kNobody); }

// What comes until nothing more does.
std::string read_all(int fd, int patience_ms) {
  std::string result;
  char buffer[4096];
  for (;;) {
    pollfd event{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&event, 1, result.empty() ? 10000 : patience_ms) <= 0) return result;
    const ssize_t got = ::read(fd, buffer, sizeof(buffer));
    if (got <= 0) return result;
    result.append(buffer, static_cast<std::size_t>(got));
  }
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Impostor : public StandInTest {
 protected:
  void SetUp() override {
    StandInTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (!Child::run(become_nobody).wait().exited_with(0)) {
      return skip_or_fail("there is no second user in this namespace");
    }
    fs::remove_all(folder_);
    fs::create_directory(folder_);
    fs::permissions(folder_, fs::perms::owner_all);
    for (const char* file : {"/x-header", "/x-data", "/x"}) {
      std::ofstream(folder_ + file) << kPrecious;
    }
  }

  // What a client sends first.
  static std::string capture_greeting() {
    const std::string path = folder_ + "/greeting";
    const Listener listener("votequorum", [&path](int client) {
      std::ofstream(path + ".part", std::ios::binary) << read_all(client, 200);
      fs::rename(path + ".part", path);
    });
    votequorum_handle_t handle = 0;
    EXPECT_NE(votequorum_initialize(&handle, nullptr), CS_OK);
    EXPECT_TRUE(eventually([&path] { return fs::exists(path); }));
    return read_file(path);
  }

  // What a true server answers to it.
  static std::string capture_answer(const std::string& greeting) {
    const StandIn server([](Peer&, const Request&) {}, {.service = "template"});
    const UniqueFd fd = connect_to("template");
    EXPECT_EQ(::write(fd.get(), greeting.data(), greeting.size()),
              static_cast<ssize_t>(greeting.size()));
    return read_all(fd.get(), 500);
  }

  // The same with every file in it replaced by a precious one.
  static std::string forge(std::string answer) {
    const std::string prefix = "/dev/shm/qb-";
    const std::string victim = folder_ + "/x";
    int replaced = 0;
    for (std::size_t at = 0; (at = answer.find(prefix, at)) != std::string::npos; ++replaced) {
      const std::size_t end = answer.find('\0', at);
      std::fill(answer.begin() + static_cast<std::ptrdiff_t>(at),
                answer.begin() + static_cast<std::ptrdiff_t>(end), '\0');
      answer.replace(at, victim.size(), victim);
    }
    EXPECT_EQ(replaced, 3) << "request, response and event ring";
    return answer;
  }

  static inline const std::string folder_ = "/dev/shm/root-only";
};
using ImpostorBeyondStock = Impostor;

TEST_F(ImpostorBeyondStock, IsRefusedAndNothingItNamesIsTouched) {
  const std::string answer = forge(capture_answer(capture_greeting()));
  const Listener impostor(
      "votequorum",
      [&answer](int client) {
        (void)!::write(client, answer.data(), answer.size());
        ::pause();
      },
      kNobody);
  const std::size_t before = open_descriptors();
  Pattern<votequorum_handle_t> handle;
  errno = 0;
  EXPECT_EQ(votequorum_initialize(handle.get(), nullptr), CS_ERR_ACCESS);
  EXPECT_EQ(errno, EACCES);
  EXPECT_TRUE(handle.untouched());
  EXPECT_EQ(open_descriptors(), before);
  for (const char* file : {"/x-header", "/x-data", "/x"}) {
    EXPECT_TRUE(read_file(folder_ + file) == kPrecious) << file << " was written to";
  }
}

TEST_F(ImpostorBeyondStock, ServingAsRightAsTheDaemonIsRefusedToo) {
  const StandIn server([](Peer& peer, const Request&) { peer.reply(info_reply(1)); },
                       {.before_start = [] { EXPECT_EQ(become_nobody(), 0); }});
  EXPECT_EQ(session_.open(), CS_ERR_ACCESS);
}

TEST_F(ImpostorBeyondStock, SilentOneIsRefusedAtOnce) {
  const Listener impostor(
      "votequorum", [](int) { ::pause(); }, kNobody);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(session_.open(), CS_ERR_ACCESS);
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(4000));
}

TEST_F(Impostor, OneselfIsTrusted) {
  const StandIn server([](Peer& peer, const Request&) { peer.reply(info_reply(0)); },
                       {.before_start = [] { EXPECT_EQ(become_nobody(), 0); }});
  Child client = Child::run([] {
    EXPECT_EQ(become_nobody(), 0);
    Session session;
    EXPECT_EQ(session.open(), CS_OK);
    EXPECT_EQ(session.getinfo(), CS_OK);
    return testing::Test::HasFailure() ? 1 : 0;
  });
  EXPECT_TRUE(client.wait().exited_with(0));
}

}  // namespace
}  // namespace cs::test
