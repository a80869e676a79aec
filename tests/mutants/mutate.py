# SPDX-License-Identifier: BSD-3-Clause
"""mutate.py ROOT [OPTION...] [NUMBER|NAME...]: builds the tree with the slips of tests/mutants, one
at a time, and tells which of them the tests see. See scripts/mutate."""
import argparse
import collections
import multiprocessing
import os
import shutil
import signal
import sys

import slips
import trial
from place import DoesNotBuild

# Of each process, which has got it by being forked.
PROCESS = []


class Report:
    """Counts, and prints."""

    def __init__(self):
        self.results = collections.defaultdict(collections.Counter)
        self.survivors = []

    def add(self, number, slip, outcome, words, seconds=0):
        """One slip."""
        self.results[slip.room][outcome.lower()] += 1
        if outcome == "SURVIVED":
            self.survivors.append(f"{number:3} {slip.room}: {slip.name} ({slip.file})")
        print(f"{outcome:11} {number:3} {slip.room}: {slip.name}: {words} ({seconds:.0f} s)",
              flush=True)

    def print_rates(self):
        """By room, and of all."""
        total = collections.Counter()
        for room in sorted(self.results):
            total.update(self.results[room])
            print_rate(room, self.results[room])
        print_rate("all", total)
        for survivor in self.survivors:
            print(f"SURVIVED {survivor}")


def print_rate(name, counts):
    """One line."""
    tried = counts["killed"] + counts["survived"]
    rate = 100 * counts["killed"] / tried if tried else 100
    print(f"{name:16} {tried + counts['equivalent']:4} slips {counts['killed']:4} killed "
          f"{counts['survived']:3} survived {counts['equivalent']:3} equivalent {rate:6.1f} %")


def choose(known, rooms, wanted):
    """Numbers count from 1; a name may be a part of one."""
    chosen = []
    for number, slip in enumerate(known, 1):
        is_wanted = not wanted or any(
            int(word) == number if word.isdigit() else word in slip.name for word in wanted)
        if is_wanted and (not rooms or slip.room in rooms):
            chosen.append((number, slip))
    return chosen


def begin_process():
    """In each process of the pool."""
    PROCESS[0].begin_process()


def attempt(numbered):
    """In one of them."""
    return numbered, PROCESS[0].attempt(numbered[1])


def try_all(trials, chosen, jobs, report):
    """Tries what is to be tried, so many at once."""
    PROCESS.append(trials)
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit("mutate: ended"))
    with multiprocessing.get_context("fork").Pool(jobs, begin_process) as pool:
        for (number, slip), (failure, seconds, news) in pool.imap_unordered(attempt, chosen):
            if failure and failure.startswith("BUILD "):
                raise DoesNotBuild(f"{slip.room}: {slip.name}: {failure}")
            trials.memory.take_in(news)
            report.add(number, slip, "killed" if failure else "SURVIVED",
                       failure or "nothing has seen it", seconds)


def set_aside(trials, chosen, continues, report):
    """Returns what is to be tried: neither what is excused, nor what is known."""
    left = []
    for number, slip in chosen:
        digest, failure = trials.memory.data["killed"].get(slip.name, (None, None))
        if slip.equivalent:
            report.add(number, slip, "equivalent", slip.equivalent)
        elif continues and digest == trial.digest_of(trials.root, slip):
            report.add(number, slip, "killed", f"{failure}, when it was tried last")
        else:
            left.append((number, slip))
    return left


def parse_options():
    """As the script says."""
    parser = argparse.ArgumentParser(prog="mutate")
    parser.add_argument("root")
    parser.add_argument("--room", action="append")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--continue", action="store_true", dest="continues")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("wanted", nargs="*")
    return parser.parse_args()


def main():
    """Returns 1 when one has survived."""
    options = parse_options()
    known = slips.load(f"{options.root}/tests/mutants")
    findings = slips.check(options.root, known)
    chosen = choose(known, options.room, options.wanted)
    if findings or not chosen:
        sys.exit("mutate: " + ("\n".join(findings) or "there is no such slip"))
    if options.list:
        for number, slip in chosen:
            print(f"{number:3} {slip.room}: {slip.name} ({slip.file})")
        return 0
    folder = f"{options.root}/build/mutants"
    os.makedirs(folder, exist_ok=True)
    report = Report()
    try:
        trials = trial.Trial(options.root, folder, options.fast)
        left = set_aside(trials, chosen, options.continues, report)
        if left:
            trials.prepare([slip for _, slip in left])
            try_all(trials, left, options.jobs, report)
    except DoesNotBuild as failure:
        sys.exit(f"mutate: {failure}")
    for name in os.listdir(folder):
        if name.startswith("with-slip-"):
            shutil.rmtree(f"{folder}/{name}")
    report.print_rates()
    return 1 if report.survivors else 0


if __name__ == "__main__":
    sys.exit(main())
