// SPDX-License-Identifier: BSD-3-Clause
// The pipes and the page between supervisor and instances: who holds which end, and what it shows.
#include "sam/shared/channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "sam_units/in_child.h"

namespace cs::sam {
namespace {

class SamChannel : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(channel_.open()); }

  Received receive() {
    CommandFrame frame;
    return receive_frame(channel_.commands(), frame);
  }
  // In this process, as if it were the instance: the supervisor's own ends go.
  ActiveEnds become_active() { return channel_.take_active_ends(); }

  Channel channel_;
};

// With no descriptor left.
template <typename Body>
int without_descriptors(Body body) {
  return in_child([&body] {
    rlimit limit;
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 3;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    body();
  });
}

TEST_F(SamChannel, CommandsAndRepliesGoAcross) {
  const ActiveEnds ends = become_active();
  EXPECT_EQ(send_frame(ends.commands.get(), CommandFrame{.command = Command::kStop}), Sent::kDone);
  CommandFrame command;
  EXPECT_EQ(receive_frame(channel_.commands(), command), Received::kFrame);
  EXPECT_EQ(command.command, Command::kStop);
  EXPECT_EQ(send_frame(channel_.replies(), ReplyFrame{.sequence = 4}), Sent::kDone);
  ReplyFrame reply;
  EXPECT_EQ(receive_frame(ends.replies.get(), reply), Received::kFrame);
  EXPECT_EQ(reply.sequence, 4U);
}

TEST_F(SamChannel, NeitherSideWaits) {
  EXPECT_EQ(receive(), Received::kNothing);
  for (const int fd : {channel_.commands(), channel_.replies()}) {
    EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  }
  const ActiveEnds ends = become_active();
  for (const int fd : {ends.commands.get(), ends.replies.get()}) {
    EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  }
}

TEST_F(SamChannel, EndsAreCloseOnExecAndKnown) {
  const ActiveEnds ends = become_active();
  for (const int fd : {channel_.commands(), ends.commands.get(), ends.replies.get()}) {
    EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
    EXPECT_GT(fd, 2);
  }
  EXPECT_TRUE(ends.commands_identity.is_behind(ends.commands.get()));
  EXPECT_TRUE(ends.replies_identity.is_behind(ends.replies.get()));
}

TEST_F(SamChannel, HangsUpWhenNoProcessHoldsTheWritingEnd) {
  int gate[2];
  ASSERT_EQ(::pipe(gate), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(gate[1]);
    char byte;
    (void)!::read(gate[0], &byte, 1);
    ::_exit(0);
  }
  EXPECT_FALSE(channel_.is_hung_up());
  channel_.let_go_of_commands();
  EXPECT_FALSE(channel_.is_hung_up());  // the child's is left
  ::close(gate[1]);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(channel_.is_hung_up());
  EXPECT_EQ(receive(), Received::kClosed);
  ::close(gate[0]);
}

// A handler of the application, in the supervisor, closes what it does not know.
TEST_F(SamChannel, ClosedDescriptorIsNoHangUp) {
  const int number = channel_.commands();
  const UniqueFd copy(::dup(number));
  ASSERT_EQ(::close(number), 0);
  EXPECT_FALSE(channel_.is_hung_up());
  ASSERT_EQ(::dup2(copy.get(), number), number);
}

TEST_F(SamChannel, RenewedPipeHasNothingOfTheOldOne) {
  {
    const ActiveEnds ends = become_active();
    EXPECT_EQ(send_frame(ends.commands.get(), CommandFrame{}), Sent::kDone);
  }
  ASSERT_TRUE(channel_.renew_commands());
  EXPECT_FALSE(channel_.may_be_held_by_others());
  EXPECT_FALSE(channel_.is_hung_up());
  EXPECT_EQ(receive(), Received::kNothing);
}

TEST_F(SamChannel, WithoutDescriptorsTheOldPipeServesAgain) {
  EXPECT_EQ(without_descriptors([this] {
              EXPECT_TRUE(channel_.renew_commands());
              EXPECT_TRUE(channel_.may_be_held_by_others());
              EXPECT_EQ(receive(), Received::kNothing);
            }),
            0);
}

TEST_F(SamChannel, WithoutDescriptorsAPipeThatWasLetGoOfCannotServe) {
  channel_.let_go_of_commands();
  EXPECT_EQ(without_descriptors([this] {
              errno = 0;
              EXPECT_FALSE(channel_.renew_commands());
              EXPECT_EQ(errno, EMFILE);
            }),
            0);
}

TEST(SamChannelOpen, WithoutDescriptorsFails) {
  EXPECT_EQ(without_descriptors([] {
              Channel channel;
              errno = 0;
              EXPECT_FALSE(channel.open());
              EXPECT_EQ(errno, EMFILE);
            }),
            0);
}

TEST_F(SamChannel, PageIsSharedWithForkedProcesses) {
  channel_.heartbeat().begin_instance(2);
  EXPECT_EQ(in_child([this] { channel_.heartbeat().announce(::getpid()); }), 0);
  EXPECT_NE(channel_.heartbeat().announced(), 0);
}

TEST_F(SamChannel, CloseAllClosesEveryPipeEnd) {
  const int commands = channel_.commands();
  const int replies = channel_.replies();
  channel_.close_all();
  EXPECT_EQ(::fcntl(commands, F_GETFD), -1);
  EXPECT_EQ(::fcntl(replies, F_GETFD), -1);
}

}  // namespace
}  // namespace cs::sam
