// SPDX-License-Identifier: BSD-3-Clause
// Stored data: what one instance leaves to the next, and the rules of storing and restoring.
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/sam_process.h"

namespace cs::test {
namespace {

constexpr int kRestart = SAM_RECOVERY_POLICY_RESTART;
constexpr int kInterval = 60'000;
constexpr std::size_t kMebibyte = 1024 * 1024;

// Bytes that tell a whole store of this size and seed from every other. By words: a sanitizer looks
// at every access.
std::vector<char> pattern(std::size_t size, unsigned seed) {
  std::vector<char> bytes(size);
  for (std::size_t i = 0; i < size; i += sizeof(std::uint64_t)) {
    const std::uint64_t word = (seed + i + 1) * 0x9e3779b97f4a7c15U;
    std::memcpy(&bytes[i], &word, std::min(sizeof(word), size - i));
  }
  return bytes;
}

void store(const std::vector<char>& bytes) {
  app::expect_ok(sam_data_store(bytes.data(), bytes.size()));
}

bool holds(const std::vector<char>& expected) {
  std::size_t size = 0;
  app::expect_ok(sam_data_getsize(&size));
  if (size != expected.size()) return false;
  std::vector<char> bytes(size + 1, '#');
  app::expect_ok(sam_data_restore(bytes.data(), bytes.size()));
  return bytes.back() == '#' && std::equal(expected.begin(), expected.end(), bytes.begin());
}

class SamDataSize : public testing::TestWithParam<std::size_t> {};

TEST_P(SamDataSize, SurvivesSeveralInstances) {
  SamProcess application([size = GetParam()] {
    const unsigned id = app::enter(kInterval, kRestart);
    if (id == 1) store(pattern(size, 1));
    app::expect_that(holds(pattern(size, 1)));
    app::expect_ok(sam_start());
    app::expect_that(holds(pattern(size, 1)));
    if (id < 4) app::die_by(SIGKILL);
    app::report("held", static_cast<std::int64_t>(size));
  });
  EXPECT_EQ(application.wait_for("held").instance, 4U);
}

TEST_P(SamDataSize, StoredBeforeRegistrationReachesAllInstances) {
  SamProcess application([size = GetParam()] {
    app::expect_ok(sam_initialize(kInterval, SAM_RECOVERY_POLICY_RESTART));
    store(pattern(size, 2));
    app::expect_that(holds(pattern(size, 2)));
    const unsigned id = app::register_instance();
    app::expect_that(holds(pattern(size, 2)));
    app::expect_ok(sam_start());
    if (id < 3) app::die_by(SIGSEGV);
    app::report("held");
  });
  application.wait_for("held");
}

TEST_P(SamDataSize, IsReplacedByAnyOther) {
  SamProcess application([size = GetParam()] {
    const unsigned id = app::enter(kInterval, kRestart);
    unsigned seed = 0;
    for (const std::size_t other : {std::size_t{64}, size, std::size_t{1}, size, size}) {
      store(pattern(other, ++seed));
      app::expect_that(holds(pattern(other, seed)));
    }
    app::expect_ok(sam_start());
    store(pattern(64, id));
    store(pattern(size, id));
    if (id == 1) app::die_by(SIGKILL);
    app::expect_that(holds(pattern(size, id)));
    app::report("held");
  });
  application.wait_for("held");
}

INSTANTIATE_TEST_SUITE_P(Bytes, SamDataSize,
                         testing::Values(1, 64, 4095, 4096, 70'000, 8 * kMebibyte));

TEST(SamData, AreEmptyAtFirst) {
  SamProcess application([] {
    app::expect_ok(sam_initialize(kInterval, SAM_RECOVERY_POLICY_RESTART));
    app::expect_that(holds({}));
    app::register_instance();
    app::expect_that(holds({}));
    char byte = 'x';
    app::expect_ok(sam_data_restore(&byte, 1));
    app::expect_ok(sam_data_restore(&byte, 0));
    app::expect_that(byte == 'x');
    app::report("done");
  });
  application.wait_for("done");
}

TEST(SamData, OfNoLengthAreNone) {
  SamProcess application([] {
    const unsigned id = app::enter(kInterval, kRestart);
    if (id == 1) {
      store(pattern(64, 1));
      app::expect_ok(sam_data_store("x", 0));
      app::expect_that(holds({}));
      app::expect_ok(sam_start());
      app::die_by(SIGKILL);
    }
    app::expect_that(holds({}));
    app::report("done");
  });
  application.wait_for("done");
}

TEST(SamData, AreErasedByNullWhateverTheSize) {
  SamProcess application([] {
    const unsigned id = app::enter(kInterval, kRestart);
    if (id == 1) {
      for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kMebibyte}) {
        store(pattern(64, 1));
        app::expect_ok(sam_data_store(nullptr, size));
        app::expect_that(holds({}));
      }
      app::expect_ok(sam_start());
      app::die_by(SIGKILL);
    }
    app::expect_that(holds({}));
    app::report("done");
  });
  application.wait_for("done");
}

TEST(SamData, AreNotRestoredIntoLessRoomThanTheyTake) {
  SamProcess application([] {
    app::enter(kInterval, kRestart);
    store(pattern(64, 1));
    std::vector<char> room(100, '#');
    const std::vector<char> untouched = room;
    app::expect(sam_data_restore(room.data(), 63), CS_ERR_INVALID_PARAM);
    app::expect(sam_data_restore(room.data(), 0), CS_ERR_INVALID_PARAM);
    app::expect_that(room == untouched);
    app::expect_ok(sam_data_restore(room.data(), 64));
    app::expect_that(room[64] == '#');
    app::report("done");
  });
  application.wait_for("done");
}

TEST(SamData, StayWhenAStoreRunsOutOfMemory) {
  SamProcess application([] {
    app::expect_ok(sam_initialize(kInterval, SAM_RECOVERY_POLICY_RESTART));
    store(pattern(64, 1));
    // More than any machine has; nobody looks at bytes that do not exist.
    app::expect(sam_data_store("x", SSIZE_MAX - 4096), CS_ERR_NO_MEMORY);
    app::expect_that(holds(pattern(64, 1)));
    app::register_instance();
    app::expect_that(holds(pattern(64, 1)));
    app::report("done");
  });
  application.wait_for("done");
}

TEST(SamData, OfAnAbandonedProcessCannotBeReachedAfterFinalize) {
  SamProcess application([] {
    app::enter(kInterval, kRestart);
    store(pattern(64, 1));
    app::expect_ok(sam_finalize());
    std::size_t size = 7;
    app::expect(sam_data_getsize(&size), CS_ERR_BAD_HANDLE);
    app::expect(sam_data_store("x", 1), CS_ERR_BAD_HANDLE);
    app::expect_that(size == 7);
    app::report("done");
  });
  application.wait_for("done");
  application.expect_exit_code(0);
}

// Every thread stores patterns of its own; whatever is there at any time is a whole one.

constexpr unsigned kThreads = 4;
constexpr unsigned kRounds = 150;

std::size_t size_of_thread(unsigned thread) { return 100 + thread * 5000; }

bool holds_a_whole_pattern(const std::vector<char>& bytes) {
  for (unsigned thread = 0; thread < kThreads; ++thread) {
    if (bytes.size() == size_of_thread(thread)) return bytes == pattern(bytes.size(), thread);
  }
  return false;
}

// Size and content in one look: restore says if the room was not enough.
std::vector<char> restore_all() {
  std::vector<char> bytes(size_of_thread(kThreads), '\0');
  app::expect_ok(sam_data_restore(bytes.data(), bytes.size()));
  std::size_t size = 0;
  app::expect_ok(sam_data_getsize(&size));
  bytes.resize(size);
  return bytes;
}

void* store_patterns(void* argument) {
  const auto thread = static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(argument));
  const std::vector<char> bytes = pattern(size_of_thread(thread), thread);
  for (unsigned round = 0; round < kRounds; ++round) store(bytes);
  return nullptr;
}

void store_from_all_threads() {
  pthread_t threads[kThreads];
  for (unsigned thread = 0; thread < kThreads; ++thread) {
    pthread_create(&threads[thread], nullptr, store_patterns,
                   reinterpret_cast<void*>(std::uintptr_t{thread}));
  }
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
}

TEST(SamData, StoredByManyThreadsAreOneWholeStore) {
  SamProcess application([] {
    const unsigned id = app::enter(kInterval, kRestart);
    if (id == 1) {
      store_from_all_threads();
      app::expect_that(holds_a_whole_pattern(restore_all()));
      app::expect_ok(sam_start());
      app::die_by(SIGKILL);
    }
    app::expect_that(holds_a_whole_pattern(restore_all()));
    app::report("done");
  });
  application.wait_for("done");
}

// A reader in the middle of it sees sizes and bytes that belong together.
TEST(SamData, RestoredWhileOthersStoreAreWhole) {
  SamProcess application([] {
    app::enter(kInterval, kRestart);
    store(pattern(size_of_thread(1), 1));
    pthread_t writer;
    pthread_create(&writer, nullptr, store_patterns, reinterpret_cast<void*>(std::uintptr_t{1}));
    for (unsigned round = 0; round < kRounds; ++round) {
      app::expect_that(holds(pattern(size_of_thread(1), 1)));
    }
    pthread_join(writer, nullptr);
    app::report("done");
    ::_exit(0);
  });
  application.wait_for("done");
}

}  // namespace
}  // namespace cs::test
