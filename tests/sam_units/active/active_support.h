// SPDX-License-Identifier: BSD-3-Clause
// Fixture of the tests of the active process's side: the test is the supervisor, and each instance
// a child.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <optional>

#include "sam/active/active.h"
#include "sam_units/in_child.h"

namespace cs::sam {

inline constexpr std::uint32_t kInstance = 7;
inline constexpr int kPatienceMs = 30'000;

class SamActive : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(channel_.open());
    channel_.heartbeat().begin_instance(kInstance);
  }

  void TearDown() override {
    if (child_ > 0) ::kill(child_, SIGKILL);
    if (child_ > 0) ::waitpid(child_, nullptr, 0);
  }

  // Forks an instance that does this and exits with the status.
  template <typename Body>
  void run(Body body, unsigned policy = SAM_RECOVERY_POLICY_RESTART, int interval_ms = 0) {
    child_ = ::fork();
    if (child_ != 0) return;
    static constinit Active active;
    active.begin(channel_.take_active_ends(), kInstance,
                 Settings::from(*RecoveryPolicy::parse(policy), interval_ms));
    channel_.close_all();  // what is the supervisor's
    ::_exit(static_cast<int>(body(active)));
  }

  // The exit status of the instance, or its signal, negative.
  int wait_for_end() {
    int status = -1;
    EXPECT_EQ(::waitpid(child_, &status, 0), child_);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  // An instance whose supervisor, a child of the test, ends as soon as it is ready. What body finds
  // out is for expect_yes_of_orphan().
  template <typename Body, typename Ready>
  void start_orphan(Body body, Ready wait_until_ready) {
    told_ = open_pipe();
    ASSERT_TRUE(told_);
    EXPECT_EQ(in_child([&] {
                run([&](Active& active) {
                  const char result = body(active) ? 'y' : 'n';
                  return ::write(told_.write_end.get(), &result, 1) == 1 ? 0 : 1;
                });
                child_ = -1;  // nobody's to kill
                wait_until_ready();
              }),
              0);
  }

  void expect_yes_of_orphan() {
    told_.write_end.reset();
    char result = '-';
    EXPECT_EQ(::read(told_.read_end.get(), &result, 1), 1);
    EXPECT_EQ(result, 'y');
    EXPECT_GT(::waitpid(-1, nullptr, 0), 0);
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  }

  // Of an instance whose pipe of commands is full.
  ActiveEnds ends_without_room() {
    ActiveEnds ends = channel_.take_active_ends();
    while (send_frame(ends.commands.get(), CommandFrame{}) == Sent::kDone) {
    }
    return ends;
  }

  std::optional<CommandFrame> next_command() {
    pollfd entry{channel_.commands(), POLLIN, 0};
    CommandFrame frame;
    if (::poll(&entry, 1, kPatienceMs) <= 0) return {};
    if (receive_frame(channel_.commands(), frame) != Received::kFrame) return {};
    return frame;
  }

  void answer(const CommandFrame& question, cs_error_t status) {
    const ReplyFrame reply{question.instance, question.sequence, status};
    ASSERT_EQ(send_frame(channel_.replies(), reply), Sent::kDone);
  }

  static cs_error_t ask(Active& active, Command command) {
    const CallGuard guard(false);
    return active.ask(command, guard);
  }

  Channel channel_;
  pid_t child_ = -1;
  Pipe told_;  // from an orphan
};

}  // namespace cs::sam
