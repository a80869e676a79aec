// SPDX-License-Identifier: BSD-3-Clause
// The connection class itself, in both of libqb's modes: answers after their deadline, waiting,
// cancelling, threads, forks.
#include "ipc/connection.h"

#include <corosync/votequorum.h>
#include <gtest/gtest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include "common/unique_fd.h"
#include "support/memory_in_use.h"
#include "support/refuse_call.h"
#include "votequorum_standin/stand_in_test.h"
#include "wire/votequorum.h"

namespace cs::test {
namespace {

namespace wire = cs::wire::votequorum;
using Clock = std::chrono::steady_clock;
using Ptr = HeapPtr<ipc::Connection>;

// Node ids that are answered late; all others at once.
constexpr unsigned kLate = 500;

Script late_from(unsigned first, milliseconds delay = milliseconds(300)) {
  return [first, delay](Peer& peer, const Request& request) {
    const unsigned asked = request.u32(16);
    if (asked < first) return peer.reply(info_reply(asked));
    peer.after(delay, [asked](Peer& p) { p.reply(info_reply(asked)); });
  };
}

class IpcConnection : public testing::TestWithParam<qb_ipc_type> {
 protected:
  void SetUp() override {
    if (!in_private_network()) skip_or_fail("not in private namespaces");
  }

  void serve(Script script) {
    stand_in_.emplace(std::move(script), StandInOptions{.type = GetParam()});
    auto connection = ipc::Connection::connect("votequorum", Deadline::in_milliseconds(20000));
    ASSERT_TRUE(connection) << connection.status();
    connection_ = std::move(*connection);
  }

  // Getinfo's answer names the node that was asked for: an answer to somebody else is noticed.
  Result<wire::GetInfoReply> ask(unsigned node_id, Deadline deadline = Deadline::never()) {
    return connection_->call(wire::GetInfoRequest{.node_id = node_id}, deadline);
  }
  void expect_answer(unsigned node_id) {
    const auto reply = ask(node_id);
    ASSERT_TRUE(reply) << reply.status();
    EXPECT_EQ((*reply).node_id, node_id);
  }
  void expect_no_answer(unsigned node_id, std::int64_t limit_ms) {
    EXPECT_EQ(ask(node_id, Deadline::in_milliseconds(limit_ms)).status(), CS_ERR_TRY_AGAIN);
  }

  void expect_no_harm_by_child(bool (*change_place)()) {
    serve(late_from(kLate));
    expect_answer(1);
    Child child = Child::run([&] {
      if (!change_place()) return 77;
      connection_->cancel();
      connection_.reset();
      return 0;
    });
    const Outcome outcome = child.wait();
    if (outcome.exited_with(77)) return skip_or_fail("no such place here");
    EXPECT_TRUE(outcome.exited_with(0)) << outcome;
    EXPECT_EQ(connection_->wait_event(Deadline::in_milliseconds(50)), CS_ERR_TRY_AGAIN);
    expect_answer(2);
  }

  std::optional<StandIn> stand_in_;
  Ptr connection_;
};

INSTANTIATE_TEST_SUITE_P(Modes, IpcConnection, testing::Values(QB_IPC_SHM, QB_IPC_SOCKET),
                         [](const auto& mode) {
                           return mode.param == QB_IPC_SHM ? "SharedMemory" : "Socket";
                         });

TEST_P(IpcConnection, LateAnswerIsNotTakenForTheNextOne) {
  serve(late_from(kLate));
  expect_answer(1);
  expect_no_answer(kLate, 50);
  expect_answer(2);
  expect_answer(3);
}

// What was not answered is still owed when the second deadline passes: nothing was sent for it.
TEST_P(IpcConnection, RequestWaitsForWhatIsOwedToItsPredecessor) {
  Gate asked;
  serve([&asked](Peer& peer, const Request& request) {
    asked.open();
    late_from(kLate)(peer, request);
  });
  asked.keep_only_waiting();
  expect_no_answer(kLate, 50);
  expect_no_answer(1, 50);
  EXPECT_TRUE(asked.wait());
  EXPECT_FALSE(asked.wait(milliseconds(0)));
  expect_answer(2);
}

TEST_P(IpcConnection, ManyLateAnswersAreAllDiscarded) {
  serve(late_from(kLate));
  for (unsigned i = 0; i < 4; ++i) {
    expect_no_answer(kLate + i, 20);
    expect_answer(i);
  }
}

TEST_P(IpcConnection, AnswersThatNobodyWaitsForTakeNoMemory) {
  serve(late_from(kLate, milliseconds(10)));
  std::size_t before = 0;
  int late = 0;  // all of them, where the machine is not too busy
  for (unsigned i = 0; i < 60; ++i) {
    if (i == 10) before = memory_in_use();
    late += !ask(kLate, Deadline::in_milliseconds(1));
    expect_answer(1);
  }
  EXPECT_GT(late, 30);
  EXPECT_LT(memory_in_use(), before + 10'000);
}

TEST_P(IpcConnection, AnswerInTimeIsNotLost) {
  serve(late_from(kLate));
  const auto reply = ask(kLate, Deadline::in_milliseconds(20000));
  ASSERT_TRUE(reply) << reply.status();
  EXPECT_EQ((*reply).node_id, kLate);
}

TEST_P(IpcConnection, PassedDeadlineStillEndsTheWait) {
  serve(late_from(kLate));
  const auto start = Clock::now();
  EXPECT_EQ(ask(kLate, Deadline::at(0)).status(), CS_ERR_TRY_AGAIN);
  EXPECT_LT(Clock::now() - start, milliseconds(500));
  expect_answer(1);
}

// A request that libqb has refused was not sent: nothing is out of step.
TEST_P(IpcConnection, DaemonThatTakesNoRequestNowIsAskedAgain) {
  serve([](Peer& peer, const Request& request) {
    if (peer.requests() == 1) {
      peer.take_requests(false);
      peer.after(milliseconds(200), [](Peer& p) { p.take_requests(true); });
    }
    peer.reply(info_reply(request.u32(16)));
  });
  expect_answer(1);
  EXPECT_EQ(ask(2, Deadline::in_milliseconds(20000)).status(), CS_ERR_TRY_AGAIN);
  EXPECT_TRUE(eventually([this] { return ask(3).status() != CS_ERR_TRY_AGAIN; }));
  expect_answer(4);
}

TEST_P(IpcConnection, EventLongerThanTheRoomLeavesItsHeader) {
  serve([](Peer& peer, const Request&) {
    peer.event(Message(1000, 20000));
    peer.event(expected_votes_event(1, 2));
    peer.reply(info_reply(1));
  });
  expect_answer(1);
  std::array<std::byte, 64> buffer;
  buffer.fill(std::byte{0xa5});
  EXPECT_TRUE(eventually([&] {
    const auto length = connection_->next_event(buffer);
    return length && *length == 24;
  }));
  EXPECT_EQ(buffer[24], std::byte{0xa5});
  EXPECT_EQ(connection_->wait_event(Deadline::in_milliseconds(20000)), CS_OK);
  const auto length = connection_->next_event(buffer);
  ASSERT_TRUE(length);
  EXPECT_EQ(*length, 40U);
}

TEST_P(IpcConnection, WaitEndsAtItsDeadline) {
  serve(late_from(kLate));
  const auto start = Clock::now();
  EXPECT_EQ(connection_->wait_event(Deadline::in_milliseconds(100)), CS_ERR_TRY_AGAIN);
  EXPECT_GE(Clock::now() - start, milliseconds(100));
}

TEST_P(IpcConnection, CancelEndsWaitsOfNowAndLater) {
  serve(late_from(kLate));
  std::thread waiter([this] {
    EXPECT_EQ(connection_->wait_event(Deadline::in_milliseconds(20000)), CS_ERR_BAD_HANDLE);
  });
  connection_->cancel();
  waiter.join();
  EXPECT_EQ(connection_->wait_event(Deadline::in_milliseconds(20000)), CS_ERR_BAD_HANDLE);
  expect_answer(1);
}

TEST_P(IpcConnection, ThreadsGetTheirOwnAnswers) {
  serve(late_from(100000));
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (unsigned thread = 0; thread < 8; ++thread) {
    threads.emplace_back([this, thread, &wrong] {
      for (unsigned i = 0; i < 500; ++i) {
        const unsigned node_id = thread * 1000 + i;
        const auto reply = ask(node_id);
        if (!reply || (*reply).node_id != node_id) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// Some with a deadline that passes: their answers must not reach the others.
TEST_P(IpcConnection, DeadlinesOfSomeThreadsDisturbNoOther) {
  serve(late_from(kLate, milliseconds(5)));
  std::atomic<int> wrong = 0;
  std::atomic<int> late = 0;
  std::thread impatient([&] {
    for (unsigned i = 0; i < 100; ++i) {
      const auto reply = ask(kLate + i, Deadline::in_milliseconds(1));
      if (reply ? (*reply).node_id != kLate + i : reply.status() != CS_ERR_TRY_AGAIN) ++wrong;
      if (!reply) ++late;
    }
  });
  for (unsigned i = 0; i < 300; ++i) {
    const auto reply = ask(i);
    if (!reply || (*reply).node_id != i) ++wrong;
  }
  impatient.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(late, 0);
}

// A signal every few milliseconds for the life of this object.
class SignalRain {
 public:
  SignalRain() {
    struct sigaction action {};
    action.sa_handler = [](int) { ++drops; };
    ::sigaction(SIGALRM, &action, &old_);  // without SA_RESTART
    const itimerval every{{0, 5000}, {0, 5000}};
    ::setitimer(ITIMER_REAL, &every, nullptr);
  }
  ~SignalRain() {
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    ::signal(SIGALRM, SIG_IGN);  // one that is on its way is forgotten
    ::sigaction(SIGALRM, &old_, nullptr);
  }
  static inline std::atomic<int> drops = 0;

 private:
  struct sigaction old_ {};
};

TEST_P(IpcConnection, SignalsEndNoWait) {
  serve(late_from(kLate));
  const SignalRain rain;
  const int before = SignalRain::drops;
  expect_answer(kLate);
  EXPECT_EQ(connection_->wait_event(Deadline::in_milliseconds(300)), CS_ERR_TRY_AGAIN);
  EXPECT_GT(SignalRain::drops, before + 10);
}

// A child inherits the connection's descriptors; what it does with its copy is its own affair.
TEST_P(IpcConnection, ChildLetsGoWithoutHarmToItsParent) {
  expect_no_harm_by_child([] { return true; });
}

TEST_P(IpcConnection, ChildThatMayNotSignalItsParentDoesItNoHarm) {
  expect_no_harm_by_child([] { return refuse_call(SYS_kill, EPERM); });
}

TEST_P(IpcConnection, ChildInANamespaceOfItsOwnDoesItsParentNoHarm) {
  expect_no_harm_by_child([] {
    if (::unshare(CLONE_NEWPID) != 0) return false;
    const pid_t first = ::fork();
    if (first == 0) return true;
    int status = -1;
    ::waitpid(first, &status, 0);
    ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
  });
}

// As after closing everything: the socket under our number is the application's.
TEST_P(IpcConnection, CancelEndsNoReadingOfAnotherFile) {
  serve(late_from(kLate));
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd peer(ends[0]), own(ends[1]);
  const int number = connection_->fd();
  const UniqueFd ours(::fcntl(number, F_DUPFD_CLOEXEC, 3));
  ASSERT_EQ(::dup3(own.get(), number, O_CLOEXEC), number);
  connection_->cancel();
  char byte = 'x';
  ASSERT_EQ(::send(peer.get(), &byte, 1, MSG_NOSIGNAL), 1);
  EXPECT_EQ(::recv(own.get(), &byte, 1, MSG_DONTWAIT), 1);
  EXPECT_EQ(::dup3(ours.get(), number, O_CLOEXEC), number);  // so that nothing is left of it
}

// Its parent has ended: nobody is cut off by waking its wait.
TEST_P(IpcConnection, DaemonOfItsOwnSleepsUntilItIsCancelled) {
  stand_in_.emplace(late_from(kLate), StandInOptions{.type = GetParam()});
  Gate result;
  const auto become_daemon = [&result] {
    auto connection = ipc::Connection::connect("votequorum", Deadline::in_milliseconds(20000));
    const pid_t parent = ::getpid();
    if (!connection || ::fork() != 0) ::_exit(0);
    while (::kill(parent, 0) == 0) ::usleep(1000);
    rusage used{};
    std::thread waiting([&] {
      const cs_error_t status = (*connection)->wait_event(Deadline::in_milliseconds(20000));
      ::getrusage(RUSAGE_THREAD, &used);
      if (status != CS_ERR_BAD_HANDLE) used.ru_nvcsw = -1;
    });
    ::usleep(500'000);
    (*connection)->cancel();
    waiting.join();
    result.open(used.ru_nvcsw < 0 ? 'c' : used.ru_nvcsw > 20 ? 'w' : '1');
    ::_exit(0);
    return 0;
  };
  EXPECT_TRUE(Child::run(become_daemon).wait().exited_with(0));
  EXPECT_EQ(result.wait(), '1') << "c: not cancelled, w: woken again and again";
}

TEST_P(IpcConnection, ChildKeepsNoDescriptorOpen) {
  serve(late_from(kLate));
  expect_answer(1);
  Child child = Child::run([this] {
    const std::size_t with = open_descriptors();
    connection_.reset();
    return static_cast<int>(with - open_descriptors());
  });
  // In socket mode libqb has one more, which only it knows.
  EXPECT_TRUE(child.wait().exited_with(GetParam() == QB_IPC_SHM ? 1 : 2));
}

// Which it has opened after closing everything.
TEST_P(IpcConnection, ChildKeepsItsOwnFileUnderOurNumber) {
  serve(late_from(kLate));
  Child child = Child::run([this] {
    const int number = connection_->fd();
    const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (::dup2(file.get(), number) != number) return 1;
    connection_.reset();
    return ::fcntl(number, F_GETFD) >= 0 ? 0 : 2;
  });
  EXPECT_TRUE(child.wait().exited_with(0));
}

TEST_P(IpcConnection, DescriptorsAreClosedOnExec) {
  const std::size_t before = open_descriptors();
  serve(late_from(kLate));
  ASSERT_GT(open_descriptors(), before);
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::stoi(entry.path().filename());
    std::error_code error;
    const std::string target = std::filesystem::read_symlink(entry.path(), error);
    if (target.starts_with("socket:") || target.find("eventfd") != std::string::npos) {
      EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0) << target;
    }
  }
}

TEST_P(IpcConnection, DestructionLeavesNoDescriptor) {
  stand_in_.emplace(late_from(kLate), StandInOptions{.type = GetParam()});
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 20; ++i) {
    auto connection = ipc::Connection::connect("votequorum", Deadline::in_milliseconds(20000));
    ASSERT_TRUE(connection);
    connection_ = std::move(*connection);
    expect_answer(1);
    connection_.reset();
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Connection, NobodyListensIsTold) {
  errno = 0;
  const auto connection = ipc::Connection::connect("nobody", Deadline::in_milliseconds(1000));
  EXPECT_EQ(connection.status(), CS_ERR_LIBRARY);
  EXPECT_EQ(errno, ECONNREFUSED);
}

}  // namespace
}  // namespace cs::test
