// SPDX-License-Identifier: BSD-3-Clause
// The application's side.
#include "faults/sam_life.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "faults/faults.h"

namespace cs::faults {

void Ledger::note_refusal(Step step, cs_error_t status, int error) {
  const unsigned number = refused++;
  if (number < std::size(refusals)) refusals[number] = {step, status, error, ::getpid()};
}

void Ledger::complain(const char* text, long value) {
  const unsigned number = complained++;
  if (number < std::size(complaints)) complaints[number] = {text, value, ::getpid()};
}

namespace {

constexpr unsigned kPatience = 30;  // seconds that one process may take
constexpr unsigned kMostLives = 60;
constexpr std::size_t kLarge = 100 * 1024;  // more than SAM keeps for a small store

std::byte g_data[kLarge];
Ledger* g_ledger = nullptr;
std::atomic<Step> g_step;

// No interposed call: the plan counts SAM's only.
void nap() {
  const timespec pause{.tv_sec = 0, .tv_nsec = 4'000'000};
  ::nanosleep(&pause, nullptr);
}

unsigned descriptors() {
  unsigned held = 0;
  for (int fd = 0; fd < 128; ++fd) held += ::syscall(SYS_fcntl, fd, F_GETFD) >= 0 ? 1U : 0U;
  return held;
}

bool has_children() { return ::syscall(SYS_wait4, -1, nullptr, WNOHANG, nullptr) != -1; }

void give_up_waiting(int) {
  g_ledger->complain("hangs in step", static_cast<long>(g_step.load()));
  ::_exit(kBroken);
}

void note_warning(int) { ++g_ledger->warnings; }

int note_callback() {
  ++g_ledger->callbacks;
  return 0;
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  ::sigaction(signal, &action, nullptr);
}

// Each store has a size and bytes of its own.
std::size_t size_of_store(unsigned number) { return number <= 2 ? kLarge : 24 + number; }
std::byte byte_of_store(unsigned number, std::size_t at) {
  return static_cast<std::byte>(number * 31 + at * 7);
}

bool holds_store(unsigned number) {
  for (std::size_t at = 0; at < size_of_store(number); ++at) {
    if (g_data[at] != byte_of_store(number, at)) return false;
  }
  return true;
}

// What the public header names, less what only a mistake of the caller's can bring.
bool is_documented(Step step, cs_error_t status, bool with_daemon) {
  if (status == CS_ERR_LIBRARY) return true;
  if (step == Step::kStore) return status == CS_ERR_NO_MEMORY;
  if (step != Step::kInitialize && step != Step::kRegister) return false;
  return with_daemon &&
         (status == CS_ERR_TRY_AGAIN || status == CS_ERR_ACCESS || status == CS_ERR_NO_MEMORY ||
          status == CS_ERR_NO_SPACE || status == CS_ERR_NOT_EXIST ||
          status == CS_ERR_NOT_SUPPORTED || status == CS_ERR_MESSAGE_ERROR);
}

class Life {
 public:
  Life(Ledger& ledger, const Way& way) : ledger_(ledger), way_(way) {}

  [[noreturn]] void live();

 private:
  [[noreturn]] void crash();
  [[noreturn]] void hang();
  [[noreturn]] void stop();

  template <typename Call>
  void until_ok(Step step, Call call);
  template <typename Call>
  void until_ok_without_loss(Step step, Call call);
  void refuse(Step step, cs_error_t status, int error);
  void register_process();
  void enter();
  void store_next();
  void expect_stored_data();
  void expect_old_data();

  Ledger& ledger_;
  const Way& way_;
};

void Life::live() {
  handle(SIGALRM, give_up_waiting);
  handle(SIGTERM, note_warning);
  handle(SIGUSR1, note_warning);
  ::alarm(kPatience);
  way_.hook(Moment::kBegin);
  until_ok_without_loss(Step::kInitialize, [this] {
    return sam_initialize(way_.interval_ms, static_cast<sam_recovery_policy_t>(way_.policy));
  });
  store_next();
  way_.hook(Moment::kInitialized);
  register_process();
  enter();
  expect_stored_data();
  if (ledger_.phase == Phase::kCrash) crash();
  if (ledger_.phase == Phase::kHang) hang();
  stop();
}

void Life::crash() {
  const unsigned callbacks = ledger_.callbacks;
  until_ok(Step::kCallback, [] { return sam_hc_callback_register(note_callback); });
  until_ok(Step::kStart, [] { return sam_start(); });
  until_ok(Step::kHealthCheck, [] { return sam_hc_send(); });
  for (int i = 0; i < 3; ++i) store_next();  // the third takes the place of the first
  while (ledger_.callbacks == callbacks) nap();
  way_.hook(Moment::kCrash);
  ledger_.phase = Phase::kHang;
  ::kill(::getpid(), SIGKILL);
  for (;;) nap();
}

void Life::hang() {
  until_ok(Step::kWarnSignal, [] { return sam_warn_signal_set(SIGUSR1); });
  until_ok(Step::kStart, [] { return sam_start(); });
  store_next();
  ledger_.phase = Phase::kStop;
  for (;;) nap();  // until killed, or the alarm finds that nobody does it
}

void Life::stop() {
  until_ok(Step::kStart, [] { return sam_start(); });
  until_ok(Step::kHealthCheck, [] { return sam_hc_send(); });
  until_ok(Step::kStop, [] {
    (void)sam_hc_send();
    return sam_stop();
  });
  store_next();
  expect_stored_data();
  until_ok(Step::kFinalize, [] { return sam_finalize(); });
  ledger_.phase = Phase::kDone;
  ::_exit(kLivedToTheEnd);
}

template <typename Call>
void Life::until_ok(Step step, Call call) {
  for (;;) {
    g_step = step;
    const cs_error_t status = call();
    if (status == CS_OK) return;
    refuse(step, status, errno);
    nap();
  }
}

// For calls that make something.
template <typename Call>
void Life::until_ok_without_loss(Step step, Call call) {
  until_ok(step, [&] {
    const unsigned held = descriptors();
    const long heap = heap_blocks();
    errno = 0;
    const cs_error_t status = call();
    const int error = errno;
    if (status == CS_OK) return status;
    if (const unsigned now = descriptors(); now < held || now > held + way_.may_be_lost) {
      ledger_.complain("a failure changed the number of descriptors", now);
    }
    if (heap_blocks() > heap) ledger_.complain("a failure left memory", heap_blocks() - heap);
    errno = error;
    return status;
  });
}

void Life::refuse(Step step, cs_error_t status, int error) {
  ledger_.note_refusal(step, status, error);
  const bool with_daemon = (way_.policy & ~3U) != 0;
  if (!is_documented(step, status, with_daemon)) ledger_.complain("undocumented error", status);
  const bool says_errno = step <= Step::kCallback && status == CS_ERR_LIBRARY;
  if (says_errno && way_.error != 0 && error != way_.error) {
    ledger_.complain("errno is not that of the failure", error);
  }
  way_.hook(Moment::kRefused);
}

void Life::register_process() {
  unsigned id = 0;
  until_ok_without_loss(Step::kRegister, [&] {
    const cs_error_t status = sam_register(&id);
    const int error = errno;
    const bool is_instance = ::getpid() != ledger_.application;
    if (is_instance != (status == CS_OK)) ledger_.complain("status in the wrong process", status);
    if (!is_instance && id != 0) ledger_.complain("an id without an instance", id);
    if (!is_instance && has_children()) ledger_.complain("an instance outlives the supervisor");
    if (ledger_.complained != 0) ::_exit(kBroken);
    errno = error;
    return status;
  });
}

// There must be one copy of the application, and what an instance has cost is given back.
void Life::enter() {
  ::alarm(kPatience);
  const pid_t before = ledger_.active.exchange(::getpid());
  if (before != 0 && ::kill(before, 0) == 0) ledger_.complain("two instances at once", before);
  if (::getppid() != ledger_.application) ledger_.complain("another supervisor", ::getppid());
  if (++ledger_.lives > kMostLives) ledger_.complain("no end of instances");
  unsigned expected = 0;
  const unsigned held = descriptors();
  if (!ledger_.descriptors.compare_exchange_strong(expected, held) &&
      (held < expected || held > expected + way_.may_be_lost)) {
    ledger_.complain("a restart changed the number of descriptors", held);
  }
  way_.hook(Moment::kRegistered);
  if (ledger_.complained != 0) ::_exit(kBroken);  // not started, so the supervisor follows
}

void Life::store_next() {
  const unsigned number = ledger_.stored + 1;
  const std::size_t size = size_of_store(number);
  ledger_.storing = number;
  until_ok(Step::kStore, [&] {
    for (std::size_t at = 0; at < size; ++at) g_data[at] = byte_of_store(number, at);
    const cs_error_t status = sam_data_store(g_data, size);
    const int error = errno;
    if (status != CS_OK) expect_old_data();
    errno = error;
    return status;
  });
  ledger_.stored = number;
  ledger_.storing = 0;
}

// After a store that was refused. The same fault may keep us from looking.
void Life::expect_old_data() {
  std::size_t size = 0;
  if (sam_data_getsize(&size) != CS_OK) return;
  const unsigned number = ledger_.stored;
  if (size != (number > 0 ? size_of_store(number) : 0))
    ledger_.complain("not the old size", static_cast<long>(size));
  if (number == 0 || sam_data_restore(g_data, sizeof(g_data)) != CS_OK) return;
  if (!holds_store(number)) ledger_.complain("a failed store changed the data", number);
}

// What was acknowledged last; or what had begun when the process was killed.
void Life::expect_stored_data() {
  std::size_t size = 0;
  until_ok(Step::kGetsize, [&] { return sam_data_getsize(&size); });
  until_ok(Step::kRestore, [] {
    std::fill(std::begin(g_data), std::end(g_data), std::byte{0});
    return sam_data_restore(g_data, sizeof(g_data));
  });
  for (const unsigned number : {ledger_.stored.load(), ledger_.storing.load()}) {
    if (number == 0 || size != size_of_store(number) || !holds_store(number)) continue;
    ledger_.stored = number;
    ledger_.storing = 0;
    return;
  }
  ledger_.complain("a store is lost", static_cast<long>(size));
}

}  // namespace

void live(Ledger& ledger, const Way& way) {
  g_ledger = &ledger;
  Life(ledger, way).live();
}

}  // namespace cs::faults
