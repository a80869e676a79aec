// SPDX-License-Identifier: BSD-3-Clause
// What surrounds a program: its descriptors and the locks on them, its limits, its namespaces, its
// forks, the end of it; with the real daemon.
#include <corosync/votequorum.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <future>

#include "support/paths_below.h"
#include "votequorum_daemon/daemon_session.h"
#include "votequorum_daemon/vanishing.h"

namespace cs::test {
namespace {

class Surroundings : public OwnDaemonTest {
 protected:
  // The daemon lets users in who are not root.
  [[nodiscard]] DaemonOptions options() const override {
    DaemonOptions with;
    with.sections = "uidgid {\n  uid: 1000\n}\n";
    return with;
  }
  // In a child: 0 if body said so.
  static Outcome in_child(const std::function<int()>& body) { return Child::run(body).wait(); }
};
using SurroundingsBeyondStock = Surroundings;

bool opens_and_asks() {
  votequorum_handle_t handle = 0;
  votequorum_info info{};
  return votequorum_initialize(&handle, nullptr) == CS_OK &&
         votequorum_getinfo(handle, 0, &info) == CS_OK && info.node_id == 1 &&
         votequorum_finalize(handle) == CS_OK;
}

// --- Descriptors.

// Whether another process would find it locked.
bool is_locked(const std::string& path) {
  const pid_t child = ::fork();
  if (child == 0) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    const int fd = ::open(path.c_str(), O_RDWR);
    ::_exit(::fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

TEST_F(Surroundings, LockOnTheFileThatIsDescriptorZeroIsKept) {
  const std::string path = daemon().folder() + "/lock";
  EXPECT_TRUE(in_child([&] {
                ::close(0);
                if (::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600) != 0) return 1;
                if (::lockf(0, F_TLOCK, 0) != 0 || !is_locked(path)) return 2;
                if (!opens_and_asks()) return 3;
                return is_locked(path) ? 0 : 4;
              }).exited_with(0));
}

// What the program prints must not reach the daemon: but for libqb's own socket, which gets the
// lowest number with either library, nothing of ours is below 3.
TEST_F(Surroundings, OnlyLibqbsSocketIsBelowThree) {
  EXPECT_TRUE(in_child([] {
                for (const int fd : {0, 1, 2}) ::close(fd);
                votequorum_handle_t handle = 0;
                if (votequorum_initialize(&handle, nullptr) != CS_OK) return 10;
                int fd = -1;
                if (votequorum_fd_get(handle, &fd) != CS_OK) return 11;
                int below = 0;
                for (const int standard : {0, 1, 2}) {
                  if (::fcntl(standard, F_GETFD) >= 0) ++below;
                }
                if (daemon_uses_sockets()) return below == 3 ? 0 : 12;
                return fd == 0 && below == 1 ? 0 : below;
              }).exited_with(0));
}

TEST_F(Surroundings, HandleTakesAsManyDescriptorsAsLibqb) {
  const std::size_t before = Holdings::now().descriptors;
  Session another;
  ASSERT_EQ(another.open(), CS_OK);
  EXPECT_EQ(Holdings::now().descriptors - before, daemon_uses_sockets() ? 3U : 1U);
}

TEST_F(Surroundings, AsManyHandlesAsDescriptorsAllow) {
  EXPECT_TRUE(in_child([] {
                const rlimit limit{64, 64};
                ::setrlimit(RLIMIT_NOFILE, &limit);
                const int each = daemon_uses_sockets() ? 3 : 1;
                int free = 0;
                for (int fd = 0; fd < 64; ++fd) free += ::fcntl(fd, F_GETFD) < 0 ? 1 : 0;
                int opened = 0;
                votequorum_handle_t handle = 0;
                while (votequorum_initialize(&handle, nullptr) == CS_OK) ++opened;
                if (::fcntl(0, F_GETFD) < 0 && !daemon_uses_sockets()) return 1;
                return opened >= (free - each - 1) / each ? 0 : 2;
              }).exited_with(0));
}

// Nothing is to be had to wake it with.
TEST_F(SurroundingsBeyondStock, FinalizeEndsABlockedDispatchWithoutADescriptorLeft) {
  std::vector<int> taken;
  const rlimit limit{256, 256};
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit lower{limit.rlim_cur, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &lower);
  for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) taken.push_back(fd);
  EXPECT_EQ(errno, EMFILE);
  auto blocked = std::async(
      std::launch::async, [h = handle()] { return votequorum_dispatch(h, CS_DISPATCH_BLOCKING); });
  EXPECT_EQ(blocked.wait_for(milliseconds(200)), std::future_status::timeout);
  EXPECT_EQ(session_.finalize(), CS_OK);
  EXPECT_EQ(blocked.wait_for(milliseconds(1000)), std::future_status::ready);
  for (const int fd : taken) ::close(fd);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(blocked.get(), CS_ERR_BAD_HANDLE);
}

// --- Forks.

// Not under a sanitizer, whose allocator stays locked where another thread of the parent was in it.
#ifndef CS_SANITIZED
// A child that finalizes its parent's handle cuts off the parent there.
TEST_F(SurroundingsBeyondStock, ChildOfAThreadedProcessOpensItsOwn) {
  std::atomic<bool> stop = false;
  std::vector<std::thread> busy;
  for (int i = 0; i < 3; ++i) {
    busy.emplace_back([&] {
      while (!stop) (void)session_.dispatch(CS_DISPATCH_ALL), (void)opens_and_asks();
    });
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(in_child([this] {
                  if (!opens_and_asks()) return 1;
                  return votequorum_finalize(handle()) == CS_OK ? 0 : 2;
                }).exited_with(0));
  }
  stop = true;
  for (std::thread& thread : busy) thread.join();
  EXPECT_EQ(session_.getinfo(), CS_OK);
}
#endif

// Files and mappings of rings of this service.
std::size_t count_rings() {
  std::size_t found = 0;
  for (const auto& path : paths_below("/dev/shm")) {
    if (path.filename().string().find("votequorum") != std::string::npos) ++found;
  }
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("-votequorum-") != std::string::npos) ++found;
  }
  return found;
}

// A program that makes itself a daemon when it has connected: its parent is gone.
TEST_F(Surroundings, ClientThatBecameADaemonWorksAndLeavesNothing) {
  EXPECT_EQ(session_.finalize(), CS_OK);
  const std::size_t before = count_rings();  // a test before may have left some
  Gate asked, killed, done;
  EXPECT_TRUE(in_child([&] {
                Session session;
                if (session.open() != CS_OK) return 1;
                const votequorum_handle_t handle = session.release();
                const pid_t parent = ::getpid();
                if (::fork() != 0) ::_exit(0);
                while (::kill(parent, 0) == 0) ::usleep(1000);
                votequorum_info info{};
                const bool good =
                    votequorum_getinfo(handle, 0, &info) == CS_OK && info.node_id == 1;
                asked.open(good ? '1' : '0');
                if (!killed.wait()) ::_exit(1);
                const bool closed = votequorum_finalize(handle) == CS_OK;
                done.open(closed && count_rings() <= before ? '1' : '0');
                ::_exit(0);
              }).exited_with(0));
  EXPECT_EQ(asked.wait(), '1');
  daemon().kill_hard();  // nobody else cleans up
  killed.open();
  EXPECT_EQ(done.wait(), '1');
}

// --- Commands in callbacks, calls at the end of the process.

int run_with_system() { return std::system("exit 7"); }
int run_with_popen() {
  FILE* const pipe = ::popen("exit 7", "r");
  return pipe != nullptr ? ::pclose(pipe) : -1;
}
int run_with_spawn() {
  char shell[] = "sh", option[] = "-c", command[] = "exit 7";
  char* const arguments[] = {shell, option, command, nullptr};
  pid_t child = 0;
  int status = -1;
  if (::posix_spawn(&child, "/bin/sh", nullptr, nullptr, arguments, environ) != 0) return -1;
  ::waitpid(child, &status, 0);
  return status;
}
int run_with_vfork() {
  const pid_t child = ::vfork();
  if (child == 0) {
    ::execl("/bin/sh", "sh", "-c", "exit 7", nullptr);
    ::_exit(1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return status;
}

TEST_F(Surroundings, CallbackRunsCommands) {
  for (int (*const run)() : {run_with_system, run_with_popen, run_with_spawn, run_with_vfork}) {
    int status = -1;
    session_.in_callback = [&](Session&) { status = run(); };
    ASSERT_EQ(votequorum_trackstart(handle(), 7, CS_TRACK_CURRENT), CS_OK);
    EXPECT_EQ(session_.dispatch(CS_DISPATCH_ALL), CS_OK);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
    EXPECT_EQ(session_.getinfo(), CS_OK);
  }
}

// A command starts with the signals of the thread that dispatches.
TEST_F(Surroundings, CallbackHasTheSignalsOfItsThread) {
  sigset_t before, in_callback;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  session_.in_callback = [&](Session&) { ::pthread_sigmask(SIG_SETMASK, nullptr, &in_callback); };
  const TimeLimit limit;  // the library takes care of jumps
  ASSERT_EQ(votequorum_trackstart(handle(), 7, CS_TRACK_CURRENT), CS_OK);
  EXPECT_EQ(session_.dispatch(CS_DISPATCH_ALL), CS_OK);
  for (int signal = 1; signal < SIGRTMIN; ++signal) {
    EXPECT_EQ(::sigismember(&before, signal), ::sigismember(&in_callback, signal)) << signal;
  }
}

votequorum_handle_t at_exit_handle = 0;

void call_everything() {
  votequorum_info info{};
  void* context = nullptr;
  int fd = -1;
  votequorum_handle_t another = 0;
  const votequorum_handle_t handle = at_exit_handle;
  bool good = votequorum_getinfo(handle, 0, &info) == CS_OK && info.node_id == 1;
  good = votequorum_setexpected(handle, 0) == CS_ERR_INVALID_PARAM && good;
  good = votequorum_setvotes(handle, 99, 1) == CS_ERR_NAME_NOT_FOUND && good;
  good = votequorum_trackstart(handle, 7, CS_TRACK_CHANGES) == CS_OK && good;
  good = votequorum_dispatch(handle, CS_DISPATCH_ALL) == CS_OK && good;
  good = votequorum_trackstop(handle) == CS_OK && good;
  good = votequorum_context_set(handle, &info) == CS_OK && good;
  good = votequorum_context_get(handle, &context) == CS_OK && context == &info && good;
  good = votequorum_fd_get(handle, &fd) == CS_OK && good;
  good = votequorum_initialize(&another, nullptr) == CS_OK && good;
  good = votequorum_finalize(another) == CS_OK && votequorum_finalize(handle) == CS_OK && good;
  ::_exit(good ? 0 : 1);
}

TEST_F(Surroundings, EveryCallFromAtexit) {
  EXPECT_TRUE(in_child([] {
                if (votequorum_initialize(&at_exit_handle, nullptr) != CS_OK) return 2;
                std::atexit(call_everything);
                std::exit(3);
              }).exited_with(0));
}

// --- User namespaces.

bool write_file(const char* path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  return file.good();
}

// In a child, as user 1000 who is root in a namespace of his own: the daemon's user has no number
// there.
int open_in_user_namespace() {
  if (::setgroups(0, nullptr) != 0 || ::setgid(1000) != 0 || ::setuid(1000) != 0) return 77;
  ::prctl(PR_SET_DUMPABLE, 1);  // or the files below are root's
  if (::unshare(CLONE_NEWUSER) != 0) return 77;
  if (!write_file("/proc/self/setgroups", "deny") ||
      !write_file("/proc/self/uid_map", "0 1000 1") ||
      !write_file("/proc/self/gid_map", "0 1000 1")) {
    return 77;
  }
  return opens_and_asks() ? 0 : 1;
}

TEST_F(Surroundings, UserNamespaceThatDoesNotKnowRoot) {
  const Outcome outcome = in_child(open_in_user_namespace);
  if (outcome.exited_with(77)) GTEST_SKIP() << "no user namespace can be made here";
  EXPECT_TRUE(outcome.exited_with(0)) << outcome;
}

// --- Who is linked with one library only.

TEST_F(Surroundings, LibraryAloneBringsTheNamesOfErrors) {
  void* const library = ::dlopen("libvotequorum.so.8", RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << ::dlerror();
  using Name = const char* (*)(int);
  const auto name = reinterpret_cast<Name>(::dlsym(library, "cs_strerror"));
  ASSERT_NE(name, nullptr);
  EXPECT_STREQ(name(CS_ERR_BAD_HANDLE), "CS_ERR_BAD_HANDLE");
  ::dlclose(library);
}

}  // namespace
}  // namespace cs::test
