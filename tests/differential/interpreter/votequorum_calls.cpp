// SPDX-License-Identifier: BSD-3-Clause
// The functions of libvotequorum. What their callbacks see is told at the line that dispatches.
#include <corosync/votequorum.h>

#include <dlfcn.h>
#include <poll.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "differential/interpreter/calls.h"
#include "differential/interpreter/place.h"
#include "differential/interpreter/record.h"
#include "differential/interpreter/threads.h"

namespace cs::differential {
namespace {

// Far above what the distribution's libraries give out first: never a handle.
constexpr votequorum_handle_t kNoHandle = 0x7123456789abcdef;

struct Handle {
  votequorum_handle_t number = kNoHandle;
  int fd = -1;
  std::map<std::string, Step> actions;  // what its callbacks do, each once
};

Handle g_handles[10];
std::vector<std::uint64_t> g_rings;  // in the order in which they were first seen
votequorum_ring_id_t g_last_ring = {};

Handle& handle(const Step& step, std::size_t index = 1) {
  const std::string& name = step.word(index);
  return g_handles[name.size() == 2 ? static_cast<std::size_t>(name[1] - '0') % 10 : 0];
}

std::size_t index_of(votequorum_handle_t number) {
  for (std::size_t i = 0; i < std::size(g_handles); ++i) {
    if (g_handles[i].number == number) return i;
  }
  return 0;
}

// Sequence numbers depend on what the daemon went through before.
std::size_t ordinal(std::uint64_t sequence) {
  for (std::size_t i = 0; i < g_rings.size(); ++i) {
    if (g_rings[i] == sequence) return i + 1;
  }
  g_rings.push_back(sequence);
  return g_rings.size();
}

// No thread is cancelled while it writes down what it sees.
class NoCancel {
 public:
  NoCancel() { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~NoCancel() { pthread_setcancelstate(before_, nullptr); }
  NoCancel(const NoCancel&) = delete;
  NoCancel& operator=(const NoCancel&) = delete;

 private:
  int before_ = 0;
};

void act(votequorum_handle_t number, const char* kind) {
  auto& actions = g_handles[index_of(number)].actions;
  const auto found = actions.find(kind);
  if (found == actions.end()) return;
  Step step = std::move(found->second);
  actions.erase(found);
  record("in the callback: %s", step.word(0).c_str());
  perform(step);
}

void on_quorum(votequorum_handle_t number, uint64_t context, uint32_t quorate, uint32_t entries,
               votequorum_node_t nodes[]) {
  const NoCancel guard;
  std::string list;
  for (uint32_t i = 0; i < entries; ++i) {
    list += " " + std::to_string(nodes[i].nodeid) + ":" + std::to_string(nodes[i].state);
  }
  record("h%zu quorum: context %llu, quorate %u, nodes%s", index_of(number),
         static_cast<unsigned long long>(context), quorate, list.c_str());
  act(number, "quorum");
}

void on_nodelist(votequorum_handle_t number, uint64_t context, votequorum_ring_id_t ring,
                 uint32_t entries, uint32_t nodes[]) {
  const NoCancel guard;
  g_last_ring = ring;
  std::string list;
  for (uint32_t i = 0; i < entries; ++i) list += " " + std::to_string(nodes[i]);
  record("h%zu nodelist: context %llu, ring %u.%zu, nodes%s", index_of(number),
         static_cast<unsigned long long>(context), ring.nodeid, ordinal(ring.seq), list.c_str());
  act(number, "nodelist");
}

void on_expected(votequorum_handle_t number, uint64_t context, uint32_t votes) {
  const NoCancel guard;
  record("h%zu expected votes: context %llu, %u", index_of(number),
         static_cast<unsigned long long>(context), votes);
  act(number, "expected");
}

void on_extra_info(votequorum_handle_t number, uint64_t context, uint32_t node, uint32_t size,
                   void*) {
  const NoCancel guard;
  record("h%zu extra info: context %llu, node %u, %u bytes", index_of(number),
         static_cast<unsigned long long>(context), node, size);
}

// all, none (a table of NULL), null (no table), or the names of callbacks with commas between.
votequorum_callbacks_t table(const std::string& which) {
  const auto has = [&](const char* name) {
    return which == "all" || which.find(name) != std::string::npos;
  };
  return {has("quorum") ? on_quorum : nullptr, has("expected") ? on_expected : nullptr,
          has("nodelist") ? on_nodelist : nullptr};
}

void opened(Handle& handle, cs_error_t status) {
  record(status);
  if (status == CS_OK && votequorum_fd_get(handle.number, &handle.fd) != CS_OK) {
    record("no descriptor");
  }
}

void initialize(const Step& step) {
  Handle& into = handle(step);
  votequorum_callbacks_t callbacks = table(step.word(2));
  votequorum_callbacks_t* const pointer = step.word(2) == "null" ? nullptr : &callbacks;
  const cs_error_t status = let_in([&] { return votequorum_initialize(&into.number, pointer); });
  if (status == CS_OK) into.actions.clear();
  opened(into, status);
}

template <class Function>
Function* newest(const char* name) {
  void* const found = ::dlsym(RTLD_DEFAULT, name);
  if (found == nullptr) record("%s is not there", name);
  return reinterpret_cast<Function*>(found);
}

// Where the function is not there the old one does for it: what follows is the same then.
void model_initialize(const Step& step) {
  const auto function =
      newest<decltype(votequorum_model_initialize)>("votequorum_model_initialize");
  if (function == nullptr) return initialize(step);
  Handle& into = handle(step);
  const votequorum_callbacks_t old = table(step.word(2));
  const votequorum_model_v1_data_t model = {VOTEQUORUM_MODEL_V1, old.votequorum_quorum_notify_fn,
                                            old.votequorum_expectedvotes_notify_fn,
                                            old.votequorum_nodelist_notify_fn, on_extra_info};
  const auto* const pointer = step.word(2) == "null" ? nullptr : &model;
  const cs_error_t status = let_in([&] { return function(&into.number, pointer); });
  if (status == CS_OK) into.actions.clear();
  opened(into, status);
}

void finalize(const Step& step) {
  record(let_in([&] { return votequorum_finalize(handle(step).number); }));
}

void dispatch(const Step& step) {
  Handle& of = handle(step);
  sleeps_on(of.fd);
  const auto mode = static_cast<cs_dispatch_flags_t>(step.number(2));
  record(let_in([&] { return votequorum_dispatch(of.number, mode); }));
}

void fd_get(const Step& step) {
  int fd = -1;
  const cs_error_t status = votequorum_fd_get(handle(step).number, &fd);
  record("= %s, %s", name_of(status), fd >= 0 ? "a descriptor" : "none");
}

// Whether an event waits, as a program learns it that has its own loop.
void ready(const Step& step) {
  settle();
  int fd = -1;
  const cs_error_t status = votequorum_fd_get(handle(step).number, &fd);
  pollfd source = {.fd = fd, .events = POLLIN, .revents = 0};
  if (status != CS_OK) return record(status);
  record("%s", ::poll(&source, 1, 0) > 0 ? "readable" : "not readable");
}

void getinfo(const Step& step) {
  const NoCancel guard;
  votequorum_info info;
  std::memset(&info, 0x5a, sizeof(info));
  const auto before = info;
  const auto node = static_cast<unsigned>(step.number(2));
  const cs_error_t status =
      let_in([&] { return votequorum_getinfo(handle(step).number, node, &info); });
  if (status != CS_OK) {
    const bool same = std::memcmp(&info, &before, sizeof(info)) == 0;
    return record("= %s%s", name_of(status), same ? "" : ", something written");
  }
  record(
      "= OK, node %u state %u votes %u expected %u highest %u total %u quorum %u flags %u "
      "device %u '%.254s'",
      info.node_id, info.node_state, info.node_votes, info.node_expected_votes,
      info.highest_expected, info.total_votes, info.quorum, info.flags, info.qdevice_votes,
      info.qdevice_name);
}

// Changes take their way through the cluster: what is seen next is seen after them.
void changed(cs_error_t status) {
  record(status);
  settle();
}

void setexpected(const Step& step) {
  const auto votes = static_cast<unsigned>(step.number(2));
  changed(let_in([&] { return votequorum_setexpected(handle(step).number, votes); }));
}

void setvotes(const Step& step) {
  const auto node = static_cast<unsigned>(step.number(2));
  const auto votes = static_cast<unsigned>(step.number(3));
  changed(let_in([&] { return votequorum_setvotes(handle(step).number, node, votes); }));
}

void trackstart(const Step& step) {
  const auto context = static_cast<uint64_t>(step.number(2));
  const auto flags = static_cast<unsigned>(step.number(3));
  record(let_in([&] { return votequorum_trackstart(handle(step).number, context, flags); }));
}

void trackstop(const Step& step) {
  record(let_in([&] { return votequorum_trackstop(handle(step).number); }));
}

void context_set(const Step& step) {
  void* const context = reinterpret_cast<void*>(step.number(2));
  record(votequorum_context_set(handle(step).number, context));
}

void context_get(const Step& step) {
  void* context = reinterpret_cast<void*>(0x5a);
  const cs_error_t status = votequorum_context_get(handle(step).number, &context);
  record("= %s, %ld", name_of(status), reinterpret_cast<long>(context));
}

// A word as it is; NUMBER* is so many letters; "" is empty.
std::string device_name(const std::string& word) {
  if (word == "\"\"") return "";
  if (!word.empty() && word.back() == '*') return std::string(std::stoul(word), 'n');
  return word;
}

void qdevice_register(const Step& step) {
  const std::string name = device_name(step.word(2));
  changed(votequorum_qdevice_register(handle(step).number, name.c_str()));
}

void qdevice_unregister(const Step& step) {
  const std::string name = device_name(step.word(2));
  changed(votequorum_qdevice_unregister(handle(step).number, name.c_str()));
}

void qdevice_update(const Step& step) {
  const std::string old_name = device_name(step.word(2));
  const std::string new_name = device_name(step.word(3));
  changed(votequorum_qdevice_update(handle(step).number, old_name.c_str(), new_name.c_str()));
}

// With the ring of the last nodelist, or one that never was.
void qdevice_poll(const Step& step) {
  const std::string name = device_name(step.word(2));
  votequorum_ring_id_t ring = g_last_ring;
  if (step.word(4) == "wrong") ring.seq += 7;
  changed(votequorum_qdevice_poll(handle(step).number, name.c_str(),
                                  static_cast<unsigned>(step.number(3)), ring));
}

void qdevice_master_wins(const Step& step) {
  const std::string name = device_name(step.word(2));
  changed(votequorum_qdevice_master_wins(handle(step).number, name.c_str(),
                                         static_cast<unsigned>(step.number(3))));
}

void get_extra_info(const Step& step) {
  const auto function =
      newest<decltype(votequorum_get_qdevice_extra_info)>("votequorum_get_qdevice_extra_info");
  if (function == nullptr) return;
  uint32_t size = 77;
  char buffer[VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE];
  const cs_error_t status =
      function(handle(step).number, static_cast<unsigned>(step.number(2)), &size, buffer);
  record("= %s, %u", name_of(status), size);
}

void set_extra_info(const Step& step) {
  const auto function =
      newest<decltype(votequorum_set_qdevice_extra_info)>("votequorum_set_qdevice_extra_info");
  if (function == nullptr) return;
  const std::string bytes(5000, 'x');
  record(function(handle(step).number, static_cast<uint32_t>(step.number(2)), bytes.data()));
}

// on_event HANDLE KIND STEP...
void on_event(const Step& step) { handle(step).actions[step.word(2)] = step.after(3); }

// The same number in another variable: stale once the handle is finalized.
void copy_handle(const Step& step) {
  handle(step).number = handle(step, 2).number;
  handle(step).fd = handle(step, 2).fd;
}

// NULL where something is wanted.
void with_null(const Step& step) {
  const votequorum_handle_t number = handle(step, 2).number;
  const std::string& function = step.word(1);
  const std::map<std::string, std::function<cs_error_t()>> all = {
      {"initialize", [] { return votequorum_initialize(nullptr, nullptr); }},
      {"getinfo", [=] { return votequorum_getinfo(number, 1, nullptr); }},
      {"fd_get", [=] { return votequorum_fd_get(number, nullptr); }},
      {"context_get", [=] { return votequorum_context_get(number, nullptr); }},
      {"qdevice_register", [=] { return votequorum_qdevice_register(number, nullptr); }},
      {"qdevice_update", [=] { return votequorum_qdevice_update(number, nullptr, "n"); }},
  };
  const auto found = all.find(function);
  if (found != all.end()) record(found->second());
}

}  // namespace

void add_votequorum_calls(Calls& calls) {
  calls["votequorum_initialize"] = initialize;
  calls["votequorum_model_initialize"] = model_initialize;
  calls["votequorum_finalize"] = finalize;
  calls["votequorum_dispatch"] = dispatch;
  calls["votequorum_fd_get"] = fd_get;
  calls["votequorum_getinfo"] = getinfo;
  calls["votequorum_setexpected"] = setexpected;
  calls["votequorum_setvotes"] = setvotes;
  calls["votequorum_trackstart"] = trackstart;
  calls["votequorum_trackstop"] = trackstop;
  calls["votequorum_context_get"] = context_get;
  calls["votequorum_context_set"] = context_set;
  calls["votequorum_qdevice_register"] = qdevice_register;
  calls["votequorum_qdevice_unregister"] = qdevice_unregister;
  calls["votequorum_qdevice_update"] = qdevice_update;
  calls["votequorum_qdevice_poll"] = qdevice_poll;
  calls["votequorum_qdevice_master_wins"] = qdevice_master_wins;
  calls["votequorum_get_qdevice_extra_info"] = get_extra_info;
  calls["votequorum_set_qdevice_extra_info"] = set_extra_info;
  calls["ready"] = ready;
  calls["on_event"] = on_event;
  calls["copy_handle"] = copy_handle;
  calls["with_null"] = with_null;
}

}  // namespace cs::differential
