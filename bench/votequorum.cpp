// SPDX-License-Identifier: BSD-3-Clause
// bench_votequorum SERVICE MEASUREMENT [ARGUMENTS]: what libvotequorum costs, one figure a line.
// SERVICE: library, or bare (libqb alone), or spinning (the same without ever sleeping).
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <pthread.h>
#include <string_view>
#include <sys/statvfs.h>
#include <thread>
#include <unistd.h>

#include "process.h"
#include "services.h"

namespace cs::bench {
namespace {

using Arguments = std::vector<long>;

std::atomic<unsigned> events = 0;
std::atomic<double> last_event = 0;

void count_event() { events.fetch_add(1, std::memory_order_relaxed); }

void note_time_of_event() {
  last_event = nanoseconds();
  ++events;
}

clockid_t daemon_clock() {
  const char* pid = std::getenv("CS_BENCH_DAEMON");
  require(pid != nullptr, "CS_BENCH_DAEMON, the daemon's pid");
  return cpu_clock_of(std::atoi(pid));
}

// getinfo GAP_US SAMPLES: one request after another, or one each GAP_US with both sides asleep.
template <typename Service>
void measure_getinfo(const Arguments& arguments) {
  const long gap = arguments.at(0);
  const std::size_t count = scaled(static_cast<std::size_t>(arguments.at(1)));
  Service service;
  for (std::size_t i = 0; i < count / 10 + 1; ++i) service.get_info();

  Samples latency;
  double client_cpu = 0;
  const clockid_t daemon = daemon_clock();
  const double daemon_before = nanoseconds(daemon);
  const double cpu_before = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
  for (std::size_t i = 0; i < count; ++i) {
    if (gap > 0) sleep_microseconds(gap);
    const double cpu = gap > 0 ? nanoseconds(CLOCK_THREAD_CPUTIME_ID) : 0;
    const double begin = nanoseconds();
    service.get_info();
    latency.add(nanoseconds() - begin);
    if (gap > 0) client_cpu += nanoseconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
  }
  if (gap == 0) client_cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_before;
  const double calls = static_cast<double>(count);
  report("p50", latency.median());
  report("p99", latency.percentile(99));
  report("client_cpu", client_cpu / calls);
  report("daemon_cpu", (nanoseconds(daemon) - daemon_before) / calls);
}

// connect SAMPLES: one handle made and given back.
template <typename Service>
void measure_connect(const Arguments& arguments) {
  Samples time;
  for (std::size_t i = 0; i < scaled(static_cast<std::size_t>(arguments.at(0))); ++i) {
    const double begin = nanoseconds();
    { const Service service; }
    time.add(nanoseconds() - begin);
  }
  report("connect", time.median());
}

// Puts 20 events in the queue: each request for the current state brings two.
template <typename Service>
void queue_burst(Service& service) {
  constexpr int kRequests = 10;
  for (int i = 0; i < kRequests; ++i) service.track(CS_TRACK_CURRENT);
}

// burst SAMPLES: 20 events that wait, dispatched in one go; time of each.
template <typename Service>
void measure_burst(const Arguments& arguments) {
  Service service(count_event);
  Samples time;
  for (std::size_t i = 0; i < scaled(static_cast<std::size_t>(arguments.at(0))); ++i) {
    queue_burst(service);
    events = 0;
    const double begin = nanoseconds();
    service.dispatch_all();
    const double end = nanoseconds();
    require(events == 20, "20 events for 10 requests");
    time.add((end - begin) / events);
  }
  report("per_event", time.median());
}

// change SAMPLES: from the request of another client that makes the daemon tell of a change to the
// callback, in a thread that is blocked in a dispatch.
template <typename Service>
void measure_change(const Arguments& arguments) {
  const std::size_t count = scaled(static_cast<std::size_t>(arguments.at(0)));
  Service service(note_time_of_event);
  service.track(CS_TRACK_CHANGES);
  service.dispatch_all();
  events = 0;
  std::thread receiver([&] {
    while (events < count) service.dispatch_one();
  });
  BareService other;
  Samples time;
  for (unsigned i = 0; i < count; ++i) {
    sleep_microseconds(2000);
    const double begin = nanoseconds();
    other.expect_votes(1);
    while (events <= i) sleep_microseconds(50);
    time.add(last_event - begin);
  }
  receiver.join();
  report("change", time.median());
}

double private_kib() { return proc_sum(getpid(), "smaps_rollup", "Private_"); }

double shared_kib() {
  struct statvfs info {};
  require(statvfs("/dev/shm", &info) == 0, "statvfs");
  return static_cast<double>((info.f_blocks - info.f_bfree) * info.f_frsize) / 1024;
}

// memory HANDLES: memory of each, when so many are open and each has made a request.
template <typename Service>
void measure_memory(const Arguments& arguments) {
  const std::size_t count = scaled(static_cast<std::size_t>(arguments.at(0)));
  std::vector<std::unique_ptr<Service>> handles(count);
  { Service first; }           // what the process needs once
  sleep_microseconds(50'000);  // the daemon has its half of it for a while longer
  const double private_before = private_kib();
  const double shared_before = shared_kib();
  for (auto& handle : handles) {
    handle = std::make_unique<Service>();
    handle->get_info();
  }
  report("shared", (shared_kib() - shared_before) / static_cast<double>(count));
  report("private", (private_kib() - private_before) / static_cast<double>(count));
}

// stack: the deepest that a dispatch of events goes, seen in the paint left on a thread's stack.
template <typename Service>
void measure_stack(const Arguments&) {
  constexpr std::size_t kSize = 8 * 1024 * 1024;
  constexpr unsigned char kPaint = 0xA5;
  static unsigned char stack[kSize] __attribute__((aligned(4096)));
  std::memset(stack, kPaint, sizeof(stack));
  Service service(count_event);
  queue_burst(service);

  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstack(&attributes, stack, sizeof(stack));
  pthread_t thread{};
  const auto body = [](void* argument) -> void* {
    static_cast<Service*>(argument)->dispatch_all();
    return nullptr;
  };
  require(pthread_create(&thread, &attributes, body, &service) == 0, "pthread_create");
  pthread_join(thread, nullptr);
  std::size_t untouched = 0;
  while (untouched < kSize && stack[untouched] == kPaint) ++untouched;
  report("stack", static_cast<double>(kSize - untouched));
}

template <typename Service>
int run(std::string_view measurement, const Arguments& arguments) {
  struct Entry {
    std::string_view name;
    void (*measure)(const Arguments&);
  };
  constexpr Entry kEntries[] = {
      {"getinfo", measure_getinfo<Service>}, {"connect", measure_connect<Service>},
      {"burst", measure_burst<Service>},     {"change", measure_change<Service>},
      {"memory", measure_memory<Service>},   {"stack", measure_stack<Service>}};
  for (const Entry& entry : kEntries) {
    if (entry.name == measurement) return entry.measure(arguments), 0;
  }
  return 2;
}

}  // namespace
}  // namespace cs::bench

int main(int argc, char** argv) {
  using namespace cs::bench;
  if (argc < 3) return 2;
  const std::string_view service = argv[1];
  Arguments arguments;
  for (int i = 3; i < argc; ++i) arguments.push_back(std::atol(argv[i]));
  if (service == "bare") return run<BareService>(argv[2], arguments);
  if (service == "spinning") return run<SpinningService>(argv[2], arguments);
  return run<LibraryService>(argv[2], arguments);
}
