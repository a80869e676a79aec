// SPDX-License-Identifier: BSD-3-Clause
// Reading the daemon's log, and holding a client's notices against it.
#include "cluster/daemon_story.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <ostream>
#include <sstream>

namespace cs::test {
namespace {

// What follows `mark` in `line`; none if it is not there.
std::optional<std::string> after(const std::string& line, const std::string& mark) {
  const std::size_t at = line.find(mark);
  if (at == std::string::npos) return std::nullopt;
  return line.substr(at + mark.size());
}

std::vector<unsigned> numbers(const std::string& text) {
  std::istringstream in(text);
  std::vector<unsigned> result{std::istream_iterator<unsigned>(in), {}};
  std::sort(result.begin(), result.end());
  return result;
}

// One line at a time: "Sync members[2]: 1 2", "A new membership (1.a) was formed", "within the
// primary component" if the verdict changes, "Completed service synchronization".
class LogReader {
 public:
  void take(const std::string& line) {
    if (line.find("Corosync Cluster Engine") != std::string::npos) quorate_ = false;
    if (const auto members = after(line, "[QUORUM] Sync members[")) {
      members_ = numbers(after(*members, ":").value_or(""));
    } else if (const auto ring = after(line, "A new membership (")) {
      formed(ring->substr(0, ring->find(')')));
    } else if (line.find("within the primary component") != std::string::npos) {
      quorate_ = true;
    } else if (line.find("within the non-primary component") != std::string::npos) {
      quorate_ = false;
    } else if (line.find("Completed service synchronization") != std::string::npos) {
      completed();
    }
  }

  [[nodiscard]] std::vector<Membership> result() && { return std::move(memberships_); }

 private:
  void formed(const std::string& ring_id) {
    const std::string sequence = ring_id.substr(ring_id.find('.') + 1);
    memberships_.push_back(
        {.ring_id = ring_id, .ring_seq = std::stoull(sequence, nullptr, 16), .members = members_});
  }

  void completed() {
    if (memberships_.empty()) return;
    memberships_.back().completed = true;
    memberships_.back().quorate = quorate_;
  }

  std::vector<Membership> memberships_;
  std::vector<unsigned> members_;
  bool quorate_ = false;
};

// Walks through the notices of a client.
class Auditor {
 public:
  explicit Auditor(const std::vector<Membership>& memberships) : memberships_(memberships) {}

  void take(const Notice& notice) {
    switch (notice.kind) {
      case Notice::Kind::kConnected:
        current_ = nullptr;
        connected_ = true;
        break;
      case Notice::Kind::kNodelist:
        begin(notice);
        break;
      case Notice::Kind::kQuorum:
        judge(notice);
        break;
      case Notice::Kind::kLost:
        connected_ = false;
        current_ = nullptr;
        if (notice.result != CS_ERR_LIBRARY) complain() << "the loss was told as " << notice;
        break;
      case Notice::Kind::kExpectedVotes:
        break;
      case Notice::Kind::kWrong:
        complain() << notice;
    }
  }

  testing::AssertionResult verdict() {
    if (!connected_ || current_ == nullptr) {
      complain() << "there is no connection at the end";
    } else {
      end_of_current();
      expect_none_between(last_seq_, UINT64_MAX);
    }
    const std::string found = complaints_.str();
    if (found.empty()) return testing::AssertionSuccess();
    return testing::AssertionFailure() << found;
  }

 private:
  std::ostream& complain() { return complaints_ << "\n- "; }

  void begin(const Notice& notice) {
    const bool first = current_ == nullptr;
    if (!first) end_of_current();
    if (notice.ring_seq <= last_seq_) complain() << "goes back: " << notice;
    if (!first) expect_none_between(last_seq_, notice.ring_seq);
    last_seq_ = notice.ring_seq;
    state_.reset();
    current_ = find(notice.ring_id());
    if (current_ == nullptr) {
      complain() << "the daemon knows of no such ring: " << notice;
    } else if (current_->members != notice.member_ids()) {
      complain() << "other members than the daemon's: " << notice;
    }
  }

  void judge(const Notice& notice) {
    if (current_ == nullptr) complain() << "no nodelist before this: " << notice;
    state_ = notice;
  }

  // What was last said of a membership is what the daemon found.
  void end_of_current() {
    if (!current_->completed) return;
    if (!state_) {
      complain() << "no quorum state for ring " << current_->ring_id;
    } else if (state_->member_ids() != current_->members ||
               (state_->quorate != 0) != current_->quorate) {
      complain() << "not the daemon's verdict on ring " << current_->ring_id << ": " << *state_;
    }
  }

  void expect_none_between(std::uint64_t first, std::uint64_t last) {
    for (const Membership& membership : memberships_) {
      if (!membership.completed) continue;
      if (membership.ring_seq <= first || membership.ring_seq >= last) continue;
      complain() << "never told of ring " << membership.ring_id;
    }
  }

  const Membership* find(const std::string& ring_id) const {
    const auto found = std::find_if(memberships_.begin(), memberships_.end(),
                                    [&](const Membership& m) { return m.ring_id == ring_id; });
    return found == memberships_.end() ? nullptr : &*found;
  }

  const std::vector<Membership>& memberships_;
  const Membership* current_ = nullptr;  // null: no nodelist yet on this connection
  std::optional<Notice> state_;          // the latest for `current_`
  std::uint64_t last_seq_ = 0;
  bool connected_ = false;
  std::ostringstream complaints_;
};

}  // namespace

std::vector<Membership> memberships_in(const std::string& log) {
  LogReader reader;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) reader.take(line);
  return std::move(reader).result();
}

testing::AssertionResult told_everything(const std::vector<Notice>& notices,
                                         const std::vector<Membership>& memberships) {
  Auditor auditor(memberships);
  for (const Notice& notice : notices) auditor.take(notice);
  return auditor.verdict();
}

}  // namespace cs::test
