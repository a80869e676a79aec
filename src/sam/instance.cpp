// SPDX-License-Identifier: BSD-3-Clause
// Talking to one instance.
#include "sam/instance.h"

namespace cs::sam {

bool Instance::next_command(CommandFrame& frame) noexcept {
  for (;;) {
    const Received received = receive_frame(channel_.commands(), frame);
    cut_off_ = received == Received::kClosed;
    if (received == Received::kGarbage) continue;
    if (received != Received::kFrame) return false;
    if (frame.instance == id_) return true;
  }
}

void Instance::reply(std::uint32_t sequence) noexcept {
  last_reply_ = sequence;
  const auto sent = send_frame(channel_.replies(), ReplyFrame{id_, sequence, CS_OK});
  if (sent == Sent::kFull) {
    reply_retry_.failed(monotonic_now());
  } else {
    reply_retry_.succeeded();
  }
}

void Instance::catch_up(Nanoseconds now) noexcept {
  if (reply_retry_.is_behind() && reply_retry_.may_try(now)) reply(last_reply_);
}

}  // namespace cs::sam
