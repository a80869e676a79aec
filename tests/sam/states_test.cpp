// SPDX-License-Identifier: BSD-3-Clause
// Every function of libsam in every state: which code it answers with. Each cell of the table is a
// process of its own, because a call that succeeds changes the state.
#include <signal.h>
#include <unistd.h>

#include <ostream>
#include <string>
#include <tuple>
#include <utility>

#include <gtest/gtest.h>

#include "support/sam_process.h"

namespace cs::test {
namespace {

enum class State { kNew, kInitialized, kRegistered, kStarted, kFinalized };
constexpr State kStates[] = {State::kNew, State::kInitialized, State::kRegistered, State::kStarted,
                             State::kFinalized};

constexpr int kInterval = 60'000;  // nothing here is a matter of time

int healthy() { return 0; }

struct Call {
  const char* name;
  cs_error_t (*run)();
  cs_error_t expected[5];  // by state
};

constexpr cs_error_t kOk = CS_OK;
constexpr cs_error_t kBad = CS_ERR_BAD_HANDLE;
constexpr cs_error_t kInvalid = CS_ERR_INVALID_PARAM;

char buffer[64] = "stored";
std::size_t size;

const Call kCalls[] = {
    {"Initialize",
     [] { return sam_initialize(kInterval, SAM_RECOVERY_POLICY_QUIT); },
     {kOk, kBad, kBad, kBad, kBad}},
    // The state is looked at before the policy.
    {"InitializeWithBadPolicy",
     [] { return sam_initialize(kInterval, static_cast<sam_recovery_policy_t>(3)); },
     {kInvalid, kBad, kBad, kBad, kBad}},
    {"Register", [] { return sam_register(nullptr); }, {kBad, kOk, kBad, kBad, kBad}},
    {"Start", [] { return sam_start(); }, {kBad, kBad, kOk, kBad, kBad}},
    {"Stop", [] { return sam_stop(); }, {kBad, kBad, kBad, kOk, kBad}},
    {"HcSend", [] { return sam_hc_send(); }, {kBad, kBad, kBad, kOk, kBad}},
    {"HcCallbackRegister",
     [] { return sam_hc_callback_register(healthy); },
     {kBad, kBad, kOk, kBad, kBad}},
    // Here the state comes first.
    {"HcCallbackRegisterNullFirst",
     [] { return sam_hc_callback_register(nullptr); },
     {kBad, kBad, kInvalid, kBad, kBad}},
    {"WarnSignalSet", [] { return sam_warn_signal_set(SIGUSR1); }, {kBad, kOk, kOk, kOk, kBad}},
    {"DataGetsize", [] { return sam_data_getsize(&size); }, {kBad, kOk, kOk, kOk, kBad}},
    {"DataGetsizeNull",
     [] { return sam_data_getsize(nullptr); },
     {kInvalid, kInvalid, kInvalid, kInvalid, kInvalid}},
    {"DataRestore",
     [] { return sam_data_restore(buffer, sizeof(buffer)); },
     {kBad, kOk, kOk, kOk, kBad}},
    {"DataRestoreNull",
     [] { return sam_data_restore(nullptr, 1); },
     {kInvalid, kInvalid, kInvalid, kInvalid, kInvalid}},
    {"DataStore",
     [] { return sam_data_store(buffer, sizeof(buffer)); },
     {kBad, kOk, kOk, kOk, kBad}},
    {"DataErase", [] { return sam_data_store(nullptr, 5); }, {kBad, kOk, kOk, kOk, kBad}},
    // Without the flag CMAP; the state comes first.
    {"MarkFailed", [] { return sam_mark_failed(); }, {kBad, kBad, kInvalid, kInvalid, kBad}},
    {"Finalize", [] { return sam_finalize(); }, {kBad, kOk, kOk, kOk, kBad}},
};

const char* name_of(State state) {
  constexpr const char* kNames[] = {"New", "Initialized", "Registered", "Started", "Finalized"};
  return kNames[static_cast<int>(state)];
}

// For the names of the cases, which would otherwise show the bytes of their parameters.
void PrintTo(State state, std::ostream* out) { *out << name_of(state); }
void PrintTo(const Call& call, std::ostream* out) { *out << call.name; }

// Finalized is reached from started, the longest way.
void reach(State state) {
  if (state >= State::kInitialized) {
    app::expect_ok(sam_initialize(kInterval, SAM_RECOVERY_POLICY_RESTART));
  }
  if (state >= State::kRegistered) app::register_instance();
  if (state >= State::kStarted) app::expect_ok(sam_start());
  if (state >= State::kFinalized) app::expect_ok(sam_finalize());
}

class SamStates : public testing::TestWithParam<std::tuple<State, Call>> {};

TEST_P(SamStates, FunctionAnswers) {
  const auto [state, call] = GetParam();
  SamProcess application([state = state, call = call] {
    reach(state);
    app::report("answer", call.run());
    app::sleep_forever();
  });
  EXPECT_EQ(application.wait_for("answer").value, call.expected[static_cast<int>(state)]);
}

INSTANTIATE_TEST_SUITE_P(All, SamStates,
                         testing::Combine(testing::ValuesIn(kStates), testing::ValuesIn(kCalls)),
                         [](const auto& cell) {
                           return std::string(name_of(std::get<0>(cell.param))) +
                                  std::get<1>(cell.param).name;
                         });

// What the table cannot show: the rest of the parameters, and states reached another way.

class SamInitializePolicies : public testing::TestWithParam<std::pair<int, cs_error_t>> {};

TEST_P(SamInitializePolicies, AreChecked) {
  const auto [policy, expected] = GetParam();
  SamProcess application([policy = policy] {
    app::report("answer", sam_initialize(kInterval, static_cast<sam_recovery_policy_t>(policy)));
  });
  EXPECT_EQ(application.wait_for("answer").value, expected);
}

INSTANTIATE_TEST_SUITE_P(All, SamInitializePolicies,
                         testing::Values(std::pair(0, kInvalid), std::pair(1, kOk),
                                         std::pair(2, kOk), std::pair(3, kInvalid),
                                         std::pair(4, kInvalid), std::pair(8, kInvalid),
                                         std::pair(11, kInvalid), std::pair(0x10, kInvalid),
                                         std::pair(0x11, kOk), std::pair(0x12, kOk),
                                         std::pair(0x13, kInvalid), std::pair(0x18, kInvalid),
                                         std::pair(0x20, kInvalid), std::pair(0x21, kInvalid),
                                         std::pair(0x42, kInvalid), std::pair(-1, kInvalid)));

TEST(SamHcCallbackRegister, WithoutATimeLimitIsRefused) {
  SamProcess application([] {
    app::enter(0, SAM_RECOVERY_POLICY_RESTART);
    app::report("answer", sam_hc_callback_register(healthy));
  });
  EXPECT_EQ(application.wait_for("answer").value, kInvalid);
}

TEST(SamFinalize, IsFinalFromEveryState) {
  for (const State state : {State::kInitialized, State::kRegistered, State::kStarted}) {
    SamProcess application([state] {
      reach(state);
      app::expect_ok(sam_finalize());
      app::expect(sam_initialize(kInterval, SAM_RECOVERY_POLICY_QUIT), kBad);
      app::expect(sam_start(), kBad);
      app::expect(sam_data_getsize(&size), kBad);
      app::report("done");
    });
    application.wait_for("done");
    application.expect_exit_code(0);
  }
}

TEST(SamStartStop, CanBeRepeatedAnyNumberOfTimes) {
  SamProcess application([] {
    const unsigned id = app::enter(kInterval, SAM_RECOVERY_POLICY_RESTART);
    for (int round = 0; round < 300; ++round) {
      app::expect_ok(sam_start());
      app::expect(sam_start(), kBad);
      app::expect_ok(sam_hc_send());
      app::expect_ok(sam_stop());
      app::expect(sam_stop(), kBad);
      app::expect(sam_hc_send(), kBad);
    }
    app::report("cycled");
    if (id > 1) ::_exit(0);
    app::expect_ok(sam_start());
    app::die_by(SIGKILL);  // still watched
  });
  application.wait_for("cycled");
  EXPECT_EQ(application.wait_for("registered").value, 2);
  application.wait_for("cycled");
  application.expect_exit_code(0);
}

}  // namespace
}  // namespace cs::test
