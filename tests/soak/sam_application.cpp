// SPDX-License-Identifier: BSD-3-Clause
// sam_application SEED INSTANCES: an application under SAM that checks what it finds in each life,
// and dies or hangs in a way of its own; the last one ends in good order. Exit status 0 when every
// life found what it had to; otherwise the number of the check.
#include <corosync/sam.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <vector>

#include "support/proc.h"

namespace {

constexpr int kIntervalMs = 100;

// What one life leaves to the next; bytes that depend on the instance follow it.
struct Legacy {
  unsigned instance;
  unsigned stores;
  std::size_t descriptors;
  std::size_t size;
};

[[noreturn]] void complain(int check) {
  (void)sam_finalize();
  ::_exit(check);
}

void require(bool holds, int check) {
  if (!holds) complain(check);
}

std::vector<char> make_legacy(unsigned instance, unsigned stores, std::size_t size) {
  const Legacy legacy{instance, stores, cs::test::proc::count_descriptors(::getpid()), size};
  std::vector<char> bytes(sizeof(legacy) + size, static_cast<char>(instance * 31 + stores));
  std::memcpy(bytes.data(), &legacy, sizeof(legacy));
  return bytes;
}

// The last store that was acknowledged, whole; and no descriptor more than the life before.
void check_legacy(unsigned instance) {
  std::size_t size = 0;
  require(sam_data_getsize(&size) == CS_OK, 10);
  require((size == 0) == (instance == 1), 11);
  if (size == 0) return;
  std::vector<char> bytes(size);
  require(sam_data_restore(bytes.data(), bytes.size()) == CS_OK, 12);
  Legacy legacy;
  std::memcpy(&legacy, bytes.data(), sizeof(legacy));
  require(legacy.instance == instance - 1 && legacy.size == size - sizeof(legacy), 13);
  for (std::size_t i = sizeof(legacy); i < size; ++i) {
    require(bytes[i] == static_cast<char>(legacy.instance * 31 + legacy.stores), 14);
  }
  require(legacy.descriptors == cs::test::proc::count_descriptors(::getpid()), 15);
}

void live_healthily(std::mt19937& random, unsigned instance) {
  const unsigned rounds = 1 + random() % 8;
  for (unsigned round = 0; round < rounds; ++round) {
    const auto bytes = make_legacy(instance, round, random() % 100'000);
    require(sam_data_store(bytes.data(), bytes.size()) == CS_OK, 20);
    require(sam_hc_send() == CS_OK, 21);
    ::usleep(static_cast<useconds_t>(random() % 10'000));
  }
}

[[noreturn]] void end_badly(std::mt19937& random) {
  constexpr int kSignals[] = {SIGKILL, SIGTERM, SIGUSR1, SIGPIPE, SIGALRM};
  switch (random() % 4) {
    case 0:
      ::_exit(static_cast<int>(random() % 3));
    case 1:
      ::signal(SIGTERM, SIG_IGN);  // the warning; only the kill ends this one
      [[fallthrough]];
    case 2:
      for (;;) ::pause();
    default:
      ::kill(::getpid(), kSignals[random() % 5]);
      ::_exit(30);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const unsigned seed = static_cast<unsigned>(::atoi(argv[1]));
  const unsigned last = static_cast<unsigned>(::atoi(argv[2]));
  if (sam_initialize(kIntervalMs, SAM_RECOVERY_POLICY_RESTART) != CS_OK) return 3;
  unsigned instance = 0;
  if (sam_register(&instance) != CS_OK) return 4;
  std::mt19937 random(seed + instance);
  check_legacy(instance);
  require(sam_start() == CS_OK, 5);
  live_healthily(random, instance);
  if (instance < last) end_badly(random);
  require(sam_stop() == CS_OK, 6);
  require(sam_finalize() == CS_OK, 7);
  return 0;
}
