// SPDX-License-Identifier: BSD-3-Clause
// Thousands of deaths: SIGKILL at random moments while the active process stores, round after
// round. No store is torn or lost, no zombie stays, and the supervisor does not grow.
// CS_TORTURE_ROUNDS sets the number of deaths, CS_TORTURE_SEED the random numbers.
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "support/child.h"
#include "support/proc.h"
#include "support/sam_process.h"
#include "support/sanitized.h"

namespace cs::test {
namespace {

constexpr int kDefaultRounds = kSanitized ? 300 : 2000;  // forks of a sanitized process are slow
constexpr std::size_t kLargest = 150'000;

std::int64_t number_from_environment(const char* name, std::int64_t otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::atoll(value) : otherwise;
}

// Seen by the test, by the supervisor and by every instance.
struct Ledger {
  std::atomic<std::uint64_t> begun;         // counter of the latest store that was begun
  std::atomic<std::uint64_t> acknowledged;  // and of the latest that returned CS_OK
  std::atomic<std::uint64_t> stores;
};

Ledger* make_ledger() {
  void* page =
      ::mmap(nullptr, sizeof(Ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return page == MAP_FAILED ? nullptr : new (page) Ledger{};
}

// Mostly small, now and then large: the size and every word follow from the counter.
std::size_t words_of(std::uint64_t counter) {
  const std::uint64_t mixed = counter * 0x9e3779b97f4a7c15U >> 32;
  const std::size_t largest = mixed % 16 == 0 ? kLargest : 600;
  return 8 + mixed % (largest / sizeof(std::uint64_t));
}

std::uint64_t word_of(std::uint64_t counter, std::size_t index) {
  return (counter + index) * 0xd1342543de82ef95U;
}

std::vector<std::uint64_t> data_of(std::uint64_t counter) {
  std::vector<std::uint64_t> words(words_of(counter));
  for (std::size_t i = 1; i < words.size(); ++i) words[i] = word_of(counter, i);
  words[0] = counter;
  return words;
}

// The counter of the stored data after having checked every byte; 0 when nothing is stored.
std::uint64_t restore_counter() {
  std::size_t size = 0;
  app::expect_ok(sam_data_getsize(&size));
  if (size == 0) return 0;
  app::expect_that(size % sizeof(std::uint64_t) == 0);
  std::vector<std::uint64_t> words(size / sizeof(std::uint64_t));
  app::expect_ok(sam_data_restore(words.data(), size));
  app::expect_that(words == data_of(words[0]));
  return words[0];
}

// One life: check what the last one left, then store until the end comes.
[[noreturn]] void store_until_killed(Ledger& ledger) {
  app::enter(0, SAM_RECOVERY_POLICY_RESTART);
  app::expect_ok(sam_start());
  app::report("up");
  const std::uint64_t restored = restore_counter();
  app::expect_that(restored == ledger.acknowledged || restored == ledger.begun);
  ledger.acknowledged = restored;  // the one in flight may have come through: now it is there
  std::uint64_t counter = ledger.begun;
  for (;;) {
    const std::vector<std::uint64_t> data = data_of(++counter);
    ledger.begun = counter;
    app::expect_ok(sam_data_store(data.data(), data.size() * sizeof(data[0])));
    ledger.acknowledged = counter;
    ledger.stores.fetch_add(1);
    app::expect_ok(sam_hc_send());
    if (counter % 8 == 0) app::expect_ok(sam_warn_signal_set(SIGTERM));  // a question in flight
  }
}

void wait_nanoseconds(std::int64_t delay) {
  const timespec time = {0, static_cast<long>(delay)};
  ::nanosleep(&time, nullptr);
}

TEST(SamTorture, NoStoreIsTornOrLostWhenInstancesAreKilledAtRandomMoments) {
  Ledger* const ledger = make_ledger();
  ASSERT_NE(ledger, nullptr);
  const auto rounds = number_from_environment("CS_TORTURE_ROUNDS", kDefaultRounds);
  const auto seed = number_from_environment("CS_TORTURE_SEED", std::random_device{}());
  SCOPED_TRACE("CS_TORTURE_SEED=" + std::to_string(seed));
  std::mt19937_64 random(static_cast<std::uint64_t>(seed));
  SamProcess application([ledger] { store_until_killed(*ledger); });

  constexpr int kWarmUp = 20;
  std::size_t descriptors = 0;
  std::int64_t memory = 0;
  for (int round = 1; round <= rounds; ++round) {
    const Report instance = application.wait_for("up");
    ASSERT_EQ(instance.instance, static_cast<unsigned>(round)) << "an instance died by itself";
    if (round == kWarmUp) {
      descriptors = proc::count_descriptors(application.supervisor());
      memory = proc::status_number(application.supervisor(), "RssAnon");
    }
    // From at once (before it has restored) to a few dozen stores later.
    wait_nanoseconds(
        static_cast<std::int64_t>(random() % (round % 10 == 0 ? 20'000'000 : 3'000'000)));
    ::kill(instance.pid, SIGKILL);
    ASSERT_FALSE(HasFailure());
  }
  application.wait_for("up");
  EXPECT_EQ(proc::count_zombies_of(application.supervisor()), 0U);
  EXPECT_EQ(proc::children(application.supervisor()).size(), 1U);
  EXPECT_EQ(proc::count_descriptors(application.supervisor()), descriptors);
  EXPECT_LT(proc::status_number(application.supervisor(), "RssAnon"), memory + 1024);  // KiB
  EXPECT_GT(ledger->stores, static_cast<std::uint64_t>(rounds));
  RecordProperty("stores", std::to_string(ledger->stores));
  ::munmap(ledger, sizeof(Ledger));
}

// Deaths while commands go back and forth; an instance that dies between stop and start ends it
// all, so only commands that leave it started are used, and the callback's thread is busy
// meanwhile.
TEST(SamTorture, CommandsInFlightDoNotConfuseTheNextInstance) {
  const auto rounds = number_from_environment("CS_TORTURE_ROUNDS", kDefaultRounds) / 4;
  const auto seed = number_from_environment("CS_TORTURE_SEED", std::random_device{}());
  SCOPED_TRACE("CS_TORTURE_SEED=" + std::to_string(seed));
  std::mt19937_64 random(static_cast<std::uint64_t>(seed));
  SamProcess application([] {
    app::enter(5000, SAM_RECOVERY_POLICY_RESTART);
    app::expect_ok(sam_hc_callback_register([] { return 0; }));
    app::expect_ok(sam_start());
    app::report("up");
    for (int signal = 0;; signal = (signal + 1) % 32) {
      app::expect_ok(sam_warn_signal_set(signal));
      app::expect(sam_start(), CS_ERR_BAD_HANDLE);
    }
  });
  for (int round = 1; round <= rounds; ++round) {
    const Report instance = application.wait_for("up");
    ASSERT_EQ(instance.instance, static_cast<unsigned>(round)) << "an instance died by itself";
    wait_nanoseconds(static_cast<std::int64_t>(random() % 1'000'000));
    ::kill(instance.pid, SIGKILL);
    ASSERT_FALSE(HasFailure());
  }
  application.wait_for("up");
  EXPECT_EQ(proc::children(application.supervisor()).size(), 1U);
}

}  // namespace
}  // namespace cs::test
