// SPDX-License-Identifier: BSD-3-Clause
// What the variables ask for, and what is said of those that cannot be read.
#include "sam/operator/settings.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <string>
#include <vector>

#include "common/unique_fd.h"

namespace cs::sam {
namespace {

constexpr Nanoseconds kMs = kNanosecondsPerMillisecond;

class SamSettings : public testing::Test {
 protected:
  OperatorSettings read(std::map<std::string, std::string> environment) {
    environment_ = std::move(environment);
    complaints_.clear();
    return read_operator_settings(
        [](const char* name) {
          const auto found = environment_.find(name);
          return found != environment_.end() ? found->second.data() : nullptr;
        },
        [](const char* name, const char* value) {
          complaints_.push_back(std::string(name) + "=" + value);
        });
  }
  void expect_refused(const std::string& name, const std::vector<std::string>& values) {
    for (const std::string& value : values) {
      read({{name, value}});
      EXPECT_EQ(complaints_, std::vector{name + "=" + value});
    }
  }

  static std::map<std::string, std::string> environment_;
  static std::vector<std::string> complaints_;
};
std::map<std::string, std::string> SamSettings::environment_;
std::vector<std::string> SamSettings::complaints_;

TEST_F(SamSettings, AskForNothingWithoutVariables) {
  const OperatorSettings settings = read({{"NOTIFY_SOCKET", "/run/notify"},
                                          {"WATCHDOG_USEC", "1000000"},
                                          {"JOURNAL_STREAM", "1:2"},
                                          {"SAM_LOG", ""},
                                          {"SAM_FORWARD", ""}});
  EXPECT_EQ(settings.log_fd, -1);
  EXPECT_EQ(settings.restart_delay, 0);
  EXPECT_EQ(settings.restart_limit.period, 0);
  EXPECT_TRUE(settings.forwarded.is_empty());
  EXPECT_FALSE(settings.notifies);
  EXPECT_FALSE(settings.tells_signal_at_exit);
  EXPECT_FALSE(settings.kills_orphan);
  EXPECT_FALSE(settings.warn_signal);
  EXPECT_FALSE(settings.interval_ms);
  EXPECT_TRUE(complaints_.empty());
}

TEST_F(SamSettings, LogToStandardErrorOrAnOpenDescriptor) {
  EXPECT_EQ(read({{"SAM_LOG", "stderr"}}).log_fd, STDERR_FILENO);
  const UniqueFd file(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  const OperatorSettings settings = read({{"SAM_LOG", std::to_string(file.get())}});
  EXPECT_EQ(settings.log_fd, file.get());
  EXPECT_TRUE(settings.log.is_behind(file.get()));
  expect_refused("SAM_LOG", {"stdout", "-1", "987654", "2x"});
}

TEST_F(SamSettings, JournalIsToldByItsFile) {
  struct stat status;
  ASSERT_EQ(::fstat(STDERR_FILENO, &status), 0);
  const std::string device = std::to_string(status.st_dev);
  const std::string inode = std::to_string(status.st_ino);
  EXPECT_TRUE(read({{"SAM_LOG", "stderr"}, {"JOURNAL_STREAM", device + ":" + inode}})
                  .journal.is_behind(STDERR_FILENO));
  for (const std::string& stream :
       {device + ":1", device + "." + inode, std::string("x"), device}) {
    EXPECT_FALSE(
        read({{"SAM_LOG", "stderr"}, {"JOURNAL_STREAM", stream}}).journal.is_behind(STDERR_FILENO));
  }
}

TEST_F(SamSettings, DelayIsInMilliseconds) {
  EXPECT_EQ(read({{"SAM_RESTART_DELAY", "250"}}).restart_delay, 250 * kMs);
  EXPECT_EQ(read({{"SAM_RESTART_DELAY", "3600000"}}).restart_delay, 3'600'000 * kMs);
  expect_refused("SAM_RESTART_DELAY", {"3600001", "-1", "1s"});
}

TEST_F(SamSettings, LimitIsACountAndSeconds) {
  const RestartLimit limit = read({{"SAM_RESTART_LIMIT", "5/60"}}).restart_limit;
  EXPECT_EQ(limit.count, 5U);
  EXPECT_EQ(limit.period, 60'000 * kMs);
  EXPECT_EQ(read({{"SAM_RESTART_LIMIT", "100/604800"}}).restart_limit.count, 100U);
  expect_refused("SAM_RESTART_LIMIT", {"5", "/", "5/", "/60", "101/1", "5/0", "5/604801", "5/6/7"});
}

TEST_F(SamSettings, ForwardedSignalsAreAList) {
  const OperatorSettings settings = read({{"SAM_FORWARD", "TERM,SIGHUP,10,RTMIN+1"}});
  for (int number = 1; number <= SIGRTMAX; ++number) {
    EXPECT_EQ(settings.forwarded.has(number),
              number == SIGTERM || number == SIGHUP || number == 10 || number == SIGRTMIN + 1);
  }
  expect_refused("SAM_FORWARD",
                 {"KILL", "STOP", "TERM,CHLD", "SEGV", "TERM,", ",TERM", "TERM HUP"});
}

TEST_F(SamSettings, OneBadSignalForwardsNone) {
  EXPECT_TRUE(read({{"SAM_FORWARD", "TERM,KILL"}}).forwarded.is_empty());
}

TEST_F(SamSettings, SwitchesHaveOneValue) {
  EXPECT_TRUE(read({{"SAM_EXIT", "signal"}}).tells_signal_at_exit);
  EXPECT_TRUE(read({{"SAM_ORPHAN", "kill"}}).kills_orphan);
  expect_refused("SAM_EXIT", {"1", "signals"});
  expect_refused("SAM_ORPHAN", {"yes", "KILL"});
  expect_refused("SAM_NOTIFY", {"yes", "2"});
}

TEST_F(SamSettings, WarnSignalAndInterval) {
  EXPECT_EQ(read({{"SAM_WARN_SIGNAL", "USR1"}}).warn_signal, SIGUSR1);
  EXPECT_EQ(read({{"SAM_WARN_SIGNAL", "none"}}).warn_signal, 0);
  EXPECT_EQ(read({{"SAM_INTERVAL", "0"}}).interval_ms, 0);
  EXPECT_EQ(read({{"SAM_INTERVAL", "2147483647"}}).interval_ms, 2147483647);
  expect_refused("SAM_WARN_SIGNAL", {"0", "NONE", "usr1"});
  expect_refused("SAM_INTERVAL", {"-1", "2147483648"});
}

TEST_F(SamSettings, WatchdogMayHaveMoreThanAnHour) {
  const auto watchdog = [this](const char* microseconds) {
    return read({{"SAM_NOTIFY", "1"}, {"NOTIFY_SOCKET", "@name"}, {"WATCHDOG_USEC", microseconds}})
        .watchdog;
  };
  EXPECT_EQ(watchdog("7200000000"), 7'200'000 * kMs);
  EXPECT_GT(watchdog("900000000000000000"), 365LL * 86'400'000 * kMs);  // in this year it is silent
  EXPECT_EQ(watchdog("999999999999999999999999999999"), 0);
  EXPECT_EQ(watchdog("9223372036854775809"), 0);
}

TEST_F(SamSettings, NotifyTheSocketOfTheServiceManager) {
  const OperatorSettings path = read({{"SAM_NOTIFY", "1"},
                                      {"NOTIFY_SOCKET", "/run/notify"},
                                      {"WATCHDOG_USEC", "2000000"},
                                      {"WATCHDOG_PID", "42"}});
  EXPECT_TRUE(path.notifies);
  EXPECT_EQ(std::string(path.notify_socket, path.notify_socket_length), "/run/notify");
  EXPECT_EQ(path.watchdog, 2000 * kMs);
  EXPECT_EQ(path.watchdog_pid, 42);
  const OperatorSettings name = read({{"SAM_NOTIFY", "1"}, {"NOTIFY_SOCKET", "@name"}});
  EXPECT_EQ(std::string(name.notify_socket, name.notify_socket_length), std::string("\0name", 5));
  EXPECT_EQ(name.watchdog, 0);
  EXPECT_FALSE(read({{"SAM_NOTIFY", "0"}, {"NOTIFY_SOCKET", "@name"}}).notifies);
  EXPECT_TRUE(complaints_.empty());
}

// By hand, say: nothing is wrong then.
TEST_F(SamSettings, NotifyNobodyWhereThereIsNoSocket) {
  for (const std::string& socket :
       {std::string(), std::string("relative"), std::string("@"), "/" + std::string(107, 'x')}) {
    EXPECT_FALSE(read({{"SAM_NOTIFY", "1"}, {"NOTIFY_SOCKET", socket}}).notifies) << socket;
  }
  EXPECT_FALSE(read({{"SAM_NOTIFY", "1"}}).notifies);
  EXPECT_TRUE(complaints_.empty());
}

}  // namespace
}  // namespace cs::sam
