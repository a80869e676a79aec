#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""run.py: see scripts/differential, which builds what this wants and calls it."""
import argparse
import collections
import glob
import os
import random
import subprocess
import sys
import threading
import time

import compare
import generate
import lanes
import shrink

HERE = os.path.dirname(os.path.abspath(__file__))
LANES = {"votequorum": 2, "sam": 4, "sam_daemon": 2}  # even numbers: each other lane is another
AGAIN = 6  # how often a difference is looked for again


class Runner:
    def __init__(self, options, setting, rules):
        self.options = options
        self.setting = setting
        self.rules = rules
        self.lock = threading.Lock()
        self.next_seed = collections.Counter()
        self.count = collections.Counter()
        self.rows = collections.Counter()
        self.unsteady = []
        self.findings = []
        self.failure = None
        self.end = time.monotonic() + options.seconds

    # -- one program -------------------------------------------------------------------------------

    def difference(self, lane, program, text, fresh=False):
        results = lane.run(text, program.transport, fresh)
        return compare.compare(text, *results, self.rules)

    def confirmed(self, lane, program, first):
        """A difference that is seen in most runs with new daemons, and in none of which stock told
        what ours did, as it does where threads race; or None, and whose outcome at that step has
        changed: a busy machine may show one once."""
        text = program.text()
        seen, changed, stock_too = [], set(), False
        for _ in range(AGAIN):
            results = lane.run(text, program.transport, fresh=True)
            difference, _rows = compare.compare(text, *results, self.rules)
            if difference is not None:
                seen.append(difference)
            for side, result in zip(("stock", "ours"), results):
                if compare.Seen(result).at(first.key) != getattr(first, side):
                    changed.add(side)
            stock_too |= compare.Seen(results[0]).at(first.key) == first.ours
        return (seen[0] if 2 * len(seen) > AGAIN and not stock_too else None), changed

    def next_program(self, kind, number):
        """Each lane has seeds of its own, so that its daemon keeps its transport."""
        with self.lock:
            seed = self.options.seed + number + self.next_seed[kind, number] * self.options.lanes
            self.next_seed[kind, number] += 1
        return generate.program(seed, kind)

    def one(self, lane, kind, number):
        program = self.next_program(kind, number)
        difference, rows = self.difference(lane, program, program.text())
        with self.lock:
            self.count[kind] += 1
            self.rows.update(set(rows))
        if difference is None:
            return
        again, changed = self.confirmed(lane, program, difference)
        if again is None:
            with self.lock:
                self.unsteady.append((program, difference, changed))
            return
        self.found(lane, program, again)

    def found(self, lane, program, difference):
        with self.lock:
            if len(self.findings) >= self.options.findings:
                return
            self.findings.append(program)
        if self.options.shrink:
            def still_differs(text):
                """At the same step: a program that lacks steps may differ elsewhere."""
                fresh = program.transport is not None
                found = self.difference(lane, program, text, fresh)[0]
                return found if found and found.key == difference.key else None
            text, difference = shrink.shrink(program, difference, still_differs,
                                             limit=self.options.shrink)
        else:
            text = program.text()
        with self.lock:
            print(report(program, text, difference), flush=True)

    # -- all ---------------------------------------------------------------------------------------

    def over(self):
        if self.failure or len(self.findings) >= self.options.findings:
            return True
        if self.options.programs:
            return sum(self.next_seed.values()) >= self.options.programs
        return time.monotonic() > self.end

    def work(self, kind, number):
        lane = lanes.Lane(self.setting)
        try:
            while not self.over():
                self.one(lane, kind, number)
        except Exception as error:  # pylint: disable=broad-except
            self.failure = error
            raise
        finally:
            lane.close()

    def run(self):
        workers = [threading.Thread(target=self.work, args=[kind, number])
                   for kind in self.options.kind
                   for number in range(min(LANES[kind], self.options.lanes))]
        for worker in workers:
            worker.start()
        while any(worker.is_alive() for worker in workers):
            try:
                for worker in workers:
                    worker.join()
            except KeyboardInterrupt:
                self.failure = "interrupted"


def report(program, text, difference):
    lines = "".join(f"    {number:3} {line}\n" for number, line in enumerate(text.splitlines(), 1)
                    if line)
    return (f"differential: a difference. Again: scripts/differential --kind {program.kind} "
            f"--seed {program.seed} --lanes 1 --programs 1\n"
            f"  {program.kind}, {program.transport or 'no daemon'}:\n{lines}{difference}\n")


def parse_options():
    parser = argparse.ArgumentParser(prog="differential")
    parser.add_argument("seconds", nargs="?", type=float,
                        default=os.environ.get("CS_DIFFERENTIAL_SECONDS", "60"))
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--kind", action="append", choices=LANES)
    parser.add_argument("--programs", type=int, default=0, help="so many instead of SECONDS")
    parser.add_argument("--lanes", type=int, default=4, help="so many at once of a kind, at most")
    parser.add_argument("--findings", type=int, default=1, help="end after so many")
    parser.add_argument("--shrink", type=float, default=120, help="for so many seconds at most")
    parser.add_argument("--program", required=True)
    parser.add_argument("--ours", required=True)
    parser.add_argument("--root", required=True)
    options = parser.parse_args()
    options.root = os.environ.get("CS_COROSYNC_ROOT") or options.root
    options.kind = options.kind or list(LANES)
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(10**9)
    return options


def cannot(why):
    print(f"differential: {why}", file=sys.stderr)
    sys.exit(1 if os.environ.get("CS_NO_SKIPS") == "1" else 77)


def check_surroundings(options):
    if not glob.glob(f"{options.root}/usr/lib/*/libsam.so.4"):
        cannot(f"no libsam.so.4 in {options.root} (run scripts/fetch-corosync)")
    tried = subprocess.run([f"{HERE}/../../scripts/in-namespaces", "true"], check=False)
    if tried.returncode != 0:
        cannot("no private namespaces here")


def main():
    options = parse_options()
    check_surroundings(options)
    setting = lanes.Setting(options.program, options.ours, options.root)
    setting.check()
    rules = compare.read_rules(f"{HERE}/differences.txt")
    missing = compare.missing_rows(rules, f"{HERE}/../../docs/compatibility.md")
    if missing:
        sys.exit("differences.txt names rows that docs/compatibility.md has not:\n  " +
                 "\n  ".join(missing))
    print(f"differential: seed {options.seed}", flush=True)
    runner = Runner(options, setting, rules)
    runner.run()
    counts = ", ".join(f"{runner.count[kind]} {kind}" for kind in options.kind)
    print(f"differential: {counts} programs; {len(runner.findings)} unexplained differences, "
          f"{len(runner.unsteady)} seen once and not again")
    for program, difference, changed in runner.unsteady:
        who = " and ".join(sorted(changed)) or "neither"
        print(f"  once: {program.kind} {program.seed}; later {who} did otherwise\n{difference}")
    for row, count in sorted(runner.rows.items()):
        print(f"  {count} times: {row}")
    sys.exit(1 if runner.findings or runner.failure else 0)


if __name__ == "__main__":
    main()
