# SPDX-License-Identifier: BSD-3-Clause
"""Runs tests under time limits, several at once, until one fails; and leaves no process behind,
whatever a slip has made of the programs."""
import concurrent.futures
import ctypes
import os
import re
import signal
import subprocess
import threading
import time

import groups

PR_SET_CHILD_SUBREAPER = 36
CANNOT_RUN = 77
FAILED = re.compile(r"^\[  FAILED  \] ([\w./]+)", re.MULTILINE)


def prepare_process():
    """What our children leave behind becomes ours, and can be found. A shell ignores signals in
    what it runs in the background, and they would inherit that."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, end_with_all)


def end_with_all(_number, _frame):
    """Whoever ends us would otherwise leave tests behind that run on, some of them for ever."""
    end_all_below(os.getpid())
    os._exit(1)


def parents():
    """The parent of each process."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                found[int(name)] = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            pass  # it has just ended
    return found


def descendants(ancestor):
    """All processes below one, the nearest first."""
    known, found = parents(), [ancestor]
    for process in found:
        found += [child for child, parent in known.items() if parent == process]
    return found[1:]


def end_all_below(ancestor):
    """Kills and reaps what is left; call it while nothing runs that is still wanted."""
    for _ in range(100):
        left = descendants(ancestor)
        if not left:
            return
        for process in left:
            try:
                os.kill(process, signal.SIGKILL)
            except OSError:
                pass
        reap()
        time.sleep(0.01)


def reap():
    """Takes the ends of orphans."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        pass


class Runner:
    """Runs lists of tests. One that fails without a slip as well is left out from then on."""

    def __init__(self, place, memory):
        self.place, self.memory = place, memory
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.checking = threading.Lock()
        self.running = set()
        self.left_out = set()

    def limit(self, run):
        """A hang is a failure; a busy machine is none."""
        expected = self.memory.data["times"].get(run.name)
        if expected is None:
            return 300 if run.private else 60
        return max(60, 6 * expected)

    def run(self, run, has_slip=True):
        """None when the test passes, else the name of what failed in it."""
        environment = self.place.environment() if has_slip else dict(os.environ)
        if run.socket:
            environment["CS_IPC_TYPE"] = "socket"
        began = time.monotonic()
        with subprocess.Popen(run.command(self.place, has_slip), stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, start_new_session=True, errors="replace",
                              env=environment, cwd=self.place.root) as child:
            with self.lock:
                self.running.add(child.pid)
            try:
                output = self.wait(child, self.limit(run))
            finally:
                with self.lock:
                    self.running.discard(child.pid)
        if output is None:
            return f"{run.name} (hung)"
        if child.returncode == 0:
            self.memory.data["times"][run.name] = time.monotonic() - began
            return None
        if child.returncode == CANNOT_RUN:
            raise RuntimeError(f"{run.name} cannot run here: {output[-500:]}")
        failed = FAILED.search(output)
        return failed.group(1) if failed else f"{run.name} (exit {child.returncode})"

    def passes_without(self, run):
        """Whether the test passes without a slip; on a machine with too much to do it may not."""
        with self.checking:
            passed, digest = self.memory.data["passed"], self.place.digest(run.program)
            if passed.get(run.name) == digest:
                return True
            failure = run.name in self.left_out or self.run(run, False) and self.run(run, False)
            if failure:
                self.left_out.add(run.name)
                print(f"left out    {run.name}: it fails without a slip: {failure}", flush=True)
                return False
            passed[run.name] = digest
            return True

    @staticmethod
    def wait(child, limit):
        """The output; None when the time is up. An orphan may hold the pipe: that is no reason to
        wait."""
        lines = []
        reader = threading.Thread(target=lambda: lines.append(child.stdout.read()), daemon=True)
        reader.start()
        try:
            child.wait(limit)
        except subprocess.TimeoutExpired:
            for process in [*descendants(child.pid), child.pid]:
                try:
                    os.kill(process, signal.SIGKILL)
                except OSError:
                    pass
            child.wait()
            return None
        reader.join(2)
        return "".join(lines)

    def first_failure(self, runs, jobs):
        """The run that failed first and what failed in it, or None."""
        self.stop.clear()
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            waiting = [pool.submit(self.attempt, run) for run in runs]
            for done in concurrent.futures.as_completed(waiting):
                if done.result():
                    self.stop.set()
                    self.end_running()
                    return done.result()
        return None

    def attempt(self, run):
        """One test of many; nothing once another has failed. It must fail twice."""
        if self.stop.is_set():
            return None
        failure = self.run(run)
        if failure and not groups.is_sure(run) and not self.stop.is_set():
            failure = self.run(run)
        if failure and not self.stop.is_set() and not self.passes_without(run):
            return None
        return (run, failure) if failure and not self.stop.is_set() else None

    def end_running(self):
        """Ends what runs beside the one that has failed."""
        with self.lock:
            for leader in self.running:
                try:
                    os.killpg(leader, signal.SIGKILL)
                except OSError:
                    pass
