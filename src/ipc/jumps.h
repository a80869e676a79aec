// SPDX-License-Identifier: BSD-3-Clause
// Can a signal handler of this program leave a call of ours by a jump?
#ifndef CS_IPC_JUMPS_H
#define CS_IPC_JUMPS_H

namespace cs::ipc {

// Whether something that is loaded now wants siglongjmp or one of its kind from another object, or
// is linked statically, so that one cannot tell. Looks at everything when it is called first and
// when something was loaded since. Not to be left halfway: the loader's lock is held.
[[nodiscard]] bool program_can_jump() noexcept;

}  // namespace cs::ipc

#endif
