# SPDX-License-Identifier: BSD-3-Clause
"""mutate.py ROOT [OPTION...] [NUMBER|NAME...]: builds the tree with the slips of tests/mutants, one
at a time, and tells which of them the tests see. See scripts/mutate."""
import argparse
import collections
import json
import os
import sys
import time

import groups
import runner
import slips
from place import DoesNotBuild, Place


class Memory:
    """What is kept between two calls, in the folder of the build: which tests have passed without a
    slip, how long they take, and which of them has seen a slip."""

    def __init__(self, path):
        self.path = path
        self.data = {"passed": {}, "times": {}, "seen_by": {}}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.data.update(json.load(file))

    def save(self):
        """Writes all of it."""
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump(self.data, file, indent=1)


class Trial:
    """Tries slips, and counts."""

    def __init__(self, root, jobs, fast):
        folder = f"{root}/build/mutants"
        os.makedirs(folder, exist_ok=True)
        self.jobs, self.fast = jobs, fast
        self.memory = Memory(f"{folder}/memory.json")
        self.place = Place(root, f"{folder}/with-slip", jobs)
        self.runner = runner.Runner(self.place, self.memory)
        self.results = collections.defaultdict(collections.Counter)
        self.survivors = []

    def prepare(self, chosen):
        """Builds without a slip."""
        self.place.configure()
        self.place.prepare(groups.programs_of(self.place, chosen, self.fast))

    def groups(self, slip):
        """Lists of runs, the fast ones first; ahead of all what has seen the slip before."""
        found = [groups.own_runs(self.place, slip), groups.unit_runs(self.place, slip)]
        if not self.fast:
            found += [groups.process_runs(self.place, slip), groups.long_runs(slip),
                      groups.private_runs(slip)]
        last = self.memory.data["seen_by"].get(slip.name)
        found.insert(0, [run for group in found for run in group if run.name == last][:1])
        times = self.memory.data["times"]
        found = [[run for run in group if run.name not in self.runner.left_out] for group in found]
        return [sorted(group, key=lambda run: times.get(run.name, 0)) for group in found if group]

    def look_for(self, slip):
        """The name of what has seen it; None when nothing has; it must build."""
        with open(f"{self.place.root}/{slip.file}", encoding="utf-8") as file:
            self.place.plant(slip.file, slips.apply(slip, file.read()))
        for group in self.groups(slip):
            self.place.make({run.program for run in group})
            jobs = self.jobs * (1 if groups.is_fast(group[0]) else 2)
            failure = self.runner.first_failure(group, jobs)
            runner.end_all_below(os.getpid())
            if failure:
                self.memory.data["seen_by"][slip.name] = failure[0].name
                self.memory.save()
                return failure[1]
        return None

    def note(self, number, slip):
        """Tries one and prints the result."""
        if slip.equivalent:
            self.results[slip.room]["equivalent"] += 1
            print(f"equivalent  {number:3} {slip.room}: {slip.name}: {slip.equivalent}", flush=True)
            return
        began = time.monotonic()
        seen_by = self.look_for(slip)
        seconds = time.monotonic() - began
        self.results[slip.room]["killed" if seen_by else "survived"] += 1
        if seen_by:
            print(f"killed      {number:3} {slip.room}: {slip.name}: {seen_by} ({seconds:.0f} s)",
                  flush=True)
        else:
            self.survivors.append(f"{number:3} {slip.room}: {slip.name} ({slip.file})")
            print(f"SURVIVED    {number:3} {slip.room}: {slip.name} ({seconds:.0f} s)", flush=True)

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


def main():
    """As the script says."""
    parser = argparse.ArgumentParser(prog="mutate")
    parser.add_argument("root")
    parser.add_argument("--room", action="append")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("wanted", nargs="*")
    options = parser.parse_args()
    known = slips.load(f"{options.root}/tests/mutants")
    findings = slips.check(options.root, known)
    if findings:
        sys.exit("mutate: " + "\n".join(findings))
    chosen = choose(known, options.room, options.wanted)
    if not chosen:
        sys.exit("mutate: there is no such slip")
    if options.list:
        for number, slip in chosen:
            print(f"{number:3} {slip.room}: {slip.name} ({slip.file})")
        return 0
    runner.prepare_process()
    trial = Trial(options.root, options.jobs, options.fast)
    try:
        trial.prepare([slip for _, slip in chosen if not slip.equivalent])
        for number, slip in chosen:
            trial.note(number, slip)
    except DoesNotBuild as failure:
        sys.exit(f"mutate: {failure}")
    trial.place.restore()
    trial.print_rates()
    return 1 if trial.survivors else 0


if __name__ == "__main__":
    sys.exit(main())
