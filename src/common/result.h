// SPDX-License-Identifier: BSD-3-Clause
// A value, or the reason why there is none.
#ifndef CS_COMMON_RESULT_H
#define CS_COMMON_RESULT_H

#include <cassert>
#include <optional>
#include <utility>

#include <corosync/corotypes.h>

namespace cs {

// Holds a T, whose status() is CS_OK, or the error that stands in its place.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) noexcept : value_(std::move(value)), error_(CS_OK) {}
  Result(cs_error_t error) noexcept : error_(error) { assert(error != CS_OK); }

  [[nodiscard]] explicit operator bool() const noexcept { return value_.has_value(); }
  [[nodiscard]] cs_error_t status() const noexcept { return error_; }

  // Call only on success.
  [[nodiscard]] T& operator*() noexcept { return *value_; }
  [[nodiscard]] const T& operator*() const noexcept { return *value_; }
  [[nodiscard]] T* operator->() noexcept { return &*value_; }

 private:
  std::optional<T> value_;
  cs_error_t error_;
};

}  // namespace cs

#endif
