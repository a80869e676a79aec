// SPDX-License-Identifier: BSD-3-Clause
// The world of a supervisor on Linux.
#ifndef CS_SAM_LINUX_WORLD_H
#define CS_SAM_LINUX_WORLD_H

#include <sys/types.h>

#include "sam/operator/forwarding.h"
#include "sam/operator/log.h"
#include "sam/operator/notices.h"
#include "sam/operator/settings.h"
#include "sam/shared/channel.h"
#include "sam/shared/store.h"
#include "sam/supervisor/child_signal.h"
#include "sam/supervisor/cmap_client.h"
#include "sam/supervisor/quorum_client.h"
#include "sam/supervisor/world.h"

namespace cs::sam {

// Opens a pidfd, clear of standard input and output; by default the system call. A function that
// fails makes everything do without.
using PidfdOpen = int (*)(pid_t pid);
int open_pidfd(pid_t pid) noexcept;

// Lives as long as sam_register runs. A new instance returns from there, and its destructor is how
// it sheds what belongs to the supervisor: the pipes' other ends, SIGCHLD's disposition, and the
// connection to cmap, which notices that it is another process's and closes only its copy of the
// descriptors. There is one at a time in a process.
class LinuxWorld : public World {
 public:
  // The settings live longer.
  LinuxWorld(QuorumClient& quorum, Store& store, const OperatorSettings& asked,
             PidfdOpen opener = sam::open_pidfd) noexcept;
  ~LinuxWorld();

  // Makes pipes and page. False, with errno, when there are no descriptors or no memory.
  [[nodiscard]] bool open() noexcept;

  // From now on signals are passed on, as far as that is asked for.
  void begin_forwarding(SignalSet signals) noexcept { forwarding_.begin(signals); }

  // In a new instance.
  [[nodiscard]] ActiveEnds take_active_ends() noexcept { return channel_.take_active_ends(); }
  // In a supervisor that is about to exit: the application's handlers may run then. Signals that
  // were to be passed on find nobody, and do nothing.
  void give_back() noexcept;

 private:
  friend class World;

  static void after_fork() noexcept;
  [[nodiscard]] ServiceConnection& connection(Service service) noexcept {
    if (service == Service::kQuorum) return quorum_;
    return cmap_;
  }
  [[nodiscard]] const ServiceConnection& connection(Service service) const noexcept {
    if (service == Service::kQuorum) return quorum_;
    return cmap_;
  }

  QuorumClient& quorum_;
  CmapClient cmap_;
  Store& store_;
  ChildSignal child_signal_;
  Forwarding forwarding_;  // gives back before that
  Log log_;
  NoticeSocket notices_;
  Channel channel_;
  const PidfdOpen open_;
  bool is_forking_ = false;  // an instance
  bool is_copy_ = false;     // this process is no supervisor, but was forked by a handler in one
};

}  // namespace cs::sam

#endif
