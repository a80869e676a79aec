// SPDX-License-Identifier: BSD-3-Clause
// Writing down, and ending.
#include "simulation/trace.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace cs::sam::simulation {

void Trace::note(Nanoseconds now, const char* format, ...) {
  if (!is_on_) return;
  char text[256];
  const int length =
      std::snprintf(text, sizeof(text), "%12.6f s  ", static_cast<double>(now) / 1e9);
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text + length, sizeof(text) - static_cast<std::size_t>(length), format, arguments);
  va_end(arguments);
  lines_.emplace_back(text);
}

void Trace::fail(Nanoseconds now, const char* invariant) {
  note(now, "BROKEN: %s", invariant);
  failed_(*this, invariant);
  std::abort();
}

}  // namespace cs::sam::simulation
