// SPDX-License-Identifier: BSD-3-Clause
// Stock or ours: where the libraries lie, and which of them a process has mapped.
#include "programs/libraries.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "support/corosync_daemon.h"

namespace cs::test {
namespace {

namespace fs = std::filesystem;

// The folder of the mapped library of that name; empty if there is none.
fs::path folder_of_mapping(pid_t pid, const std::string& library) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    const std::size_t path = line.find('/');
    if (path != std::string::npos && line.find("/" + library + ".so.") != std::string::npos) {
      return fs::path(line.substr(path)).parent_path();
    }
  }
  return {};
}

bool lies_in(const fs::path& folder, const std::string& path_list) {
  std::istringstream folders(path_list);
  for (std::string entry; std::getline(folders, entry, ':');) {
    std::error_code ignored;
    if (fs::equivalent(entry, folder, ignored)) return true;
  }
  return false;
}

}  // namespace

std::string library_path(Libraries libraries) {
  return libraries == Libraries::kOurs ? CS_OUR_LIBRARIES : "";
}

testing::AssertionResult runs_on(pid_t pid, Libraries libraries) {
  const std::string expected = libraries == Libraries::kOurs ? library_path(Libraries::kOurs)
                                                             : CorosyncDaemon::stock_library_path();
  for (const char* library : {"libvotequorum", "libcorosync_common"}) {
    const fs::path folder = folder_of_mapping(pid, library);
    if (!lies_in(folder, expected)) {
      return testing::AssertionFailure() << library << " is mapped from " << folder;
    }
  }
  return testing::AssertionSuccess();
}

}  // namespace cs::test
