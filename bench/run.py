#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the benchmark programs with our libraries and with the distribution's, in turn, and reports
medians, spread, ratios and goals. To be started by scripts/bench."""

import argparse
import math
import os
import pathlib
import resource
import subprocess
import sys

import cases
import picture
import report
from daemon import Daemon

SOURCE = pathlib.Path(__file__).resolve().parent.parent
LIBRARIES = ("libvotequorum.so.8", "libsam.so.4", "libcorosync_common.so.4", "libquorum.so.5",
             "libcmap.so.4")
OURS, STOCK, FLOOR = "ours", "stock", "floor"
GOOGLE_OPTIONS = ["--benchmark_min_time=0.03", "--benchmark_repetitions=9"]
GOOGLE_QUICKLY = ["--benchmark_min_time=0.001"]


def parse_arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", metavar="PATTERN", default="", help="cases whose name has this")
    parser.add_argument("--quick", action="store_true", help="one short round: does it all work?")
    parser.add_argument("--build", type=pathlib.Path, default=SOURCE / "build/release")
    parser.add_argument("--stock", type=pathlib.Path, default=SOURCE / "build/corosync-root")
    parser.add_argument("--output", type=pathlib.Path, default=SOURCE / "build/bench",
                        help="folder of results.json")
    parser.add_argument("--picture", type=pathlib.Path, help="draw this SVG (needs gnuplot)")
    return parser.parse_args()


def gather_libraries(folder, roots):
    """One folder of links for each side, so that the loader has equally far to go."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in LIBRARIES:
        (folder / name).unlink(missing_ok=True)
        for found in (path for root in roots for path in sorted(root.rglob(name))):
            (folder / name).symlink_to(found.resolve())
            break
    return folder


def placement(kind):
    """Processors of the client and of the daemon."""
    usable = sorted(os.sched_getaffinity(0))
    if kind == cases.FREE:
        return set(usable), set(usable)
    return {usable[0]}, {usable[-1] if kind == cases.APART else usable[0]}


def possible(case):
    if case.placement == cases.APART and len(os.sched_getaffinity(0)) < 2:
        return False
    available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    return case.memory_mib < available


class Runner:
    def __init__(self, options):
        self._options = options
        self._daemon = None
        self._folders = {
            OURS: gather_libraries(options.output / OURS, [options.build / "src"]),
            STOCK: gather_libraries(options.output / STOCK, [options.stock])}
        self._folders[FLOOR] = self._folders[OURS]

    def run(self, case, side):
        """The metrics that the program of a case prints: name -> value."""
        client, daemon = placement(case.placement)
        self._running_daemon().bind(daemon)
        command = [str(word) for word in (case.floor if side == FLOOR else case.command)]
        command[0] = str(self._options.build / "bench" / command[0])
        if any(word.startswith("--benchmark") for word in command):
            command += GOOGLE_QUICKLY if self._options.quick else GOOGLE_OPTIONS
        done = subprocess.run(command, env=self._environment(case, side), stdout=subprocess.PIPE,
                              text=True, timeout=300,
                              preexec_fn=lambda: os.sched_setaffinity(0, client))
        if done.returncode != 0:
            raise RuntimeError(f"{side}: {' '.join(command)}: exit status {done.returncode}")
        return self._metrics(case, side, done.stdout)

    def stop(self):
        if self._daemon is not None:
            self._daemon.stop()
            self._daemon = None

    def _running_daemon(self):
        if self._daemon is None or not self._daemon.runs():
            self._daemon = Daemon(self._options.stock)
        return self._daemon

    def _environment(self, case, side):
        return {**os.environ, "LD_LIBRARY_PATH": str(self._folders[side]),
                "CS_BENCH_DAEMON": str(self._daemon.pid),
                **({"CS_BENCH_QUICK": "1"} if self._options.quick else {}),
                **(dict(case.stock_environment) if side == STOCK else {})}

    @staticmethod
    def _metrics(case, side, output):
        metrics = {name: float(value) for name, value in map(str.split, output.splitlines())}
        for figure in case.figures:
            if not math.isfinite(metrics.get(figure.metric, math.nan)):
                raise RuntimeError(f"{case.name}, {side}: no figure {figure.metric}:\n{output}")
        return metrics


def tell(progress):
    if sys.stderr.isatty():
        print(f"\r{progress:60}\r", end="", file=sys.stderr, flush=True)


def measure(runner, selected, rounds):
    """case name -> side -> one dictionary of metrics for each round."""
    results = {case.name: {} for case in selected}
    for number in range(rounds):
        for case in selected:
            tell(f"round {number + 1} of {rounds}: {case.name}")
            # Whoever comes second finds a warmer machine: they take turns.
            sides = [OURS, STOCK] if number % 2 == 0 else [STOCK, OURS]
            for side in (sides if case.command else []) + ([FLOOR] if case.floor else []):
                results[case.name].setdefault(side, []).append(runner.run(case, side))
            if case.wears_daemon:
                runner.stop()
    tell("")
    return results


def keep_the_machine():
    """What else runs should disturb as little as the system lets us say."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    except PermissionError:
        pass
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # for many handles


def main():
    options = parse_arguments()
    keep_the_machine()
    selected = [case for case in (*cases.CASES, cases.FLOOR)
                if options.only in case.name and possible(case)]
    runner = Runner(options)
    try:
        results = measure(runner, selected, 1 if options.quick else options.rounds)
    finally:
        runner.stop()
    rows = report.rows(selected, results)
    print(report.table(rows))
    report.write_json(options.output / "results.json", rows, results)
    if options.picture:
        picture.draw(options.picture, rows)


if __name__ == "__main__":
    main()
