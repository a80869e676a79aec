// SPDX-License-Identifier: BSD-3-Clause
// One connection to a service of the daemon, over libqb: requests and their answers, events.
//
// libqb has no locks, trusts the peer, waits without limit and sleeps for every answer. This class
// makes up for all of that, for all our clients.
#ifndef CS_IPC_CONNECTION_H
#define CS_IPC_CONNECTION_H

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/types.h>
#include <type_traits>

#include <corosync/corotypes.h>
#include <qb/qbipcc.h>

#include "common/clock.h"
#include "common/file_identity.h"
#include "common/heap.h"
#include "common/mutex.h"
#include "common/result.h"
#include "ipc/handshake.h"
#include "ipc/kept_replies.h"
#include "ipc/reply.h"
#include "ipc/spin_budget.h"
#include "wire/header.h"

namespace cs::ipc {

// Safe for any number of threads, except that destruction must be the last use. A thread may vanish
// from every call (see in_flight.h). The answer to its request is then dropped, and the connection
// goes on.
//
// fork: the connection belongs to the process that made it. A child that destroys it closes its
// copy of the descriptors. It leaves libqb's memory alone while its parent lives, since a
// disconnect there would cut off the parent.
class Connection {
 public:
  // Connects to a service by name. Errors: what status_from_errno makes of libqb's errno;
  // CS_ERR_TRY_AGAIN also when the daemon does not answer before the deadline; CS_ERR_ACCESS when
  // the listener is neither root nor our own user (no file that it names has been opened then).
  // errno is that of the failure.
  [[nodiscard]] static Result<HeapPtr<Connection>> connect(const char* service,
                                                           Deadline deadline) noexcept;

  Connection(const Shaken& shaken, int fd, HeapBytes reply_buffer, HeapBytes event_buffer,
             std::size_t buffer_size) noexcept;
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Sends a request and returns its answer, checked: id and length are as the protocol says, and
  // the header says CS_OK. A Request has kId, header and the type Reply; only header.size bytes of
  // it are sent (all of it when size is 0). A Reply has kId, kMinSize and header.
  //
  // Errors: the code in the answer's header; CS_ERR_MESSAGE_ERROR for an answer that does not
  // follow the protocol (the connection stays usable); CS_ERR_LIBRARY when the daemon is gone;
  // CS_ERR_TRY_AGAIN when the request could not be sent now or the deadline passed first. An answer
  // that comes after its deadline is discarded, and never taken for another request's.
  template <typename Request>
  [[nodiscard]] Result<typename Request::Reply> call(
      Request request, Deadline deadline = Deadline::never()) noexcept {
    using Reply = typename Request::Reply;
    static_assert(std::has_unique_object_representations_v<Request>, "a byte sent has no name");
    static_assert(std::is_trivially_copyable_v<Reply>);
    request.header.id = Request::kId;
    if (request.header.size == 0) request.header.size = sizeof(Request);
    Reply reply;
    const cs_error_t status =
        call({reinterpret_cast<const std::byte*>(&request),
              static_cast<std::size_t>(request.header.size)},
             {Reply::kId, Reply::kMinSize, std::as_writable_bytes(std::span(&reply, 1))}, deadline);
    if (status != CS_OK) return status;
    return reply;
  }

  // Takes the next event that has arrived; does not wait. The event lies in memory of the
  // connection until the caller calls end_event(), and other threads wait until then. After an
  // error end_event() must not be called. CS_ERR_TRY_AGAIN: there is no event.
  // CS_ERR_MESSAGE_ERROR: the event is shorter than a header, or its length field is wrong; it is
  // dropped. CS_ERR_LIBRARY: the daemon is gone.
  [[nodiscard]] Result<std::span<const std::byte>> begin_event() noexcept;
  void end_event() noexcept;

  // Copies the next event and ends it. Returns how many bytes were copied to the buffer, which has
  // room for at least a header. Of an event that is longer than the buffer only the header is
  // copied, so that an unknown event can be told from a malformed one.
  [[nodiscard]] Result<std::size_t> next_event(std::span<std::byte> buffer) noexcept;

  // Waits until an event may have arrived or the daemon is gone (CS_OK), cancel() was called
  // (CS_ERR_BAD_HANDLE) or the deadline has passed (CS_ERR_TRY_AGAIN). Signals do not end the wait.
  // CS_ERR_INTERRUPT: a signal handler has called the library (see Opening::close()), and the
  // connection may be gone.
  [[nodiscard]] cs_error_t wait_event(Deadline deadline) noexcept;

  // Ends every present and future wait_event. Does not wait itself. Async-signal-safe. Only
  // requests may follow.
  void cancel() noexcept;

  // Readable when an event waits or, in shared-memory mode, the daemon is gone. For polling only.
  [[nodiscard]] int fd() const noexcept { return fd_; }
  // Hangs up when the daemon is gone, in either mode. Poll it for no events.
  [[nodiscard]] int life_fd() const noexcept { return setup_fd_; }
  // Whether the daemon is there; does not wait.
  [[nodiscard]] bool is_alive() const noexcept;

  // For a call that never returned. forget: no thread will take the answer with this number.
  // abandon_...: this thread may still hold the lock of the requests, or of the events.
  void forget(std::uint64_t ticket) noexcept;
  void abandon_request() noexcept;
  void abandon_event() noexcept;

 private:
  cs_error_t call(std::span<const std::byte> request, const ExpectedReply& slot,
                  Deadline deadline) noexcept;
  cs_error_t ask(std::span<const std::byte> request, const ExpectedReply& slot,
                 Deadline deadline) noexcept;
  cs_error_t take_turn(Deadline deadline) noexcept;
  cs_error_t lock_requests(Deadline deadline) noexcept;
  cs_error_t wait_for_reply(const ExpectedReply& slot, Deadline deadline) noexcept;
  cs_error_t look_for_reply(std::uint64_t ticket, const ExpectedReply& slot,
                            Deadline deadline) noexcept;
  void unlock_requests() noexcept;
  ssize_t send(std::span<const std::byte> request) noexcept;
  ssize_t receive(int limit_ms) noexcept;
  ssize_t receive_reply(Deadline deadline) noexcept;
  ssize_t spin_for_reply(Nanoseconds end) noexcept;
  ssize_t sleep_for_reply(Deadline deadline) noexcept;
  void sort_reply(ssize_t received) noexcept;
  bool lock_events() noexcept;
  void drop_stray_notification() noexcept;
  [[nodiscard]] bool is_owner() const noexcept;
  [[nodiscard]] bool owner_is_gone() noexcept;
  [[nodiscard]] bool can_be_woken() noexcept;
  void close_copies() noexcept;

  qb_ipcc_connection_t* const qb_;
  const pid_t owner_;
  const unsigned owner_forks_;  // forks() there
  const pid_t daemon_;          // 0 if unknown
  const int fd_;
  const int setup_fd_;  // the same in shared-memory mode
  const FileIdentity fd_identity_;
  const FileIdentity setup_identity_;
  const ino_t process_numbers_;  // the namespace in which owner_ is a process id; 0 if unknown
  const std::size_t buffer_size_;
  std::atomic<bool> cancelled_ = false;
  std::atomic<bool> owner_gone_ = false;  // known to be

  Mutex request_mutex_;  // guards what follows; never held for long
  HeapBytes reply_buffer_;
  SpinBudget spin_;
  unsigned requests_ = 0;
  std::uint64_t last_ticket_ = 0;
  std::uint64_t outstanding_ = 0;  // the request whose answer has not come; 0 if there is none
  bool wanted_ = false;            // a thread waits for that answer
  bool in_ring_ = false;           // libqb is about to change the rings of requests
  bool out_of_step_ = false;       // their contents are not known: no more requests
  KeptReplies kept_;

  Mutex event_mutex_;  // guards what follows
  HeapBytes event_buffer_;
  bool was_abandoned_ = false;  // a thread has vanished while it held the lock
  unsigned empty_wakes_ = 0;    // in a row: readable, and yet there was nothing
};

}  // namespace cs::ipc

#endif
