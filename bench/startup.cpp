// SPDX-License-Identifier: BSD-3-Clause
// bench_startup PROGRAM SAMPLES: how long a program that does nothing takes from start to end. The
// program is looked for beside this one.
#include <climits>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

namespace cs::bench {
namespace {

std::string beside_us(const std::string& name) {
  char path[PATH_MAX] = {};
  require(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0, "/proc/self/exe");
  const std::string own = path;
  return own.substr(0, own.rfind('/') + 1) + name;
}

double run_once(const std::string& program) {
  char* const arguments[] = {const_cast<char*>(program.c_str()), nullptr};
  const double begin = nanoseconds();
  pid_t child = 0;
  require(posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments, environ) == 0, "spawn");
  int status = 0;
  waitpid(child, &status, 0);
  const double end = nanoseconds();
  require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the program started");
  return end - begin;
}

}  // namespace
}  // namespace cs::bench

int main(int argc, char** argv) {
  using namespace cs::bench;
  if (argc != 3) return 2;
  const std::string program = beside_us(argv[1]);
  Samples samples;
  for (std::size_t i = 0; i < scaled(static_cast<std::size_t>(std::atol(argv[2]))); ++i) {
    samples.add(run_once(program));
  }
  report("startup", samples.median());
}
