// SPDX-License-Identifier: BSD-3-Clause
// What the service manager is told, and when: the messages of sd_notify, without its library.
#ifndef CS_SAM_NOTICES_H
#define CS_SAM_NOTICES_H

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <sys/types.h>

#include "common/clock.h"
#include "common/unique_fd.h"
#include "sam/operator/log.h"
#include "sam/operator/settings.h"

namespace cs::sam {

// What the service manager is told; each message says all of it.
struct ServiceStatus {
  bool is_ready = false;     // an instance has been started
  bool is_stopping = false;  // for good
  unsigned instance = 0;
  Reason last_death = {};
};

// Decides when a message is due; pure. What could not be sent is tried again.
class Notices {
 public:
  // watchdog: how often the service manager wants to hear of us; 0: never.
  Notices(bool is_on, Nanoseconds watchdog) noexcept : is_on_(is_on), period_(watchdog / 2) {}

  // There is something new to tell: at once, or when a pause since the last message is over, so
  // that a crash loop does not flood the service manager.
  void change(bool is_urgent) noexcept {
    owes_ = is_on_;
    if (is_urgent) next_message_ = 0;
  }

  [[nodiscard]] Deadline next_deadline(bool is_healthy) const noexcept {
    if (owes_) return Deadline::at(next_message_);
    return is_on_ && is_healthy && period_ > 0 ? Deadline::at(next_sign_) : Deadline::never();
  }

  // Whether the next message is also a sign of life.
  [[nodiscard]] bool is_sign_of_life(bool is_healthy) const noexcept {
    return is_healthy && period_ > 0;
  }
  void sent(bool was_sign_of_life, Nanoseconds now) noexcept {
    owes_ = false;
    next_message_ = now + kPause;
    if (was_sign_of_life) next_sign_ = now + period_;
  }
  void failed(Nanoseconds now) noexcept {
    owes_ = true;
    next_message_ = now + kPause;
  }

 private:
  static constexpr Nanoseconds kPause = 100 * kNanosecondsPerMillisecond;

  bool is_on_;
  bool owes_ = false;
  Nanoseconds period_;
  Nanoseconds next_message_ = 0;
  Nanoseconds next_sign_ = 0;
};

// The message; terminated, its length is returned.
inline constexpr std::size_t kNoticeRoom = 192;
std::size_t format_notice(const ServiceStatus& status, bool is_sign_of_life,
                          char (&text)[kNoticeRoom]) noexcept;

// The way to the service manager. Never waits.
class NoticeSocket {
 public:
  explicit NoticeSocket(const OperatorSettings& settings) noexcept : settings_(settings) {}

  // False when the message is lost.
  [[nodiscard]] bool send(std::string_view message) noexcept;

 private:
  bool connect() noexcept;

  const OperatorSettings& settings_;
  UniqueFd socket_;
};

// How often that process has to give a sign of life; 0: never.
[[nodiscard]] inline Nanoseconds watchdog_of(const OperatorSettings& settings,
                                             pid_t process) noexcept {
  const bool is_meant = settings.watchdog_pid == 0 || settings.watchdog_pid == process;
  return settings.notifies && is_meant ? settings.watchdog : 0;
}

}  // namespace cs::sam

#endif
