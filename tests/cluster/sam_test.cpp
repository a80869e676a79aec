// SPDX-License-Identifier: BSD-3-Clause
// SAM processes under a quorum policy on every node of a cluster that comes apart: they run where
// the cluster is quorate and nowhere else, but for a time that is measured here and bounded.
#include <corosync/sam.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "cluster/watched_cluster.h"
#include "common/clock.h"
#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kInterval = 2000;          // ms; the grace after quorum is lost, too
constexpr std::int64_t kSlack = 10'000;  // ms, for a machine with much else to do
constexpr int kStaysAway = 1000;         // ms

// A moment that the processes of an application write and the test reads.
class SharedMoment {
 public:
  SharedMoment() {
    void* page =
        ::mmap(nullptr, sizeof(Moment), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    moment_ = new (page) Moment(0);
  }
  SharedMoment(const SharedMoment&) = delete;
  SharedMoment& operator=(const SharedMoment&) = delete;
  ~SharedMoment() { ::munmap(moment_, sizeof(Moment)); }

  void set_to_now() { *moment_ = monotonic_now(); }
  [[nodiscard]] Nanoseconds get() const { return *moment_; }

 private:
  using Moment = std::atomic<Nanoseconds>;
  Moment* moment_;
};

// Ends at the first warning; or goes on with its work and its health checks, until it is killed.
enum class Temper { kYielding, kStubborn };

// One SAM process on a node.
class Application {
 public:
  Application(const ClusterNode& node, Temper temper)
      : node_(node.id()), temper_(temper), process_([&] { live(node); }) {}

  [[nodiscard]] unsigned node() const { return node_; }
  [[nodiscard]] SamProcess& process() { return process_; }
  [[nodiscard]] std::string name() const {
    return "n" + std::to_string(node_) + (temper_ == Temper::kYielding ? "_yielding" : "_stubborn");
  }
  // What it may take at most from the loss of quorum to the end of the instance, in milliseconds.
  [[nodiscard]] std::int64_t grace() const { return temper_ == Temper::kYielding ? 0 : kInterval; }
  [[nodiscard]] Nanoseconds last_run() const { return last_run_.get(); }
  [[nodiscard]] Nanoseconds ended() const { return ended_; }

  void expect_running() {
    const Nanoseconds now = monotonic_now();
    EXPECT_TRUE(eventually([&] { return last_run() > now; })) << name() << process_.story();
  }

  // The instance ends. Returns when it ran last.
  [[nodiscard]] Nanoseconds wait_for_end_of_instance() {
    process_.wait_for("starting");
    ended_ = last_run();
    EXPECT_EQ(process_.count("warned"), temper_ == Temper::kStubborn ? 1U : 0U) << name();
    return ended_;
  }

  // The next one is not let in, for so many milliseconds from now.
  void expect_stays_away(int time) {
    EXPECT_FALSE(process_.comes("started", time)) << name() << process_.story();
    EXPECT_EQ(last_run(), ended_) << name();
  }

 private:
  [[noreturn]] void live(const ClusterNode& node) {
    node.enter();
    if (temper_ == Temper::kStubborn) {
      app::handle(SIGTERM, [](int) { app::report("warned"); });
    }
    app::enter(kInterval, SAM_RECOVERY_POLICY_QUORUM_RESTART);
    app::report("starting");
    app::expect_ok(sam_start());
    app::report("started");
    for (;;) {
      last_run_.set_to_now();
      app::expect_ok(sam_hc_send());
      app::pause_for(2);
    }
  }

  unsigned node_;
  Temper temper_;
  SharedMoment last_run_;
  Nanoseconds ended_ = 0;
  SamProcess process_;
};

class ClusterSam : public WatchedClusterTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(WatchedClusterTest::SetUp());
    if (IsSkipped()) return;
    for (const unsigned id : kAll) {
      for (const Temper temper : {Temper::kYielding, Temper::kStubborn}) {
        applications_.push_back(std::make_unique<Application>(node(id), temper));
      }
    }
    began_ = monotonic_now();
    for (Application* application : on(kAll)) {
      application->process().wait_for("starting");
      application->process().wait_for("started");
    }
  }

  void TearDown() override {
    applications_.clear();
    WatchedClusterTest::TearDown();
  }

  [[nodiscard]] std::vector<Application*> on(const std::vector<unsigned>& nodes) const {
    std::vector<Application*> result;
    for (const auto& application : applications_) {
      const bool wanted = std::count(nodes.begin(), nodes.end(), application->node()) != 0;
      if (wanted) result.push_back(application.get());
    }
    return result;
  }

  // When the clients of that node were last told of a quorum state.
  [[nodiscard]] static Nanoseconds verdict_on(unsigned id) {
    return clients_of({id}).front()->last(Notice::Kind::kQuorum);
  }

  // Whatever has happened since the case began was nothing to these, unless their own node, on a
  // machine that did not let the daemon run in time, was really without quorum for a moment.
  void expect_never_interrupted(const std::vector<unsigned>& nodes) {
    for (Application* application : on(nodes)) {
      application->expect_running();
      if (lost_quorum_since_begin(application->node())) continue;
      EXPECT_EQ(application->process().count("registered"), 1U)
          << application->name() << application->process().story();
    }
  }

  // Those of a node without quorum stop in time: `until_told` milliseconds after the fault, and
  // their grace, at most. Then none of them runs.
  void expect_stopped(const std::vector<unsigned>& nodes, Nanoseconds fault, int until_told) {
    for (Application* application : on(nodes)) {
      const Nanoseconds end = application->wait_for_end_of_instance();
      const auto ran_on = (end - fault) / kNanosecondsPerMillisecond;
      record(application->name() + "_ran_on_after_fault", ran_on);
      EXPECT_LT(ran_on, until_told + application->grace() + kSlack);
    }
    int time = kStaysAway;
    for (Application* application : on(nodes)) {
      application->expect_stays_away(std::exchange(time, 0));
    }
  }

  // The same, counted from the moment when the node's daemon told its clients.
  void expect_stopped_after_verdict(const std::vector<unsigned>& nodes) {
    for (Application* application : on(nodes)) {
      const Nanoseconds told = verdict_on(application->node());
      const auto ran_on = (application->ended() - told) / kNanosecondsPerMillisecond;
      record(application->name() + "_ran_on_after_verdict", std::max<Nanoseconds>(ran_on, 0));
      EXPECT_LT(ran_on, application->grace() + kSlack);
    }
  }

  // None ran before that moment, when quorum was still away.
  void expect_run_again(const std::vector<unsigned>& nodes, Nanoseconds healed) {
    for (Application* application : on(nodes)) {
      const Report report = application->process().wait_for("started");
      EXPECT_GT(report.time, healed) << application->name();
      EXPECT_GE(report.instance, 2U) << application->name();
      application->expect_running();
    }
  }

 private:
  [[nodiscard]] bool lost_quorum_since_begin(unsigned id) const {
    const auto& notices = clients_of({id}).front()->notices();
    return std::any_of(notices.begin(), notices.end(), [&](const Notice& notice) {
      return notice.kind == Notice::Kind::kQuorum && notice.quorate == 0 && notice.time > began_;
    });
  }

  std::vector<std::unique_ptr<Application>> applications_;
  Nanoseconds began_ = 0;
};

constexpr int kUntilPartitionIsNoticed = kTokenTimeout + kConsensusTimeout;

TEST_F(ClusterSam, MinorityStopsWhileTheMajorityRunsOn) {
  const Nanoseconds parted = monotonic_now();
  cluster().partition({{1}, {2, 3}});
  expect_members({1}, {1});
  expect_members({2, 3}, {2, 3});
  expect_stopped({1}, parted, kUntilPartitionIsNoticed);
  expect_stopped_after_verdict({1});
  expect_never_interrupted({2, 3});
  const Nanoseconds healed = monotonic_now();
  cluster().partition({});
  expect_run_again({1}, healed);
  expect_members(kAll, kAll);
  expect_never_interrupted({2, 3});
}

TEST_F(ClusterSam, NoneRunWhereNobodyHasTheMajority) {
  const Nanoseconds parted = monotonic_now();
  cluster().partition({{1}, {2}, {3}});
  for (const unsigned id : kAll) expect_members({id}, {id});
  expect_stopped(kAll, parted, kUntilPartitionIsNoticed);
  expect_stopped_after_verdict(kAll);
  const Nanoseconds healed = monotonic_now();
  cluster().partition({});
  expect_run_again(kAll, healed);
}

TEST_F(ClusterSam, DeadDaemonStopsTheProcessesOfItsNodeUntilItIsBack) {
  const Nanoseconds killed = monotonic_now();
  (void)kill_daemon(2);
  expect_stopped({2}, killed, 0);
  expect_members({1, 3}, {1, 3});
  expect_never_interrupted({1, 3});
  const Nanoseconds restarted = monotonic_now();
  ASSERT_TRUE(node(2).daemon().restart());
  expect_run_again({2}, restarted);
  expect_members(kAll, kAll);
  expect_never_interrupted({1, 3});
}

// A daemon that is stopped tells nobody that the others have gone on without it, so its processes
// run on. When all of a node stands still, nothing runs.
TEST_F(ClusterSam, PausedNodeIsNotMournedByItsOwnProcesses) {
  node(3).daemon().pause();
  expect_members({1, 2}, {1, 2});
  for (Application* application : on({3})) {
    application->expect_running();
    application->process().signal_group(SIGSTOP);
  }
  expect_never_interrupted({1, 2});
  node(3).daemon().resume();
  for (Application* application : on({3})) application->process().signal_group(SIGCONT);
  expect_members(kAll, kAll);
  expect_never_interrupted(kAll);
}

}  // namespace
}  // namespace cs::test
