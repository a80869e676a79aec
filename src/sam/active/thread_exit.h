// SPDX-License-Identifier: BSD-3-Clause
// What is to be done when a thread ends inside a call: by cancellation, or after siglongjmp has
// taken it out of the call. The cleanup handlers of pthread would not do: after a siglongjmp they
// point into a frame that is gone.
#ifndef CS_SAM_THREAD_EXIT_H
#define CS_SAM_THREAD_EXIT_H

namespace cs::sam {

// While it lives, the function is called should the calling thread end; also afterwards, if the
// thread has left this one's frame by siglongjmp.
class ThreadExit {
 public:
  using Function = void (*)(void* argument) noexcept;

  // The same function and argument each time.
  ThreadExit(Function function, void* argument) noexcept;
  ~ThreadExit();
  ThreadExit(const ThreadExit&) = delete;
  ThreadExit& operator=(const ThreadExit&) = delete;

  // False when there is no memory for it.
  [[nodiscard]] explicit operator bool() const noexcept { return is_armed_; }

 private:
  void* const previous_;  // of a call that a signal handler has interrupted
  const bool is_armed_;
};

}  // namespace cs::sam

#endif
