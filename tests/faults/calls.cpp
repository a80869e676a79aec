// SPDX-License-Identifier: BSD-3-Clause
// The list of calls, and of what can go wrong with each.
#include <string.h>

#include <cerrno>
#include <ostream>

#include "faults/faults.h"

namespace cs::faults {

std::string_view name_of(Call call) {
  // clang-format off
  static constexpr std::string_view kNames[] = {
      "bind", "calloc", "connect", "eventfd", "fcntl", "fork", "fstat", "ftruncate", "getsockopt",
      "madvise", "malloc", "memfd_create", "mkostemp", "mmap", "open", "pidfd_open", "pipe2", "poll",
      "ppoll", "pread", "pthread_create", "pthread_key_create", "pthread_setspecific", "pwrite",
      "read", "realloc", "recv", "recvmsg", "__register_atfork", "sched_getaffinity", "send",
      "sendmsg", "setsockopt", "socket", "socketpair", "waitid", "waitpid", "write"};
  // clang-format on
  static_assert(std::size(kNames) == static_cast<unsigned>(Call::kCount));
  return kNames[static_cast<unsigned>(call)];
}

std::ostream& operator<<(std::ostream& out, Call call) { return out << name_of(call); }

std::vector<int> errors_of(Call call) {
  switch (call) {
    case Call::kSocket:
    case Call::kSocketpair:
    case Call::kPipe2:
    case Call::kEventfd:
      return {EMFILE, ENFILE, ENOMEM};
    case Call::kMemfdCreate:
      return {EMFILE, ENFILE, ENOMEM, ENOSYS, EPERM};
    case Call::kOpen:
      return {EMFILE, ENFILE, ENOMEM, ENOENT, EACCES, EINTR};
    case Call::kMkostemp:
      return {EMFILE, ENFILE, ENOMEM, ENOENT, EACCES};
    case Call::kMadvise:
      return {ENOMEM, EINVAL, EPERM};
    case Call::kPidfdOpen:
      return {EMFILE, ENFILE, ENOMEM, ENOSYS, EPERM};
    case Call::kFork:
    case Call::kPthreadCreate:
    case Call::kPthreadKeyCreate:
      return {EAGAIN, ENOMEM};
    case Call::kMmap:
      return {ENOMEM, EAGAIN, ENFILE};
    case Call::kPwrite:
      return {EINTR, ENOSPC, ENOMEM, EDQUOT, EIO};
    case Call::kPread:
      return {EINTR, ENOMEM, EIO};
    case Call::kFtruncate:
      return {EINTR, ENOSPC, EIO};
    case Call::kConnect:
      return {ECONNREFUSED, EAGAIN, EACCES, EINTR, ENOENT};
    case Call::kSend:
    case Call::kSendmsg:
      return {EAGAIN, EINTR, ENOBUFS, ENOMEM, ECONNRESET};
    case Call::kRecv:
    case Call::kRecvmsg:
      return {EAGAIN, EINTR, ENOMEM, ECONNRESET};
    case Call::kPoll:
    case Call::kPpoll:
      return {EINTR, ENOMEM};
    case Call::kWrite:
      return {EINTR, ENOMEM};  // a pipe takes pages as they are needed
    case Call::kRead:
    case Call::kWaitpid:
      return {EINTR};
    case Call::kWaitid:
      return {EINTR, ENOSYS, EPERM};
    case Call::kBind:
    case Call::kGetsockopt:
    case Call::kSetsockopt:
      return {ENOMEM, ENOBUFS, EPERM};
    case Call::kSchedGetaffinity:
      return {EPERM, EINVAL};
    case Call::kFcntl:
    case Call::kFstat:
    case Call::kCalloc:
    case Call::kMalloc:
    case Call::kPthreadSetspecific:
    case Call::kRealloc:
    case Call::kRegisterAtfork:
    case Call::kCount:
      return {ENOMEM};
  }
  return {};
}

std::ostream& operator<<(std::ostream& out, const Plan& plan) {
  out << name_of(plan.call) << " number " << plan.first;
  if (plan.times == kFromThenOn) {
    out << " and all later ones";
  } else if (plan.times > 1) {
    out << " and the " << plan.times - 1 << " after it";
  }
  return out << " failing with " << ::strerrorname_np(plan.error);
}

}  // namespace cs::faults
