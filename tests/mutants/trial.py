# SPDX-License-Identifier: BSD-3-Clause
"""Trying one slip, in a process of its own: several are tried at once, and what each leaves behind
is ended without harm to the others."""
import hashlib
import json
import os
import time

import groups
import runner
import slips
from place import DoesNotBuild, Place


class Memory:
    """What is kept between two calls, in the folder of the build: which tests have passed without a
    slip, how long they take, which of them has seen a slip, and in what text."""

    def __init__(self, path):
        self.path = path
        self.data = {"passed": {}, "times": {}, "seen_by": {}, "killed": {}}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.data.update(json.load(file))

    def take_in(self, news):
        """What a process has found out is known to all from now on."""
        for kind, entries in news.items():
            self.data[kind].update(entries)
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump(self.data, file, indent=1)


def digest_of(root, slip):
    """Of the file with the slip in it."""
    with open(f"{root}/{slip.file}", encoding="utf-8") as file:
        return hashlib.sha256(slips.apply(slip, file.read()).encode()).hexdigest()


class Trial:
    """Made once; each process then has a copy of it."""

    def __init__(self, root, folder, fast):
        self.root, self.folder, self.fast = root, folder, fast
        self.memory = Memory(f"{folder}/memory.json")
        self.place = Place(root, f"{folder}/first")
        self.runner = None

    def prepare(self, chosen):
        """Builds without a slip."""
        self.place.configure()
        self.place.prepare(groups.programs_of(self.place, chosen, self.fast))

    def begin_process(self):
        """In each process that is to try slips."""
        runner.prepare_process()
        self.place.move_to(f"{self.folder}/with-slip-{os.getpid()}")
        self.runner = runner.Runner(self.place, self.memory)

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
        """The run that has seen it, and what failed there; None when nothing has."""
        with open(f"{self.root}/{slip.file}", encoding="utf-8") as file:
            self.place.plant(slip.file, slips.apply(slip, file.read()))
        for group in self.groups(slip):
            self.place.make({run.program for run in group})
            failure = self.runner.first_failure(group, 2 if groups.is_fast(group[0]) else 4)
            runner.end_all_below(os.getpid())
            if failure:
                return failure
        return None

    def attempt(self, slip):
        """What failed, or None; how many seconds it took; and what is new."""
        began = time.monotonic()
        try:
            failure = self.look_for(slip)
        except DoesNotBuild as why:
            return f"BUILD {why}", 0, {}
        finally:
            self.place.restore()
        news = {kind: self.memory.data[kind] for kind in ("passed", "times")}
        if failure:
            news["seen_by"] = {slip.name: failure[0].name}
            news["killed"] = {slip.name: [digest_of(self.root, slip), failure[1]]}
        return failure[1] if failure else None, time.monotonic() - began, news
