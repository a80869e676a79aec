// SPDX-License-Identifier: BSD-3-Clause
// Handles and parameters: what is refused, and in which order it is looked at.
#include <corosync/votequorum.h>
#include <fcntl.h>

#include <filesystem>
#include <functional>
#include <set>

#include "support/paths_below.h"
#include "votequorum_daemon/daemon_session.h"

namespace cs::test {
namespace {

namespace fs = std::filesystem;

struct Call {
  const char* name;
  std::function<cs_error_t(votequorum_handle_t)> make;
};

// Every function that takes a handle, with parameters that are right.
const std::vector<Call> kCalls = {
    {"dispatch", [](auto h) { return votequorum_dispatch(h, CS_DISPATCH_ALL); }},
    {"fd_get",
     [](auto h) {
       int fd = -1;
       return votequorum_fd_get(h, &fd);
     }},
    {"getinfo",
     [](auto h) {
       votequorum_info info;
       return votequorum_getinfo(h, 0, &info);
     }},
    {"setexpected", [](auto h) { return votequorum_setexpected(h, 1); }},
    {"setvotes", [](auto h) { return votequorum_setvotes(h, 1, 1); }},
    {"trackstart", [](auto h) { return votequorum_trackstart(h, 0, 0); }},
    {"trackstop", [](auto h) { return votequorum_trackstop(h); }},
    {"context_get",
     [](auto h) {
       void* context = nullptr;
       return votequorum_context_get(h, &context);
     }},
    {"context_set", [](auto h) { return votequorum_context_set(h, nullptr); }},
    {"qdevice_register", [](auto h) { return votequorum_qdevice_register(h, "Q"); }},
    {"qdevice_unregister", [](auto h) { return votequorum_qdevice_unregister(h, "Q"); }},
    {"qdevice_update", [](auto h) { return votequorum_qdevice_update(h, "Q", "R"); }},
    {"qdevice_poll", [](auto h) { return votequorum_qdevice_poll(h, "Q", 1, {}); }},
    {"qdevice_master_wins", [](auto h) { return votequorum_qdevice_master_wins(h, "Q", 1); }},
    {"finalize", [](auto h) { return votequorum_finalize(h); }},
};

// Every function that takes a name, once for each of its names.
const std::vector<
    std::pair<const char*, std::function<cs_error_t(votequorum_handle_t, const char*)>>>
    kNameCalls = {
        {"register", [](auto h, auto n) { return votequorum_qdevice_register(h, n); }},
        {"unregister", [](auto h, auto n) { return votequorum_qdevice_unregister(h, n); }},
        {"update, old", [](auto h, auto n) { return votequorum_qdevice_update(h, n, "x"); }},
        {"update, new", [](auto h, auto n) { return votequorum_qdevice_update(h, "x", n); }},
        {"poll", [](auto h, auto n) { return votequorum_qdevice_poll(h, n, 1, {}); }},
        {"master_wins", [](auto h, auto n) { return votequorum_qdevice_master_wins(h, n, 1); }},
};

constexpr votequorum_handle_t kUnknown = 0x0123456789abcdef;

class Handles : public SharedDaemonTest {};

TEST_F(Handles, UnknownOnesAreRefusedByEveryFunction) {
  for (const votequorum_handle_t unknown :
       {kUnknown, votequorum_handle_t{0}, ~votequorum_handle_t{0}, handle() + 1,
        handle() ^ (votequorum_handle_t{1} << 40)}) {
    for (const Call& call : kCalls) EXPECT_EQ(call.make(unknown), CS_ERR_BAD_HANDLE) << call.name;
  }
  EXPECT_EQ(session_.getinfo(), CS_OK);
}

TEST_F(Handles, FinalizedOnesAreRefusedByEveryFunction) {
  const votequorum_handle_t stale = handle();
  ASSERT_EQ(session_.finalize(), CS_OK);
  for (const Call& call : kCalls) EXPECT_EQ(call.make(stale), CS_ERR_BAD_HANDLE) << call.name;
}

TEST_F(Handles, StaleOneNeverNamesALaterConnection) {
  std::set<votequorum_handle_t> seen = {handle()};
  for (int i = 0; i < 50; ++i) {
    Session session;
    ASSERT_EQ(session.open(), CS_OK);
    ASSERT_TRUE(seen.insert(session.handle()).second);
  }
  seen.erase(handle());
  for (const votequorum_handle_t stale : seen) {
    EXPECT_EQ(votequorum_trackstop(stale), CS_ERR_BAD_HANDLE);
  }
}

TEST_F(Handles, NamesAreLookedAtBeforeTheHandle) {
  for (const std::string& name : {std::string(), std::string(255, 'x'), std::string(10000, 'x')}) {
    for (const auto& [what, call] : kNameCalls) {
      EXPECT_EQ(call(handle(), name.c_str()), CS_ERR_INVALID_PARAM) << what << name.size();
      EXPECT_EQ(call(kUnknown, name.c_str()), CS_ERR_INVALID_PARAM) << what << name.size();
    }
  }
}

TEST_F(Handles, ContextIsTheCallersPointer) {
  votequorum_handle_t handle = 0;
  ASSERT_EQ(votequorum_initialize(&handle, nullptr), CS_OK);
  void* context = this;
  EXPECT_EQ(votequorum_context_get(handle, &context), CS_OK);
  EXPECT_EQ(context, nullptr);
  EXPECT_EQ(votequorum_context_set(handle, this), CS_OK);
  EXPECT_EQ(votequorum_context_get(handle, &context), CS_OK);
  EXPECT_EQ(context, this);
  EXPECT_EQ(votequorum_finalize(handle), CS_OK);
}

TEST_F(Handles, DescriptorIsClosedOnExec) {
  int fd = -1;
  ASSERT_EQ(votequorum_fd_get(handle(), &fd), CS_OK);
  EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  int again = -1;
  ASSERT_EQ(votequorum_fd_get(handle(), &again), CS_OK);
  EXPECT_EQ(again, fd);
}

TEST_F(Handles, SeveralLiveSideBySide) {
  Session first, second;
  ASSERT_EQ(first.open(), CS_OK);
  ASSERT_EQ(second.open(), CS_OK);
  ASSERT_EQ(votequorum_trackstart(first.handle(), 1, CS_TRACK_CURRENT), CS_OK);
  EXPECT_EQ(second.dispatch(CS_DISPATCH_ONE_NONBLOCKING), CS_ERR_TRY_AGAIN);
  EXPECT_EQ(second.finalize(), CS_OK);
  EXPECT_EQ(first.dispatch(CS_DISPATCH_ALL), CS_OK);
  EXPECT_EQ(first.event_count(), 2U);
}

// Bytes in the memory files that libqb made for connections.
std::uintmax_t shared_memory() {
  std::uintmax_t bytes = 0;
  std::error_code gone;
  for (const auto& path : paths_below("/dev/shm")) {
    const bool ours = path.string().starts_with("/dev/shm/qb-");
    if (!ours || !fs::is_regular_file(path, gone)) continue;
    const std::uintmax_t size = fs::file_size(path, gone);
    if (!gone) bytes += size;
  }
  return bytes;
}

using HandlesBeyondStock = Handles;

TEST_F(HandlesBeyondStock, EachNeedsHalfAMebibyteOfSharedMemoryAtMost) {
  const std::uintmax_t before = shared_memory();
  Session another;
  ASSERT_EQ(another.open(), CS_OK);
  EXPECT_GT(shared_memory(), before);
  EXPECT_LE(shared_memory(), before + 512 * 1024);
}

TEST_F(HandlesBeyondStock, TwoHundredLiveSideBySide) {
  const std::uintmax_t before = shared_memory();
  std::vector<std::unique_ptr<Session>> sessions;
  for (unsigned i = 1; i <= 200; ++i) {
    sessions.push_back(std::make_unique<Session>());
    ASSERT_EQ(sessions.back()->open(), CS_OK) << i;
    ASSERT_LE(shared_memory(), before + i * 512 * 1024);
  }
  for (const auto& session : sessions) EXPECT_EQ(session->getinfo(), CS_OK);
  sessions.clear();
  EXPECT_EQ(session_.getinfo(), CS_OK);
  EXPECT_TRUE(eventually([before] { return shared_memory() <= before; }));
}

TEST_F(HandlesBeyondStock, InitializeWithoutAHandleIsRefused) {
  votequorum_callbacks_t callbacks{};
  EXPECT_EQ(votequorum_initialize(nullptr, &callbacks), CS_ERR_INVALID_PARAM);
}

TEST_F(HandlesBeyondStock, GetinfoWithoutInfoIsRefused) {
  EXPECT_EQ(votequorum_getinfo(handle(), 0, nullptr), CS_ERR_INVALID_PARAM);
  EXPECT_EQ(votequorum_getinfo(kUnknown, 0, nullptr), CS_ERR_INVALID_PARAM);
}

TEST_F(HandlesBeyondStock, FdGetWithoutADescriptorIsRefused) {
  EXPECT_EQ(votequorum_fd_get(handle(), nullptr), CS_ERR_INVALID_PARAM);
  EXPECT_EQ(votequorum_fd_get(kUnknown, nullptr), CS_ERR_INVALID_PARAM);
}

TEST_F(HandlesBeyondStock, ContextGetWithoutAPointerIsRefused) {
  EXPECT_EQ(votequorum_context_get(handle(), nullptr), CS_ERR_INVALID_PARAM);
  EXPECT_EQ(votequorum_context_get(kUnknown, nullptr), CS_ERR_INVALID_PARAM);
}

// One case for each function, since the distribution's library survives none of them.
class NameBeyondStock : public Handles, public testing::WithParamInterface<std::size_t> {};

INSTANTIATE_TEST_SUITE_P(Null, NameBeyondStock, testing::Range<std::size_t>(0, kNameCalls.size()));

TEST_P(NameBeyondStock, IsRefused) {
  const auto& [what, call] = kNameCalls[GetParam()];
  EXPECT_EQ(call(handle(), nullptr), CS_ERR_INVALID_PARAM) << what;
  EXPECT_EQ(call(kUnknown, nullptr), CS_ERR_INVALID_PARAM) << what;
}

}  // namespace
}  // namespace cs::test
