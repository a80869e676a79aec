// SPDX-License-Identifier: BSD-3-Clause
// All that is below a folder, while others come and go there.
#pragma once

#include <filesystem>
#include <system_error>
#include <vector>

namespace cs::test {

// Begins again if a folder goes while it is looked through: the rest would be missed.
inline std::vector<std::filesystem::path> paths_below(const char* folder) {
  using Iterator = std::filesystem::recursive_directory_iterator;
  constexpr auto kOptions = std::filesystem::directory_options::skip_permission_denied;
  std::vector<std::filesystem::path> found;
  std::error_code gone;
  do {
    found.clear();
    for (Iterator it(folder, kOptions, gone); it != Iterator(); it.increment(gone)) {
      found.push_back(it->path());
    }
  } while (gone);
  return found;
}

}  // namespace cs::test
