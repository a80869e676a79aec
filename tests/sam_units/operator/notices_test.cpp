// SPDX-License-Identifier: BSD-3-Clause
// What the service manager is told, when, and how it gets there.
#include "sam/operator/notices.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <string>

namespace cs::sam {
namespace {

constexpr Nanoseconds kMs = kNanosecondsPerMillisecond;
constexpr Nanoseconds kStart = 1'000'000 * kMs;

std::string notice_of(const ServiceStatus& status, bool is_sign_of_life = false) {
  char text[kNoticeRoom];
  const std::size_t length = format_notice(status, is_sign_of_life, text);
  return {text, length};
}

TEST(SamNotice, SaysAllThereIs) {
  EXPECT_EQ(notice_of({.instance = 1}), "STATUS=instance 1, 0 restarts");
  EXPECT_EQ(notice_of({.is_ready = true,
                       .is_stopping = true,
                       .instance = 2,
                       .last_death = {Reason::Kind::kDeath, SIGSEGV | 0x80}},
                      true),
            "READY=1\nSTOPPING=1\nWATCHDOG=1\n"
            "STATUS=instance 2, 1 restart, last: killed by SIGSEGV (core dumped)");
}

TEST(SamNotice, FitsWithTheLongestOfEverything) {
  const std::string longest = notice_of({.is_ready = true,
                                         .is_stopping = true,
                                         .instance = 4294967295U,
                                         .last_death = {Reason::Kind::kDeath, SIGVTALRM | 0x80}},
                                        true);
  EXPECT_TRUE(longest.ends_with("(core dumped)"));
  EXPECT_LT(longest.size(), kNoticeRoom);
}

TEST(SamNotices, AreNeverDueWhenNobodyAsks) {
  Notices notices(false, 0);
  notices.change(true);
  EXPECT_TRUE(notices.next_deadline(true).is_never());
}

TEST(SamNotices, AreDueOnceForAChange) {
  Notices notices(true, 0);
  EXPECT_TRUE(notices.next_deadline(true).is_never());
  notices.change(true);
  EXPECT_TRUE(notices.next_deadline(false).has_passed(kStart));
  notices.sent(false, kStart);
  EXPECT_TRUE(notices.next_deadline(true).is_never());
}

TEST(SamNotices, AreTriedAgainAfterAPause) {
  Notices notices(true, 0);
  notices.change(true);
  notices.failed(kStart);
  EXPECT_FALSE(notices.next_deadline(true).has_passed(kStart + 99 * kMs));
  EXPECT_TRUE(notices.next_deadline(true).has_passed(kStart + 100 * kMs));
}

TEST(SamNotices, OfACrashLoopAreSpacedUnlessTheyAreUrgent) {
  Notices notices(true, 0);
  notices.sent(false, kStart);
  notices.change(false);
  EXPECT_EQ(notices.next_deadline(true).when(), kStart + 100 * kMs);
  notices.change(true);
  EXPECT_TRUE(notices.next_deadline(true).has_passed(kStart));
}

TEST(SamNotices, ShowLifeTwiceInAPeriodWhileTheInstanceIsHealthy) {
  Notices notices(true, 1000 * kMs);
  EXPECT_TRUE(notices.next_deadline(true).has_passed(kStart));
  EXPECT_TRUE(notices.next_deadline(false).is_never());
  EXPECT_TRUE(notices.is_sign_of_life(true));
  EXPECT_FALSE(notices.is_sign_of_life(false));
  notices.sent(true, kStart);
  EXPECT_EQ(notices.next_deadline(true).when(), kStart + 500 * kMs);
}

TEST(SamNotices, OfAnUnhealthyInstanceAreNoSignOfLife) {
  Notices notices(true, 1000 * kMs);
  notices.sent(true, kStart);
  notices.change(true);
  notices.sent(false, kStart + 400 * kMs);
  EXPECT_EQ(notices.next_deadline(true).when(), kStart + 500 * kMs);
}

TEST(SamNotices, WatchdogIsForWhomItIsMeant) {
  OperatorSettings settings;
  settings.notifies = true;
  settings.watchdog = 1000 * kMs;
  EXPECT_EQ(watchdog_of(settings, 7), 1000 * kMs);
  settings.watchdog_pid = 7;
  EXPECT_EQ(watchdog_of(settings, 7), 1000 * kMs);
  EXPECT_EQ(watchdog_of(settings, 8), 0);
}

class SamNoticeSocket : public testing::Test {
 protected:
  // Binds a socket to a name, and gives that to the settings.
  void listen_at(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    receiver_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(receiver_.get(), reinterpret_cast<const sockaddr*>(&address),
                     static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())),
              0);
    std::memcpy(settings_.notify_socket, name.data(), name.size());
    settings_.notify_socket_length = name.size();
  }
  std::string receive() {
    char text[256];
    const ssize_t size = ::recv(receiver_.get(), text, sizeof(text), MSG_DONTWAIT);
    return {text, static_cast<std::size_t>(size > 0 ? size : 0)};
  }

  OperatorSettings settings_;
  UniqueFd receiver_;
};

TEST_F(SamNoticeSocket, ReachesAnAbstractName) {
  listen_at(std::string("\0sam_notices_test.", 18) + std::to_string(::getpid()));
  NoticeSocket socket(settings_);
  EXPECT_TRUE(socket.send("READY=1"));
  EXPECT_TRUE(socket.send("STATUS=x"));
  EXPECT_EQ(receive(), "READY=1");
  EXPECT_EQ(receive(), "STATUS=x");
}

TEST_F(SamNoticeSocket, ReachesAPath) {
  const std::string path = "/tmp/sam_notices_test." + std::to_string(::getpid());
  ::unlink(path.c_str());
  listen_at(path);
  NoticeSocket socket(settings_);
  EXPECT_TRUE(socket.send("READY=1"));
  EXPECT_EQ(receive(), "READY=1");
  receiver_.reset();
  EXPECT_FALSE(socket.send("READY=1"));  // and nothing worse
  ::unlink(path.c_str());
  listen_at(path);  // it was started again
  EXPECT_TRUE(socket.send("STATUS=x"));
  EXPECT_EQ(receive(), "STATUS=x");
  ::unlink(path.c_str());
}

TEST_F(SamNoticeSocket, DoesNotWaitForRoom) {
  listen_at(std::string("\0sam_notices_test.", 18) + std::to_string(::getpid()));
  NoticeSocket socket(settings_);
  int sent = 0;
  while (socket.send("STATUS=x")) ++sent;
  EXPECT_GT(sent, 0);
}

}  // namespace
}  // namespace cs::sam
