// SPDX-License-Identifier: BSD-3-Clause
// Cleaning up when a thread ends inside a call: by cancellation, or after siglongjmp has taken it
// out of the call. pthread's cleanup handlers would not do: after a siglongjmp they point into a
// frame that is gone.
#ifndef CS_SAM_THREAD_EXIT_H
#define CS_SAM_THREAD_EXIT_H

namespace cs::sam {

// While this lives, the function is called if the calling thread ends. If the thread leaves the
// frame by siglongjmp, it is called afterwards as well.
class ThreadExit {
 public:
  using Function = void (*)(void* argument) noexcept;

  // Function and argument must be the same each time.
  ThreadExit(Function function, void* argument) noexcept;
  ~ThreadExit();
  ThreadExit(const ThreadExit&) = delete;
  ThreadExit& operator=(const ThreadExit&) = delete;

  // False when there is no memory for it.
  [[nodiscard]] explicit operator bool() const noexcept { return is_armed_; }

 private:
  void* const previous_;  // belongs to a call that a signal handler has interrupted
  const bool is_armed_;
};

}  // namespace cs::sam

#endif
