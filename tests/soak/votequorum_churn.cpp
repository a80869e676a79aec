// SPDX-License-Identifier: BSD-3-Clause
// One life of a client, again and again.
#include "soak/votequorum_churn.h"

#include <corosync/votequorum.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <random>
#include <thread>

#include "support/child.h"

namespace cs::soak {
namespace {

using namespace std::chrono_literals;

// What the callbacks of one client have seen; they run in its thread only.
struct Seen {
  std::uint64_t context;
  std::uint64_t events = 0;
};

// Of the client whose events this thread dispatches.
thread_local Seen* current = nullptr;

// While a callback runs, another thread may finalize the handle.
void note(votequorum_handle_t handle, std::uint64_t context) {
  void* seen = current;
  const cs_error_t status = votequorum_context_get(handle, &seen);
  EXPECT_TRUE(status == CS_OK || status == CS_ERR_BAD_HANDLE) << status;
  EXPECT_EQ(seen, current);
  EXPECT_EQ(context, current->context);
  ++current->events;
}

void on_quorum(votequorum_handle_t handle, uint64_t context, uint32_t quorate, uint32_t count,
               votequorum_node_t nodes[]) {
  note(handle, context);
  EXPECT_LE(quorate, 1U);
  EXPECT_EQ(count, 1U);
  EXPECT_EQ(nodes[0].nodeid, 1U);
}

void on_nodelist(votequorum_handle_t handle, uint64_t context, votequorum_ring_id_t ring,
                 uint32_t count, uint32_t nodes[]) {
  note(handle, context);
  EXPECT_EQ(ring.nodeid, 1U);
  EXPECT_EQ(count, 1U);
  EXPECT_EQ(nodes[0], 1U);
}

void on_expected_votes(votequorum_handle_t handle, uint64_t context, uint32_t) {
  note(handle, context);
}

// The queue of connections is short, and all come at once.
cs_error_t connect(votequorum_handle_t& handle) {
  votequorum_callbacks_t callbacks{.votequorum_quorum_notify_fn = on_quorum,
                                   .votequorum_expectedvotes_notify_fn = on_expected_votes,
                                   .votequorum_nodelist_notify_fn = on_nodelist};
  cs_error_t status = CS_ERR_TRY_AGAIN;
  (void)test::eventually([&] {
    status = votequorum_initialize(&handle, &callbacks);
    return status != CS_ERR_TRY_AGAIN;
  });
  return status;
}

void ask(votequorum_handle_t handle, VotequorumCounts& counts) {
  votequorum_info info{};
  EXPECT_EQ(votequorum_getinfo(handle, 0, &info), CS_OK);
  EXPECT_EQ(info.node_id, 1U);
  EXPECT_EQ(votequorum_getinfo(handle, 77, &info), CS_ERR_NOT_EXIST);
  counts.requests += 2;
}

// Waits for events as a main loop does, then takes them.
void dispatch_for(votequorum_handle_t handle, std::chrono::milliseconds time) {
  int fd = -1;
  ASSERT_EQ(votequorum_fd_get(handle, &fd), CS_OK);
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&entry, 1, 5) <= 0) continue;
    EXPECT_EQ(votequorum_dispatch(handle, CS_DISPATCH_ALL), CS_OK);
  }
}

// Another thread waits in dispatch when the handle goes.
void finalize_under_a_waiter(votequorum_handle_t handle, VotequorumCounts& counts) {
  cs_error_t result = CS_OK;
  std::thread waiter([&, seen = current] {
    current = seen;
    result = votequorum_dispatch(handle, CS_DISPATCH_BLOCKING);
  });
  std::this_thread::sleep_for(1ms);  // not to be relied on: either order is allowed
  EXPECT_EQ(votequorum_finalize(handle), CS_OK);
  waiter.join();
  EXPECT_EQ(result, CS_ERR_BAD_HANDLE);
  ++counts.wakes;
}

void live_once(std::mt19937& random, VotequorumCounts& counts) {
  Seen seen{.context = random()};
  current = &seen;
  votequorum_handle_t handle = 0;
  ASSERT_EQ(connect(handle), CS_OK);
  ++counts.connections;
  ASSERT_EQ(votequorum_context_set(handle, &seen), CS_OK);
  ASSERT_EQ(votequorum_trackstart(handle, seen.context, CS_TRACK_CHANGES), CS_OK);
  ask(handle, counts);
  EXPECT_EQ(votequorum_dispatch(handle, CS_DISPATCH_ALL), CS_OK);
  EXPECT_GE(seen.events, 2U);  // the state of now comes before the answer to trackstart
  dispatch_for(handle, std::chrono::milliseconds(random() % 20));
  if (random() % 4 == 0) {
    EXPECT_EQ(votequorum_trackstop(handle), CS_OK);
  }
  if (random() % 4 == 0) {
    finalize_under_a_waiter(handle, counts);
  } else {
    EXPECT_EQ(votequorum_finalize(handle), CS_OK);
  }
  EXPECT_EQ(votequorum_finalize(handle), CS_ERR_BAD_HANDLE);
  counts.events += seen.events;
}

// The daemon refuses what would cost the quorum, and counts with votes that are on their way.
void expect_change(cs_error_t status, VotequorumCounts& counts) {
  EXPECT_TRUE(status == CS_OK || status == CS_ERR_INVALID_PARAM) << status;
  if (status == CS_OK) ++counts.changes;
}

}  // namespace

void churn_clients(std::stop_token stop, unsigned seed, VotequorumCounts& counts) {
  std::mt19937 random(seed);
  while (!stop.stop_requested() && !testing::Test::HasFailure()) live_once(random, counts);
}

void change_votes(std::stop_token stop, VotequorumCounts& counts) {
  votequorum_handle_t handle = 0;
  ASSERT_EQ(votequorum_initialize(&handle, nullptr), CS_OK);
  for (unsigned round = 0; !stop.stop_requested(); ++round) {
    expect_change(votequorum_setvotes(handle, 1, 3 + round % 2), counts);
    expect_change(votequorum_setexpected(handle, 4 + round % 2), counts);
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(votequorum_finalize(handle), CS_OK);
}

}  // namespace cs::soak
