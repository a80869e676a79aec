// SPDX-License-Identifier: BSD-3-Clause
// Runs one program, a file of steps, on the libraries that it finds, and tells what it sees.
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include <cstdlib>

#include "differential/interpreter/calls.h"
#include "differential/interpreter/place.h"
#include "differential/interpreter/record.h"
#include "differential/interpreter/threads.h"

namespace cs::differential {
namespace {

// The same step again and again, seldom with more than one outcome.
void repeat(const Step& step) {
  std::vector<std::pair<std::string, long>> seen;
  for (long round = 0, rounds = step.number(1); round < rounds; ++round) {
    Kept kept;
    perform(step.after(2));
    std::string text = kept.take();
    if (seen.empty() || seen.back().first != text) seen.emplace_back(std::move(text), 0);
    ++seen.back().second;
  }
  for (const auto& [text, count] : seen) record("%ld times %s", count, text.c_str());
}

// Things that the daemon's place does.
void daemon(const Step& step) {
  ask_place(step.word(1));
  settle();
}

const Calls& calls() {
  static const Calls all = [] {
    Calls made;
    add_votequorum_calls(made);
    add_sam_calls(made);
    add_process_calls(made);
    add_thread_calls(made);
    made["repeat"] = repeat;
    made["daemon"] = daemon;
    made["settle"] = [](const Step&) { settle(); };
    return made;
  }();
  return all;
}

int run(const char* path) {
  const std::vector<Step> program = read_program(path);
  for (const Step& step : program) {
    if (step.instance != 0 && step.instance != instance()) continue;
    at_line(step.line);
    if (!step.who.empty()) {
      perform_elsewhere(step);
    } else if (!perform(step)) {
      record("no such word: %s", step.word(0).c_str());
      return 2;
    }
    wait_until_quiet();
  }
  settle();
  at_line(program.empty() ? 0 : program.back().line + 1);
  perform(parse_step(current_line(), "end"));
  return 0;
}

}  // namespace

bool perform(const Step& step) {
  const auto found = calls().find(step.word(0));
  if (found == calls().end()) return false;
  found->second(step);
  return true;
}

}  // namespace cs::differential

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: differential_program FILE\n");
    return 2;
  }
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
  return cs::differential::run(argv[1]);
}
