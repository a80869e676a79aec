// SPDX-License-Identifier: BSD-3-Clause
// The list of calls, and of what can go wrong with each.
#include <string.h>

#include <cerrno>
#include <map>
#include <ostream>

#include "faults/faults.h"

namespace cs::faults {

namespace {

// Of calls that are not here: no memory.
const std::map<Call, std::vector<int>> kErrors = {
    {Call::kSocket, {EMFILE, ENFILE, ENOMEM}},
    {Call::kSocketpair, {EMFILE, ENFILE, ENOMEM}},
    {Call::kPipe2, {EMFILE, ENFILE, ENOMEM}},
    {Call::kEventfd, {EMFILE, ENFILE, ENOMEM}},
    {Call::kMemfdCreate, {EMFILE, ENFILE, ENOMEM, ENOSYS, EPERM}},
    {Call::kOpen, {EMFILE, ENFILE, ENOMEM, ENOENT, EACCES, EINTR}},
    {Call::kMkostemp, {EMFILE, ENFILE, ENOMEM, ENOENT, EACCES}},
    {Call::kMadvise, {ENOMEM, EINVAL, EPERM}},
    {Call::kPidfdOpen, {EMFILE, ENFILE, ENOMEM, ENOSYS, EPERM}},
    {Call::kFork, {EAGAIN, ENOMEM}},
    {Call::kPthreadCreate, {EAGAIN, ENOMEM}},
    {Call::kPthreadKeyCreate, {EAGAIN, ENOMEM}},
    {Call::kMmap, {ENOMEM, EAGAIN, ENFILE}},
    {Call::kPwrite, {EINTR, ENOSPC, ENOMEM, EDQUOT, EIO}},
    {Call::kPread, {EINTR, ENOMEM, EIO}},
    {Call::kFtruncate, {EINTR, ENOSPC, EIO}},
    {Call::kConnect, {ECONNREFUSED, EAGAIN, EACCES, EINTR, ENOENT}},
    {Call::kSend, {EAGAIN, EINTR, ENOBUFS, ENOMEM, ECONNRESET}},
    {Call::kSendmsg, {EAGAIN, EINTR, ENOBUFS, ENOMEM, ECONNRESET}},
    {Call::kRecv, {EAGAIN, EINTR, ENOMEM, ECONNRESET}},
    {Call::kRecvmsg, {EAGAIN, EINTR, ENOMEM, ECONNRESET}},
    {Call::kPoll, {EINTR, ENOMEM}},
    {Call::kPpoll, {EINTR, ENOMEM}},
    {Call::kWrite, {EINTR, ENOMEM}},  // a pipe takes pages as they are needed
    {Call::kRead, {EINTR}},
    {Call::kWaitpid, {EINTR}},
    {Call::kWaitid, {EINTR, ENOSYS, EPERM}},
    {Call::kBind, {ENOMEM, ENOBUFS, EPERM}},
    {Call::kGetsockopt, {ENOMEM, ENOBUFS, EPERM}},
    {Call::kSetsockopt, {ENOMEM, ENOBUFS, EPERM}},
    {Call::kSchedGetaffinity, {EPERM, EINVAL}},
};

}  // namespace

std::string_view name_of(Call call) {
  // clang-format off
  static constexpr std::string_view kNames[] = {
      "bind", "calloc", "connect", "eventfd", "fcntl", "fork", "fstat", "ftruncate", "getsockopt",
      "madvise", "malloc", "memfd_create", "mkostemp", "mmap", "open", "pidfd_open", "pipe2",
      "poll", "ppoll", "pread", "pthread_create", "pthread_key_create", "pthread_setspecific",
      "pwrite", "read", "realloc", "recv", "recvmsg", "__register_atfork", "sched_getaffinity",
      "send", "sendmsg", "setsockopt", "socket", "socketpair", "waitid", "waitpid", "write"};
  // clang-format on
  static_assert(std::size(kNames) == static_cast<unsigned>(Call::kCount));
  return kNames[static_cast<unsigned>(call)];
}

std::ostream& operator<<(std::ostream& out, Call call) { return out << name_of(call); }

std::vector<int> errors_of(Call call) {
  const auto found = kErrors.find(call);
  return found != kErrors.end() ? found->second : std::vector<int>{ENOMEM};
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
