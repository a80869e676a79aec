// SPDX-License-Identifier: BSD-3-Clause
// Lives, commands and answers, and what the daemon is told.
#include <algorithm>
#include <signal.h>
#include <utility>

#include "simulation/invariants.h"

namespace cs::sam::simulation {
namespace {

// The daemon has answered for so long: nothing that it is owed can be left.
constexpr Nanoseconds kPatience = 3000 * kMs;
constexpr Nanoseconds kLongestPause = 1000 * kMs;
constexpr Nanoseconds kShortestPause = 10 * kMs;
constexpr Nanoseconds kLookPeriod = 100 * kMs;

}  // namespace

void Invariants::command_taken(Nanoseconds now, const Letter& letter) {
  did_something_ = true;
  require(++commands_ <= kMostCommands + (may_be_burying() ? 8192 : 0), now,
          "no round without bound");
  const CommandFrame& frame = letter.frame;
  if (!letter.is_frame || frame.instance != application_.instance()) return;
  if (frame.command == Command::kMarkFailed) is_marked_ = true;
  const Process* const main = application_.main();
  const bool has_died_of_it = main->is_alive || main->status == SIGKILL;
  if ((killed_ || killed_in_vain_) && has_died_of_it) {
    may_have_stopped_ |= frame.command == Command::kStop || frame.command == Command::kFinish;
    return;
  }
  switch (frame.command) {
    case Command::kStart:
      wanted_start_ = frame.sequence;
      start_letter_ = letter;
      start_taken_at_ = now;
      last_was_start_ = !has_finished_;
      return;
    case Command::kFinish:
      has_finished_ = true;
      [[fallthrough]];
    case Command::kStop:
      wanted_start_ = 0;
      last_was_start_ = is_running_ = false;
      lost_at_ = 0;
      return;
    case Command::kMarkFailed:
    case Command::kWarnSignal:
    case Command::kHealthCheck:
      return;
  }
}

void Invariants::replied(Nanoseconds now, const ReplyFrame& reply, bool was_sent) {
  did_something_ = true;
  owed_reply_ = was_sent ? 0 : reply.sequence;
  if (reply.status != CS_OK) {
    // A daemon's end may not tell that SIGKILL has reached it: then its last words count.
    require(is_stopping_ && (!is_running_ || may_be_settled()), now,
            "no start is refused but for an ordered stop");
    if (reply.sequence == wanted_start_) wanted_start_ = 0;
  }
  if (reply.sequence == wanted_start_ && wanted_start_ != 0 && !has_finished_ && !killed_) {
    if (!is_running_) started(now);
    count_from(now);
    counts_anew_ = true;
  }
}

void Invariants::started(Nanoseconds now) {
  const bool had_quorum = start_letter_.was_quorate || daemon_.founds() > start_letter_.founds;
  require(!settings_.policy.needs_quorum() || had_quorum, now, "no start without quorum");
  is_running_ = true;
  silent_since_ = limit_since_ = last_life_ = now;
  is_excused_ = had_busy_ = false;
  lost_at_ = 0;
}

// A helper, or a daemon that is given up, may write into the pipe after its last reading.
void Invariants::buried(Nanoseconds now) {
  is_forking_ = true;
  buried_from_ = round_began_;
  restart_tried_ = last_try_ = 0;
  trace_.note(now, "the supervisor has buried the instance");
  require(restarts_.decided(round_began_, now), now, "the limit of restarts is kept");
  require(application_.has_forked() || wires_.commands.empty(), now,
          "what a process said before it died counts");
}

void Invariants::stop_ordered(Nanoseconds now) {
  did_something_ = true;
  was_silent_ = warned_ || now - silent_since_ >= settings_.interval;
  is_stopping_ = true;
}

void Invariants::restart_tried(Nanoseconds now) {
  trace_.note(now, "(the next instance is tried)");
  require(now >= restarts_.earliest(), now, "no restart before the pause is over");
  require(last_try_ == 0 || now - last_try_ >= kShortestPause, now,
          "nobody tries again without a pause");
  restart_tried_ = last_try_ = now;
}

// A pause that is over is followed by a start, and each that fails by another one.
void Invariants::check_restart(Nanoseconds now, Deadline deadline) {
  restarts_.began_before(now);
  if (!is_forking_) return;
  restarts_.paused_before(now);
  if (restart_tried_ >= round_began_) restart_tried_ = now;  // and it has failed by now
  const Nanoseconds due = std::max(restarts_.latest(), restart_tried_ + kLongestPause);
  const bool is_tried = round_began_ < due + kMs;
  const bool is_in_time = deadline.when() <= std::max(restarts_.latest(), now + kLongestPause);
  require(is_tried && is_in_time, now, "a restart follows when the pause is over");
}

void Invariants::forked(Nanoseconds now) {
  did_something_ = is_forking_ = true;
  require(!is_stopping_, now, "an ordered stop is never followed by a restart");
  // Without the exit code of a daemon nobody knows whether another one goes on in its place.
  bool is_known = true;
  for (const Process& process : application_.processes()) is_known &= !process.is_stolen;
  for (const Process& process : application_.processes()) {
    const bool is_main = application_.main() != nullptr && process.pid == application_.main()->pid;
    // One that announces itself later may be unknown.
    const bool is_daemon =
        process.announced <= buried_from_ && process.instance == application_.instance();
    const bool is_proper = !application_.has_forked() || (is_daemon && is_known);
    const bool counts = (is_main && is_proper) || (is_daemon && killed_);
    require(!process.is_alive || process.dies_at != kNever || !counts, now, "never two instances");
  }
  if (application_.instance() == 0) return;
  require(settings_.policy.restarts() && !is_marked_, now, "who quits is not restarted");
  // A verdict that missed one process of an application goes on to the next, whatever it has said.
  require(last_was_start_ || may_be_settled(), now,
          "a stopped or finalized process is never restarted");
  require(data_.era > era_, now, "an acknowledged store is what the next instance finds");
  // A supervisor that stood still meanwhile may not have tried again since it failed to tell.
  const bool was_told = was_told_all(now) && daemon_.keys.state;
  require(!was_told || *daemon_.keys.state == "stopped", now,
          "keys never say more life than there is");
}

void Invariants::began(Nanoseconds now) {
  calls_ = commands_ = 0;  // burying the last one has a bound of its own
  restarts_.began(now);
  is_forking_ = false;
  over_since_ = 0;
  wanted_start_ = 0;
  is_running_ = has_finished_ = is_marked_ = last_was_start_ = warned_ = killed_ = killed_in_vain_ =
      may_have_stopped_ = false;
  has_lost_quorum_ = is_excused_ = grace_excused_ = had_busy_ = must_forgive_ = false;
  forget_excuses();
  asked_round_ = 0;
  silent_since_ = limit_since_ = last_life_ = now;
  last_beat_ = late_beat_at_ = lost_at_ = owed_reply_ = 0;
  excused_at_ = held_beat_ = 0;
  era_ = data_.era;
}

// The application is over for good: as far as that can be seen from outside.
bool Invariants::must_be_over(Nanoseconds now) const {
  const Process* const main = application_.main();
  if (main == nullptr || main->is_alive) return false;
  for (const Process& process : application_.processes()) {
    if (process.held_until > now - kLookPeriod && !process.is_reaped) return false;
  }
  if (main->is_child && main->status != 0 && !main->is_stolen) return true;
  return !application_.holds_pipe(wires_.pipe);
}

void Invariants::check_deaths(Nanoseconds now, const Awaited& awaited, Deadline deadline,
                              bool hears) {
  if (!must_be_over(now)) {
    over_since_ = 0;
    return;
  }
  if (over_since_ == 0) {  // it may have died a moment ago
    over_since_ = now;
    over_round_ = round_;
  }
  // From one process to the next it may take a while, and a verdict goes from each to the next.
  const bool is_long_ago = now - over_since_ > 1000 * kMs && round_ - over_round_ > 4;
  if (application_.has_forked() && !is_long_ago) return;
  const bool is_looked_for =
      awaited.process >= 0 || hears || is_forking_ || deadline.when() <= now + kLookPeriod + kMs;
  require(is_looked_for, now, "a death is answered within one round");
  const bool is_known = is_forking_ || over_since_ > round_began_ || over_since_ == now;
  require(is_known, now, "a death is answered within one round");
}

void Invariants::check_answers(Nanoseconds now, Deadline deadline) {
  const std::uint32_t pending = application_.pending();
  if (application_.has_forked() || deadline.has_passed(now) || pending == 0 || killed_ ||
      is_marked_ || !wires_.commands.empty())
    return;
  const bool may_wait = !is_running_ && !is_verdict_quorate_ && !is_stopping_;
  if (wanted_start_ == pending && may_wait) return;
  for (const ReplyFrame& reply : wires_.replies) {
    if (reply.sequence == pending && reply.instance == application_.instance()) return;
  }
  const bool is_owed = owed_reply_ == pending && deadline.when() <= now + kLongestPause + kMs;
  require(is_owed, now, "every start and stop is answered");
}

void Invariants::connected(Nanoseconds now, Service service, Deadline deadline, bool worked) {
  did_something_ = true;
  Nanoseconds& failed = failed_connect_[static_cast<int>(service)];
  // Taken for the application's end, though another of its processes is at work: the last words
  // follow.
  const bool is_unknown =
      application_.has_forked() && application_.main()->announced > round_began_;
  const bool is_end = gives_up_ || !application_.is_at_work() || may_be_settled() || is_unknown;
  require(failed == 0 || now - failed >= kShortestPause || is_end, now,
          "nobody tries again without a pause");
  const bool is_lost_quorum = service == Service::kQuorum && quorum_lost_ != 0;
  require(!is_lost_quorum || now - quorum_lost_ >= kShortestPause, now,
          "nobody tries again without a pause");
  if (round_ > 0) require(deadline.when() <= now + call_bound_, now, "no call without bound");
  failed = worked ? 0 : now;
}

// A connection that is lost is made again, whether anything else happens or not.
void Invariants::check_services(Nanoseconds now, Deadline deadline) {
  const bool lacks_quorum = settings_.policy.needs_quorum() && !daemon_.has_quorum_client();
  const bool lacks_cmap = settings_.policy.publishes() && !daemon_.cmap_connected;
  require(!(lacks_quorum || lacks_cmap) || deadline.when() <= now + kLongestPause + kMs, now,
          "a lost connection is made again");
}

void Invariants::called_daemon(Nanoseconds now, Deadline, Nanoseconds took) {
  did_something_ = true;
  with_daemon_ += took;
  if (round_ == 0) return;
  // Each of the last words of an instance may be worth telling.
  const unsigned calls = 4 + (may_be_burying() ? commands_ : 0);
  require(with_daemon_ <= calls * call_bound_ + 2 * kShortestPause, now, "no round without bound");
}

void Invariants::key_set(Nanoseconds now, const Keys& before, const Keys& after) {
  if (!after.any()) return;
  const bool is_limited = settings_.interval > 0;
  if (after.last_updated != before.last_updated && after.last_updated) {
    const auto updated = static_cast<Nanoseconds>(*after.last_updated);
    const bool counts = is_running_ && !killed_ && !gives_up_ && !application_.has_forked() &&
                        application_.is_at_work();
    const bool is_life = updated <= (counts ? last_life_ : now);
    require(is_life, now, "keys never say more life than there is");
  }
  if (after.state == before.state || !after.state) return;
  require(after.recovery && after.poll_period && after.last_updated, now,
          "the state is published last");
  if (*after.state == "running") {
    // And not yet buried; or killed in a process that was over, when its daemon asked for a stop.
    const bool is_over = killed_ || killed_in_vain_ || is_marked_ || application_.has_forked();
    require(is_running_ || wanted_start_ != 0 || is_over, now,
            "keys never say more life than there is");
    const bool may_be_excused = is_stopping_ || excused_at_ != 0;
    require(!is_limited || may_be_excused || *after.last_updated != 0, now,
            "the state is published last");
  }
  if (*after.state == "failed")
    require(*after.last_updated != 0, now, "the state is published last");
}

bool Invariants::was_told_all(Nanoseconds now) {
  if (std::exchange(answers_since_, daemon_.answers_since()) != daemon_.answers_since()) {
    answers_seen_ = now;
    answers_round_ = round_;
  }
  // Nor while the supervisor stands still.
  const bool was_slow = busy_before_ > kLookPeriod || now - round_began_ > kLookPeriod;
  if (answers_since_ > now || was_slow) answers_seen_ = now;
  return round_began_ - answers_seen_ > kPatience && round_ - answers_round_ > 5;
}

void Invariants::check_keys(Nanoseconds now) {
  if (!was_told_all(now) || !settings_.policy.publishes() || killed_ || is_forking_) return;
  if (!application_.is_at_work() || killed_in_vain_) return;
  const Keys& keys = daemon_.keys;
  const bool is_complete = keys.recovery && keys.poll_period && keys.last_updated && keys.state;
  require(is_complete, now, "what the daemon was not told is made up for");
  if (!wires_.commands.empty()) return;
  const char* const state = is_running_          ? "running"
                            : wanted_start_ != 0 ? "waiting for quorum"
                                                 : "stopped";
  require(*keys.state == state, now, "what the daemon was not told is made up for");
  const auto updated = static_cast<Nanoseconds>(*keys.last_updated);
  const bool is_old = has_limit() && last_beat_ > excused_at_ && last_beat_ < round_began_ &&
                      updated < last_beat_ - 2 * kTick;
  require(!is_old, now, "what the daemon was not told is made up for");
  // The one of an ordered stop lasts longer than this world.
  const bool is_quiet = is_stopping_ && !was_silent_ && is_limited() && !application_.has_forked();
  require(!is_quiet || updated == 0, now, "no time grows old while a silence is excused");
}

void Invariants::ended(Nanoseconds now, const Ending& ending) {
  require(ending.kind != Ending::Kind::kNewLife, now, "the supervisor is no instance");
  const bool is_first = application_.instance() == 0;
  const bool is_left = application_.is_at_work() && !application_.has_forked();
  require(!is_left || application_.main()->dies_at != kNever, now,
          "the supervisor does not leave its instance");
  const bool failed = ending.kind == Ending::Kind::kFailed;
  require(failed == (gives_up_ || is_first), now, "the supervisor does not give up");
  const bool ends_well = (!last_was_start_ || is_stopping_) && !is_marked_;
  if (!failed && !ends_well && !may_have_stopped_ && !is_marked_ && settings_.policy.restarts()) {
    require(restarts_.may_be_enough(round_began_), now, "who was started is restarted");
    require(ending.exit_code != 0, now, "a crash loop that ends does not look like a success");
  }
  if (!settings_.policy.publishes() || round_began_ - daemon_.answers_since() < kPatience) return;
  if (may_have_stopped_) return;
  const bool leaves_failed = failed ? !is_first : !ends_well;
  const Keys& keys = daemon_.keys;
  require(leaves_failed ? keys.state == "failed" : !keys.any(), now,
          "keys never say more life than there is");
}

}  // namespace cs::sam::simulation
