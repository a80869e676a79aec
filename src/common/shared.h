// SPDX-License-Identifier: BSD-3-Clause
// Shared ownership on the heap without the C++ run-time.
#ifndef CS_COMMON_SHARED_H
#define CS_COMMON_SHARED_H

#include <atomic>
#include <utility>

#include "common/heap.h"

namespace cs {

// Base of what is shared: counts its owners.
class Shared {
 public:
  void retain() const noexcept { owners_.fetch_add(1, std::memory_order_relaxed); }
  // True when the last owner has gone.
  [[nodiscard]] bool release() const noexcept {
    return owners_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }

 protected:
  ~Shared() = default;

 private:
  mutable std::atomic<unsigned> owners_ = 1;
};

// One of the owners of a T, or none. The last one destroys it.
template <typename T>
class SharedRef {
 public:
  SharedRef() noexcept = default;
  explicit SharedRef(HeapPtr<T> object) noexcept : object_(object.release()) {}
  SharedRef(const SharedRef& other) noexcept : object_(other.object_) {
    if (object_ != nullptr) object_->retain();
  }
  SharedRef(SharedRef&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  SharedRef& operator=(SharedRef other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~SharedRef() {
    if (object_ != nullptr && object_->release()) HeapDelete()(object_);
  }

  [[nodiscard]] explicit operator bool() const noexcept { return object_ != nullptr; }
  [[nodiscard]] T* operator->() const noexcept { return object_; }
  [[nodiscard]] T& operator*() const noexcept { return *object_; }

 private:
  T* object_ = nullptr;
};

}  // namespace cs

#endif
