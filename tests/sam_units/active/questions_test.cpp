// SPDX-License-Identifier: BSD-3-Clause
// Commands that wait for the supervisor's answer: whose it is, and what else ends the wait.
#include "sam_units/active/active_support.h"

#include <pthread.h>
#include <sys/ioctl.h>

#include <atomic>
#include <utility>

namespace cs::sam {
namespace {

TEST_F(SamActive, AnswerIsThatOfItsQuestion) {
  run([](Active& active) {
    const cs_error_t first = ask(active, Command::kStart);
    return first == CS_ERR_TRY_AGAIN ? ask(active, Command::kStop) : CS_ERR_BAD_HANDLE;
  });
  const auto start = next_command();
  ASSERT_TRUE(start);
  EXPECT_EQ(start->command, Command::kStart);
  auto others = *start;
  others.instance = kInstance - 1;
  answer(others, CS_ERR_EXIST);
  others = *start;
  others.sequence = start->sequence - 1;
  answer(others, CS_ERR_EXIST);
  answer(*start, CS_ERR_TRY_AGAIN);
  const auto stop = next_command();
  ASSERT_TRUE(stop);
  EXPECT_EQ(stop->command, Command::kStop);
  EXPECT_NE(stop->sequence, start->sequence);
  answer(*stop, CS_ERR_ACCESS);
  EXPECT_EQ(wait_for_end(), CS_ERR_ACCESS);
}

TEST_F(SamActive, QuestionOfAnEarlierInstanceLeavesTheAnswersToTheNext) {
  run([](Active& active) { return ask(active, Command::kStart); });
  auto question = next_command();
  ASSERT_TRUE(question);
  question->instance = kInstance + 1;
  channel_.heartbeat().begin_instance(question->instance);
  answer(*question, CS_OK);
  EXPECT_EQ(wait_for_end(), CS_ERR_LIBRARY);
  int left = 0;
  EXPECT_EQ(::ioctl(channel_.replies(), FIONREAD, &left), 0);
  EXPECT_EQ(left, static_cast<int>(sizeof(ReplyFrame)));
}

TEST_F(SamActive, QuestionEndsWithTheSupervisorsPipes) {
  run([](Active& active) { return ask(active, Command::kStart); });
  ASSERT_TRUE(next_command());
  channel_.close_all();
  EXPECT_EQ(wait_for_end(), CS_ERR_LIBRARY);
}

// It may wait as long as the one that waits for its answer: the supervisor is stopped, say.
TEST_F(SamActive, QuestionThatWaitsForRoomCanBeLeft) {
  ActiveEnds ends = ends_without_room();
  EXPECT_EQ(in_child([&] {
              static constinit Active active;
              active.begin(std::move(ends), kInstance,
                           Settings::from(*RecoveryPolicy::parse(SAM_RECOVERY_POLICY_RESTART), 0));
              pthread_t thread;
              const auto body = [](void*) -> void* {
                const CallGuard guard(true);
                (void)active.ask(Command::kStart, guard);
                return nullptr;
              };
              ASSERT_EQ(pthread_create(&thread, nullptr, body, nullptr), 0);
              ::poll(nullptr, 0, 50);
              pthread_cancel(thread);
              ::alarm(20);
              void* result = nullptr;
              ASSERT_EQ(pthread_join(thread, &result), 0);
              EXPECT_EQ(result, PTHREAD_CANCELED);
            }),
            0);
}

// What the application has under the number of the pipe of replies is none of ours.
TEST_F(SamActive, ReplyIsNotReadFromAnotherFile) {
  Pipe other = open_pipe();
  ASSERT_TRUE(other);
  ASSERT_EQ(::write(other.write_end.get(), "its own data", 12), 12);
  ActiveEnds ends = channel_.take_active_ends();
  EXPECT_EQ(in_child([&] {
              static constinit Active active;
              const int replies = ends.replies.get();
              active.begin(std::move(ends), kInstance,
                           Settings::from(*RecoveryPolicy::parse(SAM_RECOVERY_POLICY_RESTART), 0));
              EXPECT_EQ(::dup2(other.read_end.get(), replies), replies);
              EXPECT_EQ(ask(active, Command::kStop), CS_ERR_LIBRARY);
              char text[16];
              EXPECT_EQ(::read(replies, text, sizeof(text)), 12);
            }),
            0);
}

constinit Active* g_asking = nullptr;
constinit std::atomic<int> g_inner = -1;

// A handler asks while the code that it has interrupted waits: the answer to the first question may
// come, or never.
TEST_F(SamActive, QuestionThatAHandlerHasOvertakenEnds) {
  run([](Active& active) {
    g_asking = &active;
    struct sigaction action = {};
    action.sa_handler = [](int) { g_inner = ask(*g_asking, Command::kStop); };
    ::sigaction(SIGUSR1, &action, nullptr);
    if (ask(active, Command::kStart) != CS_ERR_INTERRUPT) return 1;
    return g_inner == CS_ERR_ACCESS ? 0 : 2;
  });
  const auto start = next_command();
  ASSERT_TRUE(start);
  ::kill(child_, SIGUSR1);
  const auto stop = next_command();
  ASSERT_TRUE(stop);
  EXPECT_EQ(stop->command, Command::kStop);
  answer(*stop, CS_ERR_ACCESS);
  answer(*start, CS_OK);
  EXPECT_EQ(wait_for_end(), 0);
}

}  // namespace
}  // namespace cs::sam
