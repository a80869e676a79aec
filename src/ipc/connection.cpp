// SPDX-License-Identifier: BSD-3-Clause
// One connection to a service of the daemon: making it and ending it.
#include "ipc/connection.h"

#include <cerrno>
#include <csignal>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/sanitizer.h"
#include "common/status.h"
#include "ipc/in_flight.h"

namespace cs::ipc {
namespace {

// Passed to libqb: several times the largest message of the three services. Each connection has
// three rings of this size, in memory that the daemon locks.
constexpr std::size_t kMessageSize = 64 * 1024;

pid_t daemon_pid(qb_ipcc_connection_t* connection) noexcept {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  return qb_ipcc_auth_get(connection, &pid, &uid, &gid) == 0 ? pid : 0;
}

ino_t process_number_space() noexcept {
  struct stat status;
  return ::stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : 0;
}

}  // namespace

Result<HeapPtr<Connection>> Connection::connect(const char* service, Deadline deadline) noexcept {
  prepare(nullptr, nullptr);
  const Section section(Section::Place::kWithin);
  Section::mask();
  auto shaken = shake_hands(service, kMessageSize, deadline);
  // Signals are held off, but EINTR has other causes too. A failed attempt leaves nothing behind.
  while (shaken.status() == CS_ERR_INTERRUPT && !deadline.has_passed(monotonic_now())) {
    shaken = shake_hands(service, kMessageSize, deadline);
  }
  if (!shaken) return shaken.status() == CS_ERR_INTERRUPT ? CS_ERR_TRY_AGAIN : shaken.status();

  int fd = -1;
  const int result = qb_ipcc_fd_get(shaken->connection, &fd);
  // libqb may have chosen more than was asked for, and assumes that buffers are as large.
  const int negotiated = qb_ipcc_get_buffer_size(shaken->connection);
  const std::size_t size = negotiated > 0 ? static_cast<std::size_t>(negotiated) : kMessageSize;
  HeapBytes reply_buffer = make_heap_bytes(size);
  HeapBytes event_buffer = make_heap_bytes(size);
  HeapPtr<Connection> connection;
  if (result == 0 && reply_buffer && event_buffer) {
    connection =
        make_heap<Connection>(*shaken, fd, std::move(reply_buffer), std::move(event_buffer), size);
  }
  if (connection) return connection;
  qb_ipcc_disconnect(shaken->connection);
  errno = ENOMEM;
  return CS_ERR_NO_MEMORY;
}

Connection::Connection(const Shaken& shaken, int fd, HeapBytes reply_buffer, HeapBytes event_buffer,
                       std::size_t buffer_size) noexcept
    : qb_(shaken.connection),
      owner_(::getpid()),
      owner_forks_(forks()),
      daemon_(daemon_pid(shaken.connection)),
      fd_(fd),
      setup_fd_(shaken.setup_fd),
      fd_identity_(fd),
      setup_identity_(shaken.setup_fd),
      process_numbers_(process_number_space()),
      buffer_size_(buffer_size),
      reply_buffer_(std::move(reply_buffer)),
      event_buffer_(std::move(event_buffer)) {}

Connection::~Connection() {
  if (in_flight.asked == this) in_flight.asked = nullptr;
  if (in_flight.requesting == this) in_flight.requesting = nullptr;
  if (in_flight.receiving == this) in_flight.receiving = nullptr;
  // An application that has closed all descriptors may have other files under these numbers.
  const bool intact = fd_identity_.may_be_behind(fd_) && setup_identity_.may_be_behind(setup_fd_);
  if (intact && (is_owner() || owner_is_gone())) {
    qb_ipcc_disconnect(qb_);
    return;
  }
  leave_behind(qb_);  // only a disconnect would free it
  if (!is_owner()) close_copies();
}

bool Connection::is_owner() const noexcept { return ::getpid() == owner_; }

// Then a disconnect cuts off nobody: the program has become a daemon since it connected. Only if
// certain: a process that cannot be seen from here counts as living. Once it is gone, another may
// get its number.
bool Connection::owner_is_gone() noexcept {
  if (owner_gone_.load(std::memory_order_relaxed)) return true;
  if (::kill(owner_, 0) == 0 || errno != ESRCH) return false;
  if (process_numbers_ == 0 || process_number_space() != process_numbers_) return false;
  owner_gone_.store(true, std::memory_order_relaxed);
  return true;
}

void Connection::close_copies() noexcept {
  if (fd_identity_.may_be_behind(fd_)) ::close(fd_);
  if (setup_fd_ != fd_ && setup_identity_.may_be_behind(setup_fd_)) ::close(setup_fd_);
}

}  // namespace cs::ipc
