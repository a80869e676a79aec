// SPDX-License-Identifier: BSD-3-Clause
// What /proc tells of a process, and memory that a process shares with those it forks.
#ifndef CS_BENCH_PROCESS_H
#define CS_BENCH_PROCESS_H

#include <fstream>
#include <sys/mman.h>
#include <sys/types.h>

#include "harness.h"

namespace cs::bench {

// The sum of the numbers behind all words of a file in /proc/PID that begin so.
inline double proc_sum(pid_t pid, const char* file, const std::string& beginning) {
  std::ifstream stream("/proc/" + std::to_string(pid) + "/" + file);
  require(stream.is_open(), file);
  std::string word;
  double sum = 0;
  double value = 0;
  while (stream >> word) {
    if (word.starts_with(beginning) && stream >> value) sum += value;
  }
  return sum;
}

// One object, zeroed, seen by this process and all its descendants.
template <typename T>
T& make_shared_object() {
  void* const memory =
      mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "mmap");
  return *static_cast<T*>(memory);
}

// Samples that outlive the instance that took them; all zeros is empty.
class SharedSamples {
 public:
  void add(double value) {
    require(count_ < kMost, "more samples than there is room for");
    values_[count_++] = value;
  }
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] double median() const {
    Samples samples;
    for (std::size_t i = 0; i < count_; ++i) samples.add(values_[i]);
    return samples.median();
  }

 private:
  static constexpr std::size_t kMost = 1000;
  std::size_t count_ = 0;
  double values_[kMost] = {};
};

}  // namespace cs::bench

#endif
