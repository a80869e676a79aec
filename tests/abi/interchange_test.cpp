// SPDX-License-Identifier: BSD-3-Clause
// Programs linked with the distribution's libraries run with ours, and the other way round: the
// same program, built both ways and run both ways against a daemon, says the same.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "support/corosync_daemon.h"

namespace cs::test {
namespace {

namespace fs = std::filesystem;

// One set of libraries and what belongs to it.
struct Libraries {
  std::string headers;
  std::string folder;  // all of the libraries lie below it
  std::vector<std::string> folders;

  [[nodiscard]] std::string search_path() const {
    std::string path;
    for (const auto& one : folders) path += (path.empty() ? "" : ":") + one;
    return path;
  }
};

Libraries ours() {
  const std::string build = CS_BUILD_FOLDER "/src/";
  return {CS_SOURCE_FOLDER "/include",
          build,
          {build + "sam", build + "votequorum", build + "corosync_common"}};
}

Libraries stock() {
  const std::string root = CorosyncDaemon::root();
  for (const auto& entry : fs::directory_iterator(root + "/usr/lib")) {
    if (!fs::exists(entry.path() / "libsam.so.4")) continue;
    return {root + "/usr/include", entry.path(), {entry.path()}};
  }
  return {};
}

class Interchange : public DaemonTest {
 protected:
  [[nodiscard]] DaemonOptions options() const override {
    return {.expected_votes = 1, .qdevice = "model: net\nvotes: 0\nnet {\nhost: 127.0.0.1\n}\n"};
  }

  [[nodiscard]] testing::AssertionResult link(const Libraries& libraries) {
    std::vector<std::string> command = {CS_C_COMPILER,
                                        "-std=gnu11",
                                        "-I",
                                        libraries.headers,
                                        "-o",
                                        program(),
                                        CS_SOURCE_FOLDER "/tests/abi/every_function.c"};
    for (const auto& folder : libraries.folders) {
      command.push_back("-L" + folder);
      command.push_back("-Wl,-rpath-link," + folder);
    }
    for (const char* flag : {"-lsam", "-lvotequorum", "-lcorosync_common"}) command.push_back(flag);
    const Outcome outcome = run_program(command, {.capture = true});
    if (outcome.exited_with(0)) return testing::AssertionSuccess();
    return testing::AssertionFailure() << outcome << outcome.output;
  }

  // What the program says when it finds these libraries. The distribution's are needed in any case:
  // its libsam has its own connections.
  [[nodiscard]] Outcome run(const Libraries& libraries) {
    const std::string path = libraries.search_path() + ":" + CorosyncDaemon::stock_library_path();
    return run_program(
        {program(), libraries.folder},
        {.environment = {{"LD_LIBRARY_PATH", path}, {"LD_BIND_NOW", "1"}}, .capture = true});
  }

  [[nodiscard]] std::string program() { return daemon().folder() + "/every_function"; }
};

TEST_F(Interchange, SameProgramSaysTheSameHoweverLinkedAndRun) {
  ASSERT_TRUE(link(stock()));
  const Outcome all_stock = run(stock());
  ASSERT_TRUE(all_stock.exited_with(0)) << all_stock << all_stock.output;
  ASSERT_NE(all_stock.output.find("size 5, 'kept'"), std::string::npos) << all_stock.output;

  const Outcome linked_with_stock = run(ours());
  EXPECT_TRUE(linked_with_stock.exited_with(0)) << linked_with_stock;
  EXPECT_EQ(linked_with_stock.output, all_stock.output);

  ASSERT_TRUE(link(ours()));
  const Outcome linked_with_ours = run(stock());
  EXPECT_TRUE(linked_with_ours.exited_with(0)) << linked_with_ours;
  EXPECT_EQ(linked_with_ours.output, all_stock.output);

  const Outcome all_ours = run(ours());
  EXPECT_TRUE(all_ours.exited_with(0)) << all_ours;
  EXPECT_EQ(all_ours.output, all_stock.output);
}

}  // namespace
}  // namespace cs::test
