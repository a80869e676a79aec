// SPDX-License-Identifier: BSD-3-Clause
// The test's side of the tracking client: it listens, and draws its conclusions.
#include "cluster/tracking_client.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <ostream>
#include <sstream>
#include <system_error>

#include "cluster/tracker.h"

namespace cs::test {
namespace {

const char* name_of(Notice::Kind kind) {
  switch (kind) {
    case Notice::Kind::kConnected:
      return "connected";
    case Notice::Kind::kNodelist:
      return "nodelist";
    case Notice::Kind::kQuorum:
      return "quorum";
    case Notice::Kind::kExpectedVotes:
      return "expected votes";
    case Notice::Kind::kLost:
      return "lost";
    case Notice::Kind::kWrong:
      break;
  }
  return "wrong answer";
}

}  // namespace

std::vector<unsigned> Notice::member_ids() const {
  std::vector<unsigned> ids(members, members + member_count);
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::string Notice::ring_id() const {
  std::ostringstream text;
  text << std::hex << ring_node << "." << ring_seq;
  return text.str();
}

std::ostream& operator<<(std::ostream& out, const Notice& notice) {
  out << notice.time / kNanosecondsPerMillisecond << " ms: " << name_of(notice.kind);
  if (notice.kind == Notice::Kind::kNodelist) out << " " << notice.ring_id();
  if (notice.kind == Notice::Kind::kQuorum) out << (notice.quorate != 0 ? " quorate" : " lost");
  if (notice.votes != 0) out << ", votes " << notice.votes;
  if (notice.member_count != 0) out << ", members";
  for (const unsigned id : notice.member_ids()) out << " " << id;
  if (notice.result != CS_OK) out << ", result " << notice.result;
  if (notice.line != 0) out << ", line " << notice.line;
  return out;
}

TrackingClient::TrackingClient(const ClusterNode& node, Style style)
    : node_(node.id()), style_(style) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw std::system_error(errno, std::generic_category(), "pipe2");
  pipe_.reset(ends[0]);
  const UniqueFd log(ends[1]);
  process_ = node.run([&] {
    pipe_.reset();
    stop_.keep_only_waiting();
    return track(style, stop_, log.get());
  });
  stop_.keep_only_opening();
}

const std::vector<Notice>& TrackingClient::notices() {
  Notice notice;
  pollfd source{pipe_.get(), POLLIN, 0};
  while (::poll(&source, 1, 0) > 0 &&
         ::read(pipe_.get(), &notice, sizeof(notice)) == sizeof(notice)) {
    notices_.push_back(notice);
  }
  return notices_;
}

View TrackingClient::view() {
  View view;
  for (const Notice& notice : notices()) {
    switch (notice.kind) {
      case Notice::Kind::kNodelist:
        view = {.ring_id = notice.ring_id(), .members = notice.member_ids()};
        break;
      case Notice::Kind::kQuorum:
        view.answered = notice.member_ids() == view.members;
        view.quorate = notice.quorate != 0;
        view.total_votes = notice.votes;
        break;
      case Notice::Kind::kExpectedVotes:
        break;
      case Notice::Kind::kConnected:
      case Notice::Kind::kLost:
      case Notice::Kind::kWrong:
        view = {};
    }
  }
  return view;
}

std::size_t TrackingClient::count(Notice::Kind kind) {
  const auto& all = notices();
  return static_cast<std::size_t>(std::count_if(
      all.begin(), all.end(), [&](const Notice& notice) { return notice.kind == kind; }));
}

Nanoseconds TrackingClient::last(Notice::Kind kind) {
  Nanoseconds time = 0;
  for (const Notice& notice : notices()) time = notice.kind == kind ? notice.time : time;
  return time;
}

Outcome TrackingClient::stop() {
  stop_.open();
  return process_.wait();
}

std::string TrackingClient::story() {
  constexpr std::size_t kMost = 40;
  std::ostringstream text;
  text << "n" << node_ << (style_ == Style::kBlocking ? ", blocking:\n" : ", polling:\n");
  const auto& all = notices();
  const auto skipped = static_cast<std::ptrdiff_t>(all.size() > kMost ? all.size() - kMost : 0);
  for (auto at = std::next(all.begin(), skipped); at != all.end(); ++at)
    text << "  " << *at << "\n";
  return text.str();
}

}  // namespace cs::test
