// SPDX-License-Identifier: BSD-3-Clause
// The name of a quorum device, as a caller passes it.
#ifndef CS_VOTEQUORUM_DEVICE_NAME_H
#define CS_VOTEQUORUM_DEVICE_NAME_H

#include <cstring>

#include "common/result.h"
#include "wire/votequorum.h"

namespace cs::votequorum {

// 1 to 254 characters, then NUL up to the end of the field.
using DeviceName = wire::votequorum::Name;

// CS_ERR_INVALID_PARAM for NULL, an empty name, and one that leaves no room for its NUL.
[[nodiscard]] inline Result<DeviceName> make_device_name(const char* name) noexcept {
  if (name == nullptr) return CS_ERR_INVALID_PARAM;
  DeviceName field{};
  const std::size_t length = ::strnlen(name, field.size());
  if (length == 0 || length == field.size()) return CS_ERR_INVALID_PARAM;
  std::memcpy(field.data(), name, length);
  return field;
}

// Whether a field that was received holds a string.
[[nodiscard]] inline bool is_terminated(const DeviceName& field) noexcept {
  return ::strnlen(field.data(), field.size()) < field.size();
}

}  // namespace cs::votequorum

#endif
