// SPDX-License-Identifier: BSD-3-Clause
// Talking to one instance.
#include "sam/instance.h"

namespace cs::sam {

bool Instance::next_command(CommandFrame& frame) noexcept {
  while (!silent_) {
    switch (receive_frame(ends_.commands.get(), frame)) {
      case Received::kFrame:
        return true;
      case Received::kGarbage:
        continue;
      case Received::kNothing:
        return false;
      case Received::kClosed:
        silent_ = true;
    }
  }
  return false;
}

void Instance::reply(std::uint32_t sequence) noexcept {
  (void)send_frame(ends_.replies.write_end.get(), ReplyFrame{sequence, CS_OK});
}

}  // namespace cs::sam
