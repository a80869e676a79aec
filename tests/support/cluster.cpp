// SPDX-License-Identifier: BSD-3-Clause
// The private cluster of a test: namespaces kept open by a child per node, veth links on a bridge.
#include "support/cluster.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace cs::test {
namespace {

constexpr const char* kBridge = "csbridge";
constexpr const char* kQuick = "  token: 1000\n";      // a lost node is noticed in about a second
constexpr const char* kNowhere = "02:00:00:00:00:00";  // a link address that nobody has

std::string address_of(unsigned id) { return "10.77.0." + std::to_string(id); }

std::vector<std::string> words(const std::string& line) {
  std::istringstream in(line);
  return {std::istream_iterator<std::string>(in), {}};
}

// `ip`, with its arguments in one line.
std::vector<std::string> ip_command(const std::string& arguments) {
  return words("/sbin/ip " + arguments);
}

void expect_success(const Outcome& outcome, const std::string& what) {
  if (outcome.exited_with(0)) return;
  std::ostringstream text;
  text << what << ": " << outcome;
  throw std::runtime_error(text.str());
}

// In the network of the test: the bridge's end of things.
void ip(const std::string& arguments) {
  expect_success(run_program(ip_command(arguments)), "ip " + arguments);
}

bool cover_with_tmpfs(const char* path) {
  return ::mount("private", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") == 0;
}

// A new /run and /dev/shm, with the one folder that is shared with the test still in its place.
bool make_private_mounts(const std::string& shared) {
  const UniqueFd folder(::open(shared.c_str(), O_PATH | O_CLOEXEC));
  if (folder.get() < 0 || !cover_with_tmpfs("/run") || !cover_with_tmpfs("/dev/shm")) return false;
  std::error_code ignored;
  std::filesystem::create_directories(shared, ignored);
  const std::string source = "/proc/self/fd/" + std::to_string(folder.get());
  return ::mount(source.c_str(), shared.c_str(), nullptr, MS_BIND, nullptr) == 0;
}

// Makes the namespaces of a node and keeps them until it is killed.
Child start_keeper(const std::string& shared_folder) {
  Gate made;
  Child keeper = Child::run([&] {
    if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 || !make_private_mounts(shared_folder)) return 1;
    made.open();
    for (;;) ::pause();
  });
  made.keep_only_waiting();
  if (!made.wait()) throw std::runtime_error("cannot make the namespaces of a node");
  return keeper;
}

std::string nodelist(unsigned nodes) {
  std::ostringstream text;
  for (unsigned id = 1; id <= nodes; ++id) {
    text << "  node {\n    nodeid: " << id << "\n    name: n" << id
         << "\n    ring0_addr: " << address_of(id) << "\n  }\n";
  }
  return text.str();
}

DaemonOptions placed(DaemonOptions options, unsigned id, std::function<void()> enter) {
  options.node_id = id;
  options.enter = std::move(enter);
  return options;
}

// "Total votes:      3" -> "3"; empty if there is no such line.
std::string field(const std::string& text, const std::string& name) {
  const std::size_t at = text.find("\n" + name + ":");
  if (at == std::string::npos) return {};
  const std::size_t begin = text.find_first_not_of(' ', at + name.size() + 2);
  return text.substr(begin, text.find('\n', begin) - begin);
}

std::vector<unsigned> member_ids(const std::string& text) {
  std::vector<unsigned> ids;
  std::istringstream rows(text.substr(std::min(text.find("Membership information"), text.size())));
  for (std::string row; std::getline(rows, row);) {
    std::istringstream columns(row);
    unsigned id = 0;
    if (columns >> id && id != 0) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

bool same_group(const std::vector<std::vector<unsigned>>& groups, unsigned a, unsigned b) {
  const auto has = [](const std::vector<unsigned>& group, unsigned id) {
    return std::find(group.begin(), group.end(), id) != group.end();
  };
  return groups.empty() || std::any_of(groups.begin(), groups.end(), [&](const auto& group) {
           return has(group, a) && has(group, b);
         });
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const View& view) {
  if (!view.answered) return out << "no answer";
  out << (view.quorate ? "quorate" : "not quorate") << ", ring " << view.ring_id << ", votes "
      << view.total_votes << ", members";
  for (const unsigned id : view.members) out << " " << id;
  return out;
}

ClusterNode::ClusterNode(unsigned id, DaemonOptions options)
    : id_(id),
      daemon_(placed(std::move(options), id, [this] { enter(); })),
      keeper_(start_keeper(daemon_.folder())) {
  const std::string port = name();
  ip("link add " + port + " type veth peer name eth0 netns " + std::to_string(keeper_.pid()));
  ip("link set " + port + " master " + kBridge + " up");
  const std::string own[] = {"link set lo up", "addr add " + address() + "/24 dev eth0",
                             "link set eth0 up"};
  for (const std::string& arguments : own) {
    expect_success(run_program(ip_command(arguments)), port + ": ip " + arguments);
  }
}

std::string ClusterNode::address() const { return address_of(id_); }

View ClusterNode::view() const {
  const Outcome outcome = daemon_.run_tool({"corosync-quorumtool", "-s"});
  const std::string votes = field(outcome.output, "Total votes");
  if (votes.empty()) return {};
  return {.answered = true,
          .quorate = field(outcome.output, "Quorate") == "Yes",
          .total_votes = static_cast<unsigned>(std::stoul(votes)),
          .ring_id = field(outcome.output, "Ring ID"),
          .members = member_ids(outcome.output)};
}

// In a child that will not return from it unless it is on the node.
void ClusterNode::enter() const {
  char folder[4096];
  const bool known = ::getcwd(folder, sizeof(folder)) != nullptr;
  const UniqueFd keeper(static_cast<int>(::syscall(SYS_pidfd_open, keeper_.pid(), 0)));
  if (keeper.get() < 0 || ::setns(keeper.get(), CLONE_NEWNET | CLONE_NEWNS) != 0) ::_exit(126);
  if (known && ::chdir(folder) != 0) ::_exit(126);  // setns moved us to the root
}

Child ClusterNode::run(const std::function<int()>& body) const {
  return Child::run([this, &body] {
    enter();
    return body();
  });
}

Child ClusterNode::exec(const std::vector<std::string>& argv, ProgramOptions options) const {
  options.before_exec = [this] { enter(); };
  return Child::exec(argv, std::move(options));
}

Outcome ClusterNode::run_program(const std::vector<std::string>& argv) const {
  return exec(argv, {.capture = true}).wait();
}

std::optional<std::string> Cluster::unavailable() {
  if (const auto reason = CorosyncDaemon::unavailable()) return reason;
  if (::access("/sbin/ip", X_OK) != 0) return "no /sbin/ip (package iproute2)";
  const Outcome probe = run_program(ip_command("link add csprobe type bridge"));
  if (!probe.exited_with(0)) return "no bridge can be made here: " + probe.output;
  ip("link del csprobe");
  return std::nullopt;
}

Cluster::Cluster(unsigned nodes, const DaemonOptions& options) {
  ip(std::string("link add ") + kBridge + " type bridge");
  ip(std::string("addr add ") + kHostAddress + "/24 dev " + kBridge);
  ip(std::string("link set ") + kBridge + " up");
  DaemonOptions common = options;
  common.expected_votes = 0;
  common.nodelist = nodelist(nodes);
  if (common.totem_lines.empty()) common.totem_lines = kQuick;
  for (unsigned id = 1; id <= nodes; ++id) {
    nodes_.push_back(std::make_unique<ClusterNode>(id, common));
  }
}

// The links first: those of a node end with its namespace, a little after its last process.
Cluster::~Cluster() {
  for (const auto& node : nodes_) (void)run_program(ip_command("link del " + node->name()));
  (void)run_program(ip_command(std::string("link del ") + kBridge));
}

testing::AssertionResult Cluster::start() {
  std::vector<unsigned> all;
  for (const auto& node : nodes_) {
    node->daemon().launch();
    all.push_back(node->id());
  }
  for (const auto& node : nodes_) {
    if (auto ready = node->daemon().wait_until_ready(); !ready) return ready << node->name();
  }
  return wait_for_members(all, all);
}

std::string Cluster::logs() const {
  std::string text;
  for (const auto& node : nodes_) text += node->name() + ":\n" + node->daemon().log();
  return text;
}

void Cluster::cut(unsigned id) const { ip("link set n" + std::to_string(id) + " down"); }

void Cluster::heal(unsigned id) const { ip("link set n" + std::to_string(id) + " up"); }

void Cluster::lose(unsigned from, unsigned to) const {
  const std::string arguments =
      "neigh replace " + address_of(to) + " lladdr " + kNowhere + " dev eth0 nud permanent";
  expect_success(nodes_.at(from - 1)->run_program(ip_command(arguments)), "ip " + arguments);
}

void Cluster::restore(unsigned from, unsigned to) const {
  const std::string arguments = "neigh del " + address_of(to) + " dev eth0";
  (void)nodes_.at(from - 1)->run_program(ip_command(arguments));  // fails if nothing was lost
}

void Cluster::partition(const std::vector<std::vector<unsigned>>& groups) const {
  for (const auto& from : nodes_) {
    for (const auto& to : nodes_) {
      if (from == to) continue;
      if (same_group(groups, from->id(), to->id())) {
        restore(from->id(), to->id());
      } else {
        lose(from->id(), to->id());
      }
    }
  }
}

testing::AssertionResult Cluster::wait_for_members(const std::vector<unsigned>& on,
                                                   const std::vector<unsigned>& members) {
  const bool seen = eventually([&] {
    return std::all_of(on.begin(), on.end(),
                       [&](unsigned id) { return node(id).view().members == members; });
  });
  if (seen) return testing::AssertionSuccess();
  auto failure = testing::AssertionFailure() << "the membership did not come; seen:\n";
  for (const unsigned id : on) failure << node(id).name() << ": " << node(id).view() << "\n";
  return failure << logs();
}

void ClusterTest::SetUp() {
  if (const auto reason = Cluster::unavailable()) skip_or_fail(*reason);
}

}  // namespace cs::test
