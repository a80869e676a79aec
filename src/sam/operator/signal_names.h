// SPDX-License-Identifier: BSD-3-Clause
// Signals as an operator writes them, and as a log line shows them.
#ifndef CS_SAM_SIGNAL_NAMES_H
#define CS_SAM_SIGNAL_NAMES_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cs::sam {

// TERM, SIGTERM, 15, RTMIN, RTMIN+3, RTMAX-1; empty for anything else.
[[nodiscard]] std::optional<int> parse_signal(std::string_view text) noexcept;

// With the prefix SIG, as in SIGTERM and SIGRTMIN+3; a number where there is no name. Terminated,
// and cut off where there is no room.
void write_signal_name(int number, char* text, std::size_t room) noexcept;
inline constexpr std::size_t kSignalNameRoom = 16;

// Decimal digits alone, up to that number: a tenth of the largest one at most.
[[nodiscard]] std::optional<std::int64_t> parse_number(std::string_view text,
                                                       std::int64_t most) noexcept;

}  // namespace cs::sam

#endif
