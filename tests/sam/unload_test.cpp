// SPDX-License-Identifier: BSD-3-Clause
// A plug-in that uses libsam comes and goes. Nothing of the library stays in the process: no
// memory, no descriptor, no thread-specific key, no function that a fork would call. This program
// does not link the library; where it is looked for is said when the program is linked.
#include <corosync/corotypes.h>
#include <corosync/sam.h>

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "support/proc.h"

namespace cs::test {
namespace {

// The next one that is made has this number.
pthread_key_t next_key() {
  pthread_key_t key = 0;
  EXPECT_EQ(::pthread_key_create(&key, nullptr), 0);
  EXPECT_EQ(::pthread_key_delete(key), 0);
  return key;
}

bool is_mapped(const std::string& name) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find(name) != std::string::npos) return true;
  }
  return false;
}

void load_use_and_unload() {
  void* const library = ::dlopen("libsam.so.4", RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << ::dlerror();
  const auto initialize =
      reinterpret_cast<decltype(&sam_initialize)>(::dlsym(library, "sam_initialize"));
  const auto finalize = reinterpret_cast<decltype(&sam_finalize)>(::dlsym(library, "sam_finalize"));
  EXPECT_EQ(initialize(1000, SAM_RECOVERY_POLICY_RESTART), CS_OK);
  EXPECT_EQ(finalize(), CS_OK);
  EXPECT_EQ(::dlclose(library), 0);
}

TEST(SamUnloaded, LeavesNothing) {
  const pthread_key_t key = next_key();
  const std::size_t descriptors = proc::count_descriptors(::getpid());
  for (int round = 0; round < 3; ++round) {
    ASSERT_NO_FATAL_FAILURE(load_use_and_unload());
    ASSERT_FALSE(is_mapped("/libsam.so"));
    ASSERT_EQ(next_key(), key);
    ASSERT_EQ(proc::count_descriptors(::getpid()), descriptors);
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
  }
}

}  // namespace
}  // namespace cs::test
