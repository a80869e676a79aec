// SPDX-License-Identifier: BSD-3-Clause
// The destructor of a thread-specific value.
#include "sam/active/thread_exit.h"

#include <atomic>
#include <pthread.h>

namespace cs::sam {
namespace {

static_assert(sizeof(pthread_key_t) <= sizeof(long));
constexpr long kNoKey = -1;

constinit std::atomic<long> g_key = kNoKey;

// The first call makes the key. A thread that loses the race for it deletes its own.
bool get_key(ThreadExit::Function function, pthread_key_t& key) noexcept {
  long known = g_key.load(std::memory_order_acquire);
  if (known == kNoKey) {
    if (pthread_key_create(&key, function) != 0) return false;
    if (g_key.compare_exchange_strong(known, static_cast<long>(key))) return true;
    pthread_key_delete(key);
  }
  key = static_cast<pthread_key_t>(known);
  return true;
}

void* get() noexcept {
  const long key = g_key.load(std::memory_order_acquire);
  return key != kNoKey ? pthread_getspecific(static_cast<pthread_key_t>(key)) : nullptr;
}

bool set(ThreadExit::Function function, void* argument) noexcept {
  pthread_key_t key;
  return get_key(function, key) && pthread_setspecific(key, argument) == 0;
}

// A library that is unloaded must not leave a function behind.
__attribute__((destructor)) void give_key_back() noexcept {
  const long key = g_key.exchange(kNoKey);
  if (key != kNoKey) pthread_key_delete(static_cast<pthread_key_t>(key));
}

}  // namespace

ThreadExit::ThreadExit(Function function, void* argument) noexcept
    : previous_(get()), is_armed_(set(function, argument)) {}

ThreadExit::~ThreadExit() {
  if (is_armed_) pthread_setspecific(static_cast<pthread_key_t>(g_key.load()), previous_);
}

}  // namespace cs::sam
