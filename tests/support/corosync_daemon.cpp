// SPDX-License-Identifier: BSD-3-Clause
// The private corosync of a test: its configuration, its life, its tools.
#include "support/corosync_daemon.h"

#include <unistd.h>

#include <climits>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace cs::test {
namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

bool in_private_network() {
  const std::string outer = variable("CS_OUTER_NETNS");
  std::error_code error;
  const fs::path own = fs::read_symlink("/proc/self/ns/net", error);
  return !outer.empty() && !error && own != outer;
}

bool daemon_uses_sockets() { return variable("CS_IPC_TYPE") == "socket"; }

namespace {

// On the private /run, which goes with the namespaces: a test that is killed leaves nothing.
std::string make_temporary_folder() {
  const fs::path parent = in_private_network() ? fs::path("/run") : fs::temp_directory_path();
  std::string path = (parent / "cs-daemon-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), "mkdtemp");
  }
  return path;
}

std::string quorum_section(const DaemonOptions& options) {
  std::ostringstream text;
  text << "quorum {\n  provider: corosync_votequorum\n";
  if (options.expected_votes != 0) text << "  expected_votes: " << options.expected_votes << "\n";
  if (options.two_node) text << "  two_node: 1\n";
  text << options.quorum_lines << "\n";
  if (!options.qdevice.empty()) text << "  device {\n" << options.qdevice << "\n  }\n";
  text << "}\n";
  return text.str();
}

std::string nodelist_section(const DaemonOptions& options) {
  if (!options.nodelist.empty()) return "nodelist {\n" + options.nodelist + "\n}\n";
  const std::string id = std::to_string(options.node_id);
  return "nodelist {\n  node {\n    nodeid: " + id + "\n    name: node" + id +
         "\n    ring0_addr: 127.0.0.1\n" + options.node_lines + "\n  }\n}\n";
}

std::string system_section(const DaemonOptions& options, const std::string& folder) {
  std::ostringstream text;
  // The fallback: knet wants privileges that a user namespace does not give.
  text << "system {\n  allow_knet_handle_fallback: yes\n  state_dir: " << folder << "\n";
  // CS_IPC_TYPE: what a test that asks for neither runs with.
  const std::string type =
      options.qb_ipc_type.empty() ? variable("CS_IPC_TYPE") : options.qb_ipc_type;
  if (!type.empty()) text << "  qb_ipc_type: " << type << "\n";
  text << options.system_lines << "\n}\n";
  return text.str();
}

}  // namespace

std::string CorosyncDaemon::root() {
  const std::string given = variable("CS_COROSYNC_ROOT");
  return given.empty() ? CS_DEFAULT_COROSYNC_ROOT : given;
}

std::string CorosyncDaemon::stock_library_path() {
  std::string result;
  for (const char* base : {"/usr/lib", "/lib"}) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(root() + base, error)) {
      if (!entry.is_directory()) continue;
      result += (result.empty() ? "" : ":") + entry.path().string();
      if (fs::exists(entry.path() / "nss")) result += ":" + (entry.path() / "nss").string();
    }
  }
  return result;
}

std::optional<std::string> CorosyncDaemon::unavailable() {
  if (::access((root() + "/usr/sbin/corosync").c_str(), X_OK) != 0) {
    return "no corosync in " + root() + " (run scripts/fetch-corosync)";
  }
  if (!in_private_network()) {
    return "not in private namespaces (run this program through scripts/in-namespaces)";
  }
  return std::nullopt;
}

CorosyncDaemon::CorosyncDaemon(DaemonOptions options)
    : options_(std::move(options)),
      folder_(make_temporary_folder()),
      config_file_(folder_ + "/corosync.conf") {
  write_config();
}

CorosyncDaemon::~CorosyncDaemon() {
  process_.kill_and_reap();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void CorosyncDaemon::write_config() const {
  std::ofstream file(config_file_);
  file << "totem {\n  version: 2\n  cluster_name: private\n  transport: knet\n"
       << "  crypto_cipher: none\n  crypto_hash: none\n"
       << options_.totem_lines << "\n}\n"
       << "logging {\n  to_stderr: yes\n  to_syslog: no\n  to_logfile: no\n"
       << options_.logging_lines << "\n}\n"
       << nodelist_section(options_) << quorum_section(options_)
       << system_section(options_, folder_) << options_.sections;
  file.flush();
  if (!file) throw std::runtime_error("cannot write " + config_file_);
}

testing::AssertionResult CorosyncDaemon::start() {
  if (const auto reason = unavailable()) return testing::AssertionFailure() << *reason;
  launch();
  return wait_until_ready();
}

void CorosyncDaemon::launch() {
  process_ =
      start_tool({"corosync", "-f", "-c", config_file_}, {}, {.output_file = folder_ + "/log"});
}

testing::AssertionResult CorosyncDaemon::wait_until_ready() {
  // The tool asks for the membership: answered once the first one has formed.
  const bool ready = eventually(
      [this] { return !process_.running() || run_tool({"corosync-cpgtool"}).exited_with(0); });
  if (ready && process_.running()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "corosync did not become ready; its log:\n" << log();
}

testing::AssertionResult CorosyncDaemon::restart() {
  kill_hard();
  return start();
}

void CorosyncDaemon::kill_hard() { process_.kill_and_reap(); }

Outcome CorosyncDaemon::stop() {
  process_.signal(SIGTERM);
  return process_.wait();
}

void CorosyncDaemon::pause() const { process_.signal(SIGSTOP); }

void CorosyncDaemon::resume() const { process_.signal(SIGCONT); }

Outcome CorosyncDaemon::run_tool(std::vector<std::string> command, const std::string& library_path,
                                 milliseconds limit) const {
  return start_tool(std::move(command), library_path, {.capture = true}).wait(limit);
}

Child CorosyncDaemon::start_tool(std::vector<std::string> command, const std::string& library_path,
                                 ProgramOptions options) const {
  const std::string sbin = root() + "/usr/sbin/" + command[0];
  command[0] = ::access(sbin.c_str(), X_OK) == 0 ? sbin : root() + "/usr/bin/" + command[0];
  const std::string separator = library_path.empty() ? "" : ":";
  options.environment.emplace_back("LD_LIBRARY_PATH",
                                   library_path + separator + stock_library_path());
  options.before_exec = options_.enter;
  return Child::exec(command, std::move(options));
}

testing::AssertionResult CorosyncDaemon::set_expected_votes(unsigned votes) const {
  const Outcome outcome =
      run_tool({"corosync-cmapctl", "-s", "quorum.expected_votes", "u32", std::to_string(votes)});
  if (outcome.exited_with(0)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "corosync-cmapctl: " << outcome;
}

std::string CorosyncDaemon::log() const {
  std::ifstream file(folder_ + "/log");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void DaemonTest::SetUp() {
  if (const auto reason = CorosyncDaemon::unavailable()) return skip_or_fail(*reason);
  daemon_.emplace(options());
  ASSERT_TRUE(daemon_->start());
}

void DaemonTest::TearDown() {
  if (HasFailure() && daemon_) std::cerr << "corosync's log:\n" << daemon_->log() << std::endl;
  daemon_.reset();
}

void skip_or_fail(const std::string& reason) {
  if (variable("CS_NO_SKIPS") == "1") FAIL() << reason;
  GTEST_SKIP() << reason;
}

}  // namespace cs::test
