// SPDX-License-Identifier: BSD-3-Clause
// The words of the language, by what they are about.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "differential/interpreter/step.h"

namespace cs::differential {

using Calls = std::map<std::string, std::function<void(const Step&)>>;

void add_votequorum_calls(Calls& calls);
void add_sam_calls(Calls& calls);
void add_process_calls(Calls& calls);
void add_thread_calls(Calls& calls);

// Of the SAM application: which instance this process is; 0 before sam_register.
[[nodiscard]] unsigned instance() noexcept;

}  // namespace cs::differential
