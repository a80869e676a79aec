// SPDX-License-Identifier: BSD-3-Clause
// Fuzz target: what an active process makes its supervisor do by whatever bytes it writes into the
// command pipe, mixed with health checks, verdicts of the quorum service and time that passes.
//
// An input: policy (1 byte), interval in ms (1), then steps: kind (1), and for a step of kind 0 as
// many bytes as its next byte says (modulo 16) go into the pipe; other kinds take one byte.
#include <optional>

#include "message.h"
#include "sam/shared/frames.h"
#include "sam/supervisor/rules.h"

namespace {

using namespace cs::sam;
using cs::Nanoseconds;
using cs::fuzz::require;

constexpr Nanoseconds kResolution = 4 * cs::kNanosecondsPerMillisecond;

class Input {
 public:
  explicit Input(std::span<const std::byte> bytes) : left_(bytes) {}
  [[nodiscard]] bool is_empty() const { return left_.empty(); }
  std::uint8_t byte() { return is_empty() ? 0 : static_cast<std::uint8_t>(take(1)[0]); }
  std::span<const std::byte> take(std::size_t count) {
    const auto taken = left_.first(std::min(count, left_.size()));
    left_ = left_.subspan(taken.size());
    return taken;
  }

 private:
  std::span<const std::byte> left_;
};

Settings settings_from(Input& input) {
  constexpr unsigned kPolicies[] = {SAM_RECOVERY_POLICY_QUIT, SAM_RECOVERY_POLICY_RESTART,
                                    SAM_RECOVERY_POLICY_QUORUM_QUIT,
                                    SAM_RECOVERY_POLICY_QUORUM_RESTART};
  const auto policy = RecoveryPolicy::parse(kPolicies[input.byte() % 4]);
  require(policy.has_value());
  return Settings::from(*policy, input.byte());
}

// Made once; each input leaves it empty.
const Pipe& command_pipe() {
  static const Pipe pipe = open_pipe();
  static const bool ready = pipe.read_end && pipe.write_end &&
                            set_nonblocking(pipe.read_end.get()) &&
                            set_nonblocking(pipe.write_end.get());
  require(ready);
  return pipe;
}

// A supervisor without processes: the real pipe, the real rules, and an account of what they say.
class Supervision {
 public:
  Supervision(const Settings& settings, bool quorate)
      : settings_(settings), rules_(settings, kResolution, quorate), pipe_(command_pipe()) {
    accept(rules_.instance_began());
  }

  void receive(std::span<const std::byte> bytes) {
    if (!bytes.empty()) (void)send_bytes(pipe_.write_end.get(), bytes);
    CommandFrame frame;
    for (Received got; (got = receive_frame(pipe_.read_end.get(), frame)) != Received::kNothing;) {
      require(got == Received::kFrame || got == Received::kGarbage);
      if (got == Received::kFrame) take(frame);
    }
  }

  void beat(std::uint8_t age) { last_beat_ = now_ - age * cs::kNanosecondsPerMillisecond; }

  void tell_quorum(bool quorate) {
    const Decision decision = rules_.quorum_told(quorate, now_);
    // Nobody is warned of the loss of what he did not ask for.
    require(settings_.policy.needs_quorum() || decision.signal == Decision::Signal::kNone);
    accept(decision);
  }

  void pass(std::uint8_t milliseconds, Nanoseconds overslept) {
    const bool had_limit = rules_.has_time_limit();
    now_ += milliseconds * cs::kNanosecondsPerMillisecond;
    const Decision decision = rules_.time_passed(now_, last_beat_, overslept);
    require(had_limit || decision.signal == Decision::Signal::kNone);
    require(!decision.reply);
    accept(decision);
    require(!rules_.next_deadline().has_passed(now_));  // or the supervisor would spin
  }

 private:
  void take(const CommandFrame& frame) {
    switch (frame.command) {
      case Command::kStart:
        waiting_ = frame.sequence;
        return accept_answer(rules_.start_asked(frame.sequence, now_), frame);
      case Command::kStop:
        return accept_answer(rules_.stop_asked(frame.sequence), frame);
      case Command::kFinish:
        return accept(rules_.finished());
      case Command::kMarkFailed:
        return accept(rules_.failure_marked());
      case Command::kWarnSignal:
      case Command::kHealthCheck:
        return;
    }
  }

  // A stop that nobody waits for is the answer to a start that somebody does wait for.
  void accept_answer(const Decision& decision, const CommandFrame& frame) {
    require(!decision.reply || *decision.reply == frame.sequence ||
            (frame.sequence == 0 && *decision.reply == waiting_));
    require(decision.signal == Decision::Signal::kNone);
    accept(decision);
  }

  // Once it has been sent SIGKILL there is nothing to be said to a process, and nothing about it.
  void accept(const Decision& decision) {
    if (killed_) {
      require(decision.signal != Decision::Signal::kWarn);
      require(!decision.publish && !decision.reply);
      require(!rules_.has_time_limit());
    }
    killed_ = killed_ || decision.signal == Decision::Signal::kKill;
    if (killed_) require(rules_.instance_died() != Recovery::kQuitStopped);
  }

  const Settings settings_;
  Rules rules_;
  const Pipe& pipe_;
  Nanoseconds now_ = 1'000'000'000;
  Nanoseconds last_beat_ = 0;
  std::uint32_t waiting_ = 0;  // number of the last start
  bool killed_ = false;
};

void run_step(Supervision& supervision, Input& input) {
  switch (input.byte() % 5) {
    case 0:
      return supervision.receive(input.take(input.byte() % 16));
    case 1:
      return supervision.beat(input.byte());
    case 2:
      return supervision.tell_quorum(input.byte() % 2 != 0);
    case 3:
      return supervision.pass(input.byte(), 0);
    default:
      const std::uint8_t late = input.byte();
      return supervision.pass(late, late * cs::kNanosecondsPerMillisecond);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(cs::fuzz::input(data, size));
  const Settings settings = settings_from(input);
  Supervision supervision(settings, input.byte() % 2 != 0);
  while (!input.is_empty()) run_step(supervision, input);
  return 0;
}
