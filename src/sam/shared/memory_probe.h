// SPDX-License-Identifier: BSD-3-Clause
// Whether memory that a caller passes can be used. No byte of it changes, and no signal is raised.
#ifndef CS_SAM_MEMORY_PROBE_H
#define CS_SAM_MEMORY_PROBE_H

#include <cstddef>

namespace cs::sam {

// Async-signal-safe; they need no descriptor and no memory. The answer holds as long as no other
// thread changes the mappings.
[[nodiscard]] bool is_readable(const void* data, std::size_t size) noexcept;
[[nodiscard]] bool is_writable(void* data, std::size_t size) noexcept;

}  // namespace cs::sam

#endif
