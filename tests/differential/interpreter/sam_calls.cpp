// SPDX-License-Identifier: BSD-3-Clause
// The functions of libsam, and how an application lives with them.
#include <corosync/sam.h>

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "differential/interpreter/calls.h"
#include "differential/interpreter/place.h"
#include "differential/interpreter/record.h"
#include "differential/interpreter/process_calls.h"

namespace cs::differential {
namespace {

// An application that its program does not bring to an end comes to one.
constexpr unsigned kMostInstances = 8;

unsigned g_instance = 0;
std::atomic<pid_t> g_supervisor = 0;

std::int64_t now_ms() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
}

void initialize(const Step& step) {
  std::string word = step.word(2);
  unsigned policy = 0;
  if (word.find("quit") != std::string::npos) policy |= SAM_RECOVERY_POLICY_QUIT;
  if (word.find("restart") != std::string::npos) policy |= SAM_RECOVERY_POLICY_RESTART;
  if (word.find("quorum") != std::string::npos) policy |= SAM_RECOVERY_POLICY_QUORUM;
  if (word.find("cmap") != std::string::npos) policy |= SAM_RECOVERY_POLICY_CMAP;
  if (word.find("odd") != std::string::npos) policy |= 0x40;
  record(
      sam_initialize(static_cast<int>(step.number(1)), static_cast<sam_recovery_policy_t>(policy)));
}

void register_process(const Step& step) {
  if (g_supervisor == 0) g_supervisor = ::getpid();
  const pid_t before = ::getpid();
  unsigned number = 0;
  const bool wants_none = step.word(1) == "null";
  const cs_error_t status = sam_register(wants_none ? nullptr : &number);
  if (status != CS_OK || ::getpid() == before) {
    return record("= %s%s", name_of(status), status == CS_OK ? ", in the supervisor" : "");
  }
  // What is not told is counted in a shared page.
  g_instance = next_instance();
  if (!wants_none && number != g_instance) record("instance id %u is not %u", number, g_instance);
  char name[8];
  std::snprintf(name, sizeof(name), "i%u", g_instance % 1000);
  call_process(name);
  record("= OK");
  tell_signals();
  if (const pid_t previous = exchange_active(::getpid()); previous != 0) {
    record("the one before %s", is_running(previous) ? "is still there" : "is gone");
  }
  if (g_instance <= kMostInstances) return;
  sam_finalize();
  std::exit(0);
}

void hc_send(const Step&) {
  record(let_in([] { return sam_hc_send(); }));
}
void start(const Step&) {
  record(let_in([] { return sam_start(); }));
}
void stop(const Step&) {
  record(let_in([] { return sam_stop(); }));
}
void finalize(const Step&) {
  record(let_in([] { return sam_finalize(); }));
}
void warn_signal_set(const Step& step) {
  record(let_in([&] { return sam_warn_signal_set(static_cast<int>(step.number(1))); }));
}

// The kill may come before the call has returned, or after it.
void mark_failed(const Step&) {
  const cs_error_t status = let_in([] { return sam_mark_failed(); });
  if (status != CS_OK) return record(status);
  sleep_ms(5000);
  record("lives on");
}

// text:WORD, NUMBER (so many bytes by that number), null.
std::string bytes_of(const std::string& word) {
  if (word.rfind("text:", 0) == 0) return word.substr(5);
  std::string bytes(std::strtoul(word.c_str(), nullptr, 10), '\0');
  std::uint32_t state = static_cast<std::uint32_t>(bytes.size()) + 1;
  for (char& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

void data_store(const Step& step) {
  const std::string bytes = bytes_of(step.word(1));
  const bool erase = step.word(1) == "null";
  const std::size_t size = erase ? static_cast<std::size_t>(step.number(2)) : bytes.size();
  const void* const data = erase ? nullptr : static_cast<const void*>(bytes.data());
  record(let_in([&] { return sam_data_store(data, size); }));
}

void data_getsize(const Step&) {
  std::size_t size = 12345;
  const cs_error_t status = sam_data_getsize(&size);
  record("= %s, %zu", name_of(status), size);
}

// Fletcher's sum says as much as the bytes.
void data_restore(const Step& step) {
  const auto room = static_cast<std::size_t>(step.number(1));
  std::string buffer(room + 1, 'Z');
  const cs_error_t status = let_in([&] { return sam_data_restore(buffer.data(), room); });
  std::uint32_t low = 1, high = 0;
  for (const char byte : buffer) {
    low = (low + static_cast<unsigned char>(byte)) % 65521;
    high = (high + low) % 65521;
  }
  record("= %s, %zu bytes with sum %08x", name_of(status), room, high << 16 | low);
}

void with_null(const Step& step) {
  if (step.word(1) == "getsize") record(sam_data_getsize(nullptr));
  if (step.word(1) == "restore") record(sam_data_restore(nullptr, 10));
}

// Calls that many times in as long, until one is refused: healthy MILLISECONDS PERIOD.
void live_by(const Step& step, cs_error_t (*sign)()) {
  const std::int64_t end = now_ms() + step.number(1);
  const long period = std::max(step.number(2), 1L);
  cs_error_t status = CS_OK;
  while (now_ms() < end && status == CS_OK) {
    status = let_in(sign);
    sleep_ms(period);
  }
  record(status);
}

void healthy(const Step& step) { live_by(step, sam_hc_send); }
void storing(const Step& step) {
  live_by(step, [] { return sam_data_store("still here", 10); });
}
void warning(const Step& step) {
  live_by(step, [] { return sam_warn_signal_set(SIGTERM); });
}

// -- the callback --------------------------------------------------------------------------------

std::string g_callback;
std::atomic<unsigned> g_calls = 0;
std::atomic<bool> g_told = false;  // the first call has told what there is to tell
unsigned g_callback_line = 0;

void tell_mask_of_command() {
  char text[256] = {};
  FILE* const pipe = ::popen("grep SigBlk /proc/self/status", "r");
  if (pipe == nullptr) return record("no command: %d", errno);
  if (std::fgets(text, sizeof(text), pipe) == nullptr) std::strcpy(text, "nothing");
  text[std::strcspn(text, "\n")] = 0;
  const int status = ::pclose(pipe);
  record("a command has %s, ended with %d", text, status);
}

void tell_forked_mask() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    tell_mask();
    ::_exit(4);
  }
  int status = 0;
  const pid_t reaped = ::waitpid(pid, &status, 0);
  record("forked, %s with %d", reaped == pid ? "reaped" : "lost", status);
}

void do_in_callback() {
  if (g_callback == "mask") tell_mask();
  if (g_callback == "command") tell_mask_of_command();
  if (g_callback == "fork") tell_forked_mask();
  if (g_callback == "store") record(sam_data_store("by callback", 11));
  if (g_callback == "restore") data_restore(parse_step(0, "x 100"));
  if (g_callback == "check") record(sam_hc_send());
  if (g_callback == "start") record(sam_start());
  if (g_callback == "initialize") record(sam_initialize(100, SAM_RECOVERY_POLICY_QUIT));
  if (g_callback == "exit") std::exit(6);
  if (g_callback == "abort") std::abort();
  if (g_callback == "end_thread") pthread_exit(nullptr);
}

int callback() {
  if (g_calls.fetch_add(1) > 0) return g_callback == "fail" ? 1 : 0;
  at_line(g_callback_line);
  record("called");
  g_told = g_callback == "end_thread";
  if (g_callback == "exit" || g_callback == "abort") sleep_ms(100);  // after who has started it
  do_in_callback();
  g_told = true;
  while (g_callback == "block") ::pause();
  return g_callback == "fail at once" ? 1 : 0;
}

void hc_callback_register(const Step& step) {
  if (step.word(1) == "null") return record(sam_hc_callback_register(nullptr));
  g_callback = step.word(1);
  g_calls = 0;
  g_told = false;
  g_callback_line = step.line;
  record(sam_hc_callback_register(callback));
}

// Until the callback has been called, and has done what it does.
void called(const Step&) {
  for (const std::int64_t limit = now_ms() + 3000; !g_told && now_ms() < limit;) sleep_ms(5);
  record("%s", g_told ? "was called" : "is not called");
}

// A forked process does it, and is waited for: helper STEP.
void helper(const Step& step) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    char name[8];
    std::snprintf(name, sizeof(name), "h%u", g_instance % 1000);
    call_process(name);
    perform(step.after(1));
    ::_exit(0);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
}

// -- the supervisor ------------------------------------------------------------------------------

void signal_supervisor(const Step& step) {
  const auto number = static_cast<int>(step.number(1));
  if (g_supervisor == 0) return;
  ::kill(g_supervisor, number);
  sleep_ms(50);
  const std::int64_t limit = now_ms() + 3000;
  while (number == SIGKILL && is_running(g_supervisor) && now_ms() < limit) sleep_ms(5);
}

void keys(const Step&) {
  std::string told = ask_place("keys " + std::to_string(g_supervisor));
  std::replace(told.begin(), told.end(), '\n', ';');
  record("%s", told.c_str());
}

// What every program does at last.
void end(const Step&) {
  record("at the end");
  sam_finalize();
  std::exit(0);
}

}  // namespace

unsigned instance() noexcept { return g_instance; }

void add_sam_calls(Calls& calls) {
  calls["sam_initialize"] = initialize;
  calls["sam_register"] = register_process;
  calls["sam_start"] = start;
  calls["sam_stop"] = stop;
  calls["sam_finalize"] = finalize;
  calls["sam_hc_send"] = hc_send;
  calls["sam_warn_signal_set"] = warn_signal_set;
  calls["sam_mark_failed"] = mark_failed;
  calls["sam_data_store"] = data_store;
  calls["sam_data_getsize"] = data_getsize;
  calls["sam_data_restore"] = data_restore;
  calls["sam_hc_callback_register"] = hc_callback_register;
  calls["sam_with_null"] = with_null;
  calls["healthy"] = healthy;
  calls["storing"] = storing;
  calls["warning"] = warning;
  calls["helper"] = helper;
  calls["called"] = called;
  calls["signal_supervisor"] = signal_supervisor;
  calls["keys"] = keys;
  calls["end"] = end;
}

}  // namespace cs::differential
