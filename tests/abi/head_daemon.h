// SPDX-License-Identifier: BSD-3-Clause
// A script for the stand-in that answers about extra info as the daemon of upstream's development
// head does. The local node is 1; a node 2 is there too, with extra info of its own.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "votequorum_standin/stand_in_test.h"

namespace cs::test {

class HeadDaemon {
 public:
  void operator()(Peer& peer, const Request& request) {
    switch (request.id()) {
      case kGetInfo:
        return get_info(peer);
      case kTrackStart:
        return track_start(peer, request.u32(16));
      case kRegister:
        registered_ = true;
        return peer.reply(status_reply());
      case kUnregister:
        registered_ = false;
        return store(peer, {});
      case kSetExtraInfo:
        return set(peer, request);
      case kGetExtraInfo:
        return get(peer, request.u32(16));
      default:
        return peer.reply(status_reply(CS_ERR_LIBRARY));
    }
  }

 private:
  void get_info(Peer& peer) const {
    const std::uint32_t flag = info_.at(1).empty() ? 0 : 1024;
    peer.reply(info_reply(1).put32(52, 2 | 64 | flag));
  }

  // The context is below 4 GiB here.
  void track_start(Peer& peer, std::uint32_t context) {
    context_ = context;
    peer.event(nodelist_event(context, 1, 5, {1, 2}));
    peer.event(quorum_event(context, 1, {{1, 1}, {2, 1}}));
    for (const auto& [node, info] : info_) {
      if (!info.empty()) peer.event(extra_info_event(context, node, info));
    }
    peer.reply(status_reply());
  }

  void set(Peer& peer, const Request& request) {
    const std::uint32_t size = request.u32(16);
    if (size > 4096) return peer.reply(status_reply(CS_ERR_INVALID_PARAM));
    if (!registered_) return peer.reply(status_reply(CS_ERR_NOT_EXIST));
    const auto* const data = reinterpret_cast<const char*>(request.bytes().data() + 20);
    store(peer, std::string(data, size));
  }

  void store(Peer& peer, const std::string& info) {
    info_[1] = info;
    peer.reply(status_reply());
    if (context_) peer.event(extra_info_event(*context_, 1, info));
  }

  // With an error the field of the size holds whatever there was.
  void get(Peer& peer, std::uint32_t node) const {
    const auto found = info_.find(node);
    if (found != info_.end()) return peer.reply(extra_info_reply(found->second));
    peer.reply(Message(6, 32).error(CS_ERR_NOT_EXIST).put32(24, 4000));
  }

  std::map<std::uint32_t, std::string> info_{{0, ""}, {1, ""}, {2, "second"}};
  std::optional<std::uint32_t> context_;
  bool registered_ = false;
};

}  // namespace cs::test
