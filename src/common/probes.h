// SPDX-License-Identifier: BSD-3-Clause
// Static probes (USDT), for bpftrace and its kin: sam_environment(7) has a line for each. They are
// built where CMake finds sys/sdt.h, and are one instruction that does nothing until somebody
// attaches. Their names and arguments are what scripts of others depend on.
#ifndef CS_COMMON_PROBES_H
#define CS_COMMON_PROBES_H

#include <cstddef>
#include <cstdint>
#include <sys/types.h>

#include <corosync/corotypes.h>

#ifdef CS_PROBES
#include <sys/sdt.h>
#else
#define STAP_PROBE1(provider, name, a) ((void)(a))
#define STAP_PROBE2(provider, name, a, b) ((void)(a), (void)(b))
#define STAP_PROBE3(provider, name, a, b, c) ((void)(a), (void)(b), (void)(c))
#endif

namespace cs::probe {

// libsam, in the supervisor: an instance was forked; it is sent the warn signal, or SIGKILL; it is
// dead, with that wait status.
inline void start(unsigned instance, pid_t pid) noexcept {
  STAP_PROBE2(corosync, start, instance, pid);
}
inline void warning(unsigned instance, pid_t pid, int number) noexcept {
  STAP_PROBE3(corosync, warning, instance, pid, number);
}
inline void kill(unsigned instance, pid_t pid) noexcept {
  STAP_PROBE2(corosync, kill, instance, pid);
}
inline void death(unsigned instance, pid_t pid, int wait_status) noexcept {
  STAP_PROBE3(corosync, death, instance, pid, wait_status);
}

// libsam, in the active process: data were stored; a health check was given, at that
// time of the coarse monotonic clock.
inline void store(std::size_t size, cs_error_t status) noexcept {
  STAP_PROBE2(corosync, store, size, status);
}
inline void check(std::int64_t when) noexcept { STAP_PROBE1(corosync, check, when); }

// Either library: a request is about to be sent to the daemon; the call is over; and libvotequorum:
// an event is about to be delivered.
inline void request(std::int32_t id, std::size_t size) noexcept {
  STAP_PROBE2(corosync, request, id, size);
}
inline void reply(std::int32_t id, cs_error_t status) noexcept {
  STAP_PROBE2(corosync, reply, id, status);
}
inline void event(std::int32_t id, std::size_t size) noexcept {
  STAP_PROBE2(corosync, event, id, size);
}

}  // namespace cs::probe

#endif
