// SPDX-License-Identifier: BSD-3-Clause
// The plan, and the calls that follow it.
#include "faults/faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

#include "support/sanitized.h"

namespace cs::faults {
namespace {

constexpr auto kCalls = static_cast<unsigned>(Call::kCount);

struct Shared {
  std::atomic<bool> counting;
  std::atomic<bool> failing;
  Plan plan;
  std::atomic<pid_t> process;
  std::atomic<unsigned> calls[kCalls];
  std::atomic<unsigned> injected;
};

// Null before the first plan: libc's calls begin before any of our code.
constinit std::atomic<Shared*> g_shared = nullptr;

constinit std::atomic<long> g_heap_blocks = 0;

Shared& shared() {
  if (g_shared == nullptr) {
    void* const memory =
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    g_shared = static_cast<Shared*>(memory);
  }
  return *g_shared;
}

bool concerns_us(pid_t process) {
  if (process == 0) return true;
  // Not getpid(): it may be one of the calls some day.
  const auto self = static_cast<pid_t>(::getpid());
  return process > 0 ? self == process : self != -process;
}

}  // namespace

// A sanitizer makes such calls itself when a thread starts, and ends the process if one fails.
bool may_be_a_sanitizers() { return test::kSanitized && ::gettid() != ::getpid(); }

// 0, or the errno with which this call is to fail.
int due(Call call) {
  Shared* const now = g_shared;
  if (now == nullptr || !now->counting || !concerns_us(now->process)) return 0;
  if (may_be_a_sanitizers()) return 0;
  const unsigned number = ++now->calls[static_cast<unsigned>(call)];
  if (!now->failing || call != now->plan.call || number < now->plan.first) return 0;
  if (number - now->plan.first >= now->plan.times) return 0;
  ++now->injected;
  return now->plan.error;
}

void count_only(pid_t process) {
  disarm();
  Shared& now = shared();
  for (auto& count : now.calls) count = 0;
  now.injected = 0;
  now.process = process;
  now.counting = true;
}

void arm(const Plan& plan) {
  count_only(plan.process);
  shared().plan = plan;
  shared().failing = true;
}

void disarm() {
  shared().failing = false;
  shared().counting = false;
}

unsigned calls_of(Call call) { return shared().calls[static_cast<unsigned>(call)]; }
unsigned injected() { return shared().injected; }

long heap_blocks() { return g_heap_blocks; }

// A block that came, or did not.
void* count_block(void* block) {
  if (block != nullptr) ++g_heap_blocks;
  return block;
}

}  // namespace cs::faults

using cs::faults::Call;
using cs::faults::count_block;
using cs::faults::due;

namespace {

// The function of that type and name that comes after ours: libc's, or a sanitizer's. It is not a
// local that is initialized once: the guard of such a one would call a sanitizer too early.
template <typename Function>
Function* real(std::atomic<void*>& known, const char* name, Function*) {
  if (known == nullptr) known = ::dlsym(RTLD_NEXT, name);
  return reinterpret_cast<Function*>(known.load());
}

template <typename Value>
Value fail(int error, Value value) {
  errno = error;
  return value;
}

}  // namespace

// Each of these is a call of the list: the plan is asked, then libc's own is called.
#define CS_INTERPOSE(result, function, failure, call, parameters, ...)          \
  extern "C" result function parameters {                                       \
    static constinit std::atomic<void*> known = nullptr;                        \
    auto* const original = real(known, #function, &::function);                 \
    if (const int error = due(Call::call)) return fail<result>(error, failure); \
    return original(__VA_ARGS__);                                               \
  }

CS_INTERPOSE(int, bind, -1, kBind, (int fd, const sockaddr* name, socklen_t size), fd, name, size)
CS_INTERPOSE(int, connect, -1, kConnect, (int fd, const sockaddr* name, socklen_t size), fd, name,
             size)
CS_INTERPOSE(int, eventfd, -1, kEventfd, (unsigned value, int flags) noexcept, value, flags)
CS_INTERPOSE(pid_t, fork, -1, kFork, () noexcept)
CS_INTERPOSE(int, fstat, -1, kFstat, (int fd, struct stat* status) noexcept, fd, status)
CS_INTERPOSE(int, ftruncate, -1, kFtruncate, (int fd, off_t size) noexcept, fd, size)
CS_INTERPOSE(int, getsockopt, -1, kGetsockopt,
             (int fd, int level, int option, void* value, socklen_t* size) noexcept, fd, level,
             option, value, size)
CS_INTERPOSE(int, madvise, -1, kMadvise, (void* at, size_t size, int advice) noexcept, at, size,
             advice)
CS_INTERPOSE(int, memfd_create, -1, kMemfdCreate, (const char* name, unsigned flags) noexcept, name,
             flags)
CS_INTERPOSE(int, mkostemp, -1, kMkostemp, (char* path, int flags), path, flags)
CS_INTERPOSE(void*, mmap, MAP_FAILED, kMmap,
             (void* at, size_t size, int access, int flags, int fd, off_t offset) noexcept, at,
             size, access, flags, fd, offset)
CS_INTERPOSE(int, pipe2, -1, kPipe2, (int* ends, int flags) noexcept, ends, flags)
CS_INTERPOSE(int, poll, -1, kPoll, (pollfd * entries, nfds_t count, int timeout), entries, count,
             timeout)
CS_INTERPOSE(int, ppoll, -1, kPpoll,
             (pollfd * entries, nfds_t count, const timespec* timeout, const sigset_t* mask),
             entries, count, timeout, mask)
CS_INTERPOSE(ssize_t, pread, -1, kPread, (int fd, void* data, size_t size, off_t offset), fd, data,
             size, offset)
CS_INTERPOSE(ssize_t, pwrite, -1, kPwrite, (int fd, const void* data, size_t size, off_t offset),
             fd, data, size, offset)
CS_INTERPOSE(ssize_t, read, -1, kRead, (int fd, void* data, size_t size), fd, data, size)
CS_INTERPOSE(ssize_t, recv, -1, kRecv, (int fd, void* data, size_t size, int flags), fd, data, size,
             flags)
CS_INTERPOSE(ssize_t, recvmsg, -1, kRecvmsg, (int fd, msghdr* message, int flags), fd, message,
             flags)
CS_INTERPOSE(int, sched_getaffinity, -1, kSchedGetaffinity,
             (pid_t pid, size_t size, cpu_set_t* set) noexcept, pid, size, set)
CS_INTERPOSE(ssize_t, send, -1, kSend, (int fd, const void* data, size_t size, int flags), fd, data,
             size, flags)
CS_INTERPOSE(ssize_t, sendmsg, -1, kSendmsg, (int fd, const msghdr* message, int flags), fd,
             message, flags)
CS_INTERPOSE(int, setsockopt, -1, kSetsockopt,
             (int fd, int level, int option, const void* value, socklen_t size) noexcept, fd, level,
             option, value, size)
CS_INTERPOSE(int, socket, -1, kSocket, (int domain, int type, int protocol) noexcept, domain, type,
             protocol)
CS_INTERPOSE(int, socketpair, -1, kSocketpair,
             (int domain, int type, int protocol, int* ends) noexcept, domain, type, protocol, ends)
CS_INTERPOSE(int, waitid, -1, kWaitid, (idtype_t type, id_t id, siginfo_t* info, int options), type,
             id, info, options)
CS_INTERPOSE(pid_t, waitpid, -1, kWaitpid, (pid_t pid, int* status, int options), pid, status,
             options)
CS_INTERPOSE(ssize_t, write, -1, kWrite, (int fd, const void* data, size_t size), fd, data, size)

// It returns its error.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*body)(void*), void* argument) noexcept {
  static constinit std::atomic<void*> known = nullptr;
  auto* const original = real(known, "pthread_create", &::pthread_create);
  if (const int error = due(Call::kPthreadCreate)) return error;
  return original(thread, attributes, body, argument);
}

extern "C" int pthread_key_create(pthread_key_t* key, void (*destructor)(void*)) noexcept {
  static constinit std::atomic<void*> known = nullptr;
  auto* const original = real(known, "pthread_key_create", &::pthread_key_create);
  if (const int error = due(Call::kPthreadKeyCreate)) return error;
  return original(key, destructor);
}

extern "C" int pthread_setspecific(pthread_key_t key, const void* value) noexcept {
  static constinit std::atomic<void*> known = nullptr;
  auto* const original = real(known, "pthread_setspecific", &::pthread_setspecific);
  if (const int error = due(Call::kPthreadSetspecific)) return error;
  return original(key, value);
}

// What pthread_atfork calls, which is no function of the shared libc.
extern "C" int __register_atfork(void (*prepare)(), void (*parent)(), void (*child)(), void* dso) {
  static constinit std::atomic<void*> known = nullptr;
  auto* const original = real(known, "__register_atfork", &::__register_atfork);
  if (const int error = due(Call::kRegisterAtfork)) return error;
  return original(prepare, parent, child, dso);
}

// The others of variable arguments pass on as many as there can be.
extern "C" int fcntl(int fd, int command, ...) {
  static constinit std::atomic<void*> known = nullptr;
  auto* const original = real(known, "fcntl", &::fcntl);
  va_list list;
  va_start(list, command);
  void* const argument = va_arg(list, void*);
  va_end(list);
  if (const int error = due(Call::kFcntl)) return fail(error, -1);
  return original(fd, command, argument);
}

extern "C" int open(const char* path, int flags, ...) {
  static constinit std::atomic<void*> known = nullptr;
  auto* const original = real(known, "open", &::open);
  va_list list;
  va_start(list, flags);
  const auto mode = va_arg(list, mode_t);
  va_end(list);
  if (const int error = due(Call::kOpen)) return fail(error, -1);
  return original(path, flags, mode);
}

// libsam's way to pidfd_open; the rest is let through.
extern "C" long syscall(long number, ...) noexcept {
  static constinit std::atomic<void*> known = nullptr;
  auto* const original = real(known, "syscall", &::syscall);
  va_list list;
  va_start(list, number);
  long arguments[6];
  for (long& argument : arguments) argument = va_arg(list, long);
  va_end(list);
  if (number == SYS_pidfd_open) {
    if (const int error = due(Call::kPidfdOpen)) return fail(error, -1L);
  }
  return original(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                  arguments[5]);
}

// dlsym itself allocates, so libc's versions, or a sanitizer's, are called by their other names.
#ifdef CS_SANITIZED
#define CS_HEAP(function) __interceptor_##function
#else
#define CS_HEAP(function) __libc_##function
#endif
extern "C" {
void* CS_HEAP(malloc)(size_t size);
void* CS_HEAP(calloc)(size_t count, size_t size);
void* CS_HEAP(realloc)(void* memory, size_t size);
void CS_HEAP(free)(void* memory);

void* malloc(size_t size) noexcept {
  if (const int error = due(Call::kMalloc)) return fail<void*>(error, nullptr);
  return count_block(CS_HEAP(malloc)(size));
}
void* calloc(size_t count, size_t size) noexcept {
  if (const int error = due(Call::kCalloc)) return fail<void*>(error, nullptr);
  return count_block(CS_HEAP(calloc)(count, size));
}
void* realloc(void* memory, size_t size) noexcept {
  if (const int error = due(Call::kRealloc)) return fail<void*>(error, nullptr);
  void* const block = CS_HEAP(realloc)(memory, size);
  if (memory == nullptr) return count_block(block);
  if (block == nullptr && size == 0) --cs::faults::g_heap_blocks;
  return block;
}
void free(void* memory) noexcept {
  if (memory != nullptr) --cs::faults::g_heap_blocks;
  CS_HEAP(free)(memory);
}
}
