// SPDX-License-Identifier: BSD-3-Clause
// A thread ends inside libqb when it has taken an event, and before it has taken the byte that tells
// of it: as one does that is cancelled there.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/socket.h>

#include "votequorum_standin/stand_in_test.h"

namespace cs::test {
namespace {

thread_local bool is_leaving = false;

}  // namespace
}  // namespace cs::test

// In place of libc's; libqb takes that byte by itself.
extern "C" ssize_t recv(int fd, void* buffer, std::size_t size, int flags) {
  using Receive = ssize_t (*)(int, void*, std::size_t, int);
  static const auto real = reinterpret_cast<Receive>(::dlsym(RTLD_NEXT, "recv"));
  if (std::exchange(cs::test::is_leaving, false)) ::pthread_exit(nullptr);
  return real(fd, buffer, size, flags);
}

namespace cs::test {
namespace {

class LeftEvent : public StandInTest {
 protected:
  void leave_dispatch() {
    pthread_t thread;
    const auto dispatch = [](void* session) {
      is_leaving = true;
      (void)static_cast<Session*>(session)->dispatch(CS_DISPATCH_ONE);
      return static_cast<void*>(session);  // it has not left
    };
    ASSERT_EQ(::pthread_create(&thread, nullptr, dispatch, &session_), 0);
    void* result = nullptr;
    ASSERT_EQ(::pthread_join(thread, &result), 0);
    ASSERT_EQ(result, nullptr);
  }
};

// A loop around poll() would have no rest otherwise.
TEST_F(LeftEvent, ItsNotificationIsDroppedSoon) {
  ASSERT_NO_FATAL_FAILURE(serve_events({expected_votes_event(9, 3)}));
  ASSERT_TRUE(session_.readable(20000));
  ASSERT_NO_FATAL_FAILURE(leave_dispatch());
  for (int i = 0; i < 10 && session_.readable(0); ++i) {
    (void)votequorum_dispatch(handle(), CS_DISPATCH_ALL);
  }
  EXPECT_FALSE(session_.readable(0));
  // The next one is not lost.
  ASSERT_EQ(votequorum_trackstart(handle(), 0, CS_TRACK_CURRENT), CS_OK);
  ASSERT_TRUE(session_.readable(20000));
  EXPECT_EQ(votequorum_dispatch(handle(), CS_DISPATCH_ONE), CS_OK);
}

}  // namespace
}  // namespace cs::test
