// SPDX-License-Identifier: BSD-3-Clause
// One connection to a service of the daemon, over libqb: requests and their answers, events.
//
// libqb has no locks, believes the peer, waits without limit and sleeps for every answer; this
// class is where all of that is made good, for every client of ours.
#ifndef CS_IPC_CONNECTION_H
#define CS_IPC_CONNECTION_H

#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/types.h>
#include <type_traits>

#include <corosync/corotypes.h>
#include <qb/qbipcc.h>

#include "common/clock.h"
#include "common/heap.h"
#include "common/mutex.h"
#include "common/result.h"
#include "common/unique_fd.h"
#include "ipc/reply.h"
#include "ipc/spin_budget.h"
#include "wire/header.h"

namespace cs::ipc {

// Safe for any number of threads, except that destruction must be the last use.
//
// fork: the connection belongs to the process that made it. A child that destroys it closes its
// copy of the descriptor and leaves libqb's memory alone, since a disconnect there would cut off
// the parent.
class Connection {
 public:
  // Connects to a service by name. Errors: what status_from_errno makes of libqb's errno;
  // CS_ERR_TRY_AGAIN also when the daemon does not answer before the deadline; CS_ERR_ACCESS when
  // the listener is neither root nor ourselves (nothing it names has been opened by then).
  // errno is that of the failure.
  [[nodiscard]] static Result<HeapPtr<Connection>> connect(const char* service,
                                                           Deadline deadline) noexcept;

  Connection(qb_ipcc_connection_t* connection, HeapBytes reply_buffer, HeapBytes event_buffer,
             std::size_t buffer_size, UniqueFd cancel) noexcept;
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Sends a request and returns its answer, checked: id and length are as the protocol says, and
  // the header says CS_OK. A Request has kId, header and the type Reply; only header.size bytes
  // of it are sent (all of it when size is 0). A Reply has kId, kMinSize and header.
  //
  // Errors: the code in the answer's header; CS_ERR_MESSAGE_ERROR for an answer that does not
  // follow the protocol (the connection stays usable); CS_ERR_LIBRARY when the daemon is gone;
  // CS_ERR_TRY_AGAIN when the request could not be sent now or the deadline passed first. An answer
  // that comes after its deadline is discarded, never taken for another's.
  template <typename Request>
  [[nodiscard]] Result<typename Request::Reply> call(
      Request request, Deadline deadline = Deadline::never()) noexcept {
    using Reply = typename Request::Reply;
    static_assert(std::has_unique_object_representations_v<Request>, "a byte sent has no name");
    static_assert(std::is_trivially_copyable_v<Reply>);
    request.header.id = Request::kId;
    if (request.header.size == 0) request.header.size = sizeof(Request);
    Reply reply;
    const cs_error_t status = exchange(
        {reinterpret_cast<const std::byte*>(&request),
         static_cast<std::size_t>(request.header.size)},
        {Reply::kId, Reply::kMinSize, std::as_writable_bytes(std::span(&reply, 1))}, deadline);
    if (status != CS_OK) return status;
    return reply;
  }

  // Takes the next event that has arrived; does not wait. Returns how many bytes were put into
  // into, which has room for a header at least. Of an event that is longer than into only the
  // header is put there, so that one of a kind not known can be told from a wrong one. Errors:
  // CS_ERR_TRY_AGAIN when there is none; CS_ERR_MESSAGE_ERROR when it is shorter than a header or
  // its length field lies (it is dropped); CS_ERR_LIBRARY when the daemon is gone.
  [[nodiscard]] Result<std::size_t> next_event(std::span<std::byte> into) noexcept;

  // Waits until an event may have arrived or the daemon is gone (CS_OK), cancel() was called
  // (CS_ERR_BAD_HANDLE) or the deadline has passed (CS_ERR_TRY_AGAIN). Signals do not end the wait.
  [[nodiscard]] cs_error_t wait_event(Deadline deadline) noexcept;

  // Ends every present and future wait_event. Does not wait itself. Async-signal-safe.
  void cancel() noexcept;

  // Readable when an event waits or the daemon is gone. Only to be polled.
  [[nodiscard]] Result<int> fd() noexcept;

 private:
  cs_error_t exchange(std::span<const std::byte> request, const ReplySlot& slot,
                      Deadline deadline) noexcept;
  ssize_t receive_reply(Deadline deadline) noexcept;
  ssize_t spin_for_reply(Nanoseconds end) noexcept;
  ssize_t sleep_for_reply(Deadline deadline) noexcept;
  cs_error_t discard_late_replies(Deadline deadline) noexcept;

  qb_ipcc_connection_t* const connection_;
  const pid_t owner_;
  const pid_t daemon_;  // 0 if unknown
  const std::size_t buffer_size_;
  const UniqueFd cancel_;  // an eventfd

  Mutex request_mutex_;  // guards what follows
  HeapBytes reply_buffer_;
  SpinBudget spin_;
  unsigned requests_ = 0;
  unsigned late_replies_ = 0;  // answers not yet received whose callers have left
  bool out_of_step_ = false;   // whether the last request was sent is not known: no more of them

  Mutex event_mutex_;  // guards what follows
  HeapBytes event_buffer_;
};

}  // namespace cs::ipc

#endif
