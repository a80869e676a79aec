// SPDX-License-Identifier: BSD-3-Clause
// Whether a signal handler of this program can leave a call of ours by a jump.
#ifndef CS_IPC_JUMPS_H
#define CS_IPC_JUMPS_H

namespace cs::ipc {

// True when a loaded object imports siglongjmp or one of its kind, or when the program is linked
// statically, so that there is no telling. The first call looks at all objects, and so does a later
// one if something has been loaded since. Do not let the thread vanish: the loader's lock is held.
[[nodiscard]] bool program_can_jump() noexcept;

}  // namespace cs::ipc

#endif
