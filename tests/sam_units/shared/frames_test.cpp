// SPDX-License-Identifier: BSD-3-Clause
// Frames over pipes: whole, or not at all.
#include "sam/shared/frames.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <string>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include "common/file_identity.h"
#include "common/unique_fd.h"
#include "sam_units/in_child.h"
#include "support/refuse_call.h"

namespace cs::sam {
namespace {

TEST(SamFrames, ArriveAsSent) {
  const Pipe pipe = open_pipe();
  ASSERT_TRUE(pipe.read_end && pipe.write_end);
  const CommandFrame sent{Command::kWarnSignal, -7, 3, 0xFFFFFFFF};
  ASSERT_EQ(send_frame(pipe.write_end.get(), sent), Sent::kDone);
  CommandFrame received;
  ASSERT_EQ(receive_frame(pipe.read_end.get(), received), Received::kFrame);
  EXPECT_EQ(received.command, sent.command);
  EXPECT_EQ(received.argument, sent.argument);
  EXPECT_EQ(received.instance, sent.instance);
  EXPECT_EQ(received.sequence, sent.sequence);
}

TEST(SamFrames, PipeIsClosedOnExecAndClearOfStandardStreams) {
  const int saved = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);
  ::close(STDIN_FILENO);
  const Pipe pipe = open_pipe();
  if (saved >= 0) ::dup2(saved, STDIN_FILENO);
  ::close(saved);
  for (const UniqueFd* end : {&pipe.read_end, &pipe.write_end}) {
    EXPECT_GT(end->get(), STDERR_FILENO);
    EXPECT_EQ(::fcntl(end->get(), F_GETFD), FD_CLOEXEC);
  }
}

TEST(SamFrames, EmptyPipeSaysNothing) {
  const Pipe pipe = open_pipe();
  ASSERT_TRUE(set_nonblocking(pipe.read_end.get()));
  ReplyFrame frame;
  EXPECT_EQ(receive_frame(pipe.read_end.get(), frame), Received::kNothing);
}

TEST(SamFrames, NoWriterIsClosed) {
  Pipe pipe = open_pipe();
  pipe.write_end.reset();
  ReplyFrame frame;
  EXPECT_EQ(receive_frame(pipe.read_end.get(), frame), Received::kClosed);
}

TEST(SamFrames, PartOfAFrameIsGarbage) {
  const Pipe pipe = open_pipe();
  ASSERT_EQ(::write(pipe.write_end.get(), "abc", 3), 3);
  CommandFrame frame;
  EXPECT_EQ(receive_frame(pipe.read_end.get(), frame), Received::kGarbage);
  ASSERT_TRUE(set_nonblocking(pipe.read_end.get()));
  EXPECT_EQ(receive_frame(pipe.read_end.get(), frame), Received::kNothing);
}

TEST(SamFrames, FullPipeTakesNoPartOfAFrame) {
  const Pipe pipe = open_pipe();
  ASSERT_TRUE(set_nonblocking(pipe.write_end.get()));
  int frames = 0;
  while (send_frame(pipe.write_end.get(), CommandFrame{}) == Sent::kDone) ++frames;
  EXPECT_EQ(send_frame(pipe.write_end.get(), CommandFrame{}), Sent::kFull);
  ASSERT_TRUE(set_nonblocking(pipe.read_end.get()));
  CommandFrame frame;
  for (; frames > 0; --frames) {
    ASSERT_EQ(receive_frame(pipe.read_end.get(), frame), Received::kFrame);
  }
  EXPECT_EQ(receive_frame(pipe.read_end.get(), frame), Received::kNothing);
}

// The kernel has no page for it at the moment.
TEST(SamFrames, WantOfMemoryIsNoMoreThanAFullPipe) {
  const Pipe pipe = open_pipe();
  EXPECT_EQ(in_child([&] {
              if (!test::refuse_call(SYS_write, ENOMEM)) return;
              EXPECT_EQ(send_frame(pipe.write_end.get(), CommandFrame{}), Sent::kFull);
            }),
            0);
}

TEST(SamFrames, NoReaderIsBrokenOnceSigpipeIsSurvived) {
  const auto previous = std::signal(SIGPIPE, SIG_IGN);
  Pipe pipe = open_pipe();
  pipe.read_end.reset();
  EXPECT_EQ(send_frame(pipe.write_end.get(), CommandFrame{}), Sent::kBroken);
  std::signal(SIGPIPE, previous);
}

TEST(SamFrames, SignalsDoNotEndAWait) {
  struct sigaction interrupt {};
  interrupt.sa_handler = [](int) {};
  struct sigaction previous;
  ::sigaction(SIGUSR1, &interrupt, &previous);
  const Pipe pipe = open_pipe();
  const pthread_t reader = ::pthread_self();
  std::thread sender([&] {
    for (int i = 0; i < 20; ++i) {
      ::pthread_kill(reader, SIGUSR1);
      ::usleep(1000);
    }
    EXPECT_EQ(send_frame(pipe.write_end.get(), ReplyFrame{1, 9, CS_OK}), Sent::kDone);
  });
  ReplyFrame frame;
  EXPECT_EQ(receive_frame(pipe.read_end.get(), frame), Received::kFrame);
  EXPECT_EQ(frame.sequence, 9U);
  sender.join();
  ::sigaction(SIGUSR1, &previous, nullptr);
}

sigjmp_buf g_way_out;

// By SIGPIPE, say: then it is as it was before the call.
TEST(SamFrames, HandlerMayLeaveASendByAJump) {
  struct sigaction leave {};
  struct sigaction previous;
  leave.sa_handler = [](int) { siglongjmp(g_way_out, 1); };
  ::sigaction(SIGPIPE, &leave, &previous);
  Pipe pipe = open_pipe();
  pipe.read_end.reset();
  if (sigsetjmp(g_way_out, 1) == 0) {
    (void)send_frame(pipe.write_end.get(), CommandFrame{});
    ADD_FAILURE() << "no signal";
  }
  int state = -1;
  ::pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
  EXPECT_EQ(state, PTHREAD_CANCEL_ENABLE);
  ::sigaction(SIGPIPE, &previous, nullptr);
}

// It may be the answer that another call waits for.
TEST(SamFrames, FrameThatIsTakenOutIsNotLostToACancellation) {
  const Pipe pipe = open_pipe();
  ASSERT_EQ(send_frame(pipe.write_end.get(), ReplyFrame{1, 9, CS_OK}), Sent::kDone);
  std::atomic<bool> has_it = false;
  std::thread cancelled([&] {
    ReplyFrame frame;
    ::pthread_cancel(::pthread_self());
    has_it = receive_frame(pipe.read_end.get(), frame) == Received::kFrame;
  });
  cancelled.join();
  EXPECT_TRUE(has_it);
}

TEST(SamFileIdentity, AnotherFileUnderTheSameNumberIsNoticed) {
  const Pipe ours = open_pipe();
  const int number = ours.write_end.get();
  const FileIdentity identity(number);
  EXPECT_TRUE(identity.is_behind(number));
  EXPECT_TRUE(identity.is_behind(ours.read_end.get()));  // the same pipe
  const Pipe other = open_pipe();
  ASSERT_EQ(::dup2(other.write_end.get(), number), number);
  EXPECT_FALSE(identity.is_behind(number));
  EXPECT_FALSE(identity.is_behind(-1));
  EXPECT_FALSE(FileIdentity(-1).is_behind(-1));
}

}  // namespace
}  // namespace cs::sam
