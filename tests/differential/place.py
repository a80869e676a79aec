#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""place.py PROGRAM LIBRARIES ROOT: one place where programs run, one after the other, with one set
of libraries and a private daemon. For scripts/in-namespaces. A line of JSON on stdin is a program,
a line on stdout is what it did: its transcript, how it ended, and what was left."""
import ctypes
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from corosync import Corosync

PR_SET_CHILD_SUBREAPER = 36
LONGEST = 60  # seconds, of a program that goes on telling things
AFTER_THE_END = 5  # that others of it may go on


def children():
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return [int(pid) for pid in file.read().split()]


def ended(status):
    if os.WIFSIGNALED(status):
        return f"signal {os.WTERMSIG(status)}"
    return f"exit {os.WEXITSTATUS(status)}"


class Place:
    def __init__(self, program, libraries, root):
        self.program = program
        self.libraries = libraries
        self.folder = tempfile.mkdtemp(prefix="cs-differential-")
        self.transcript = self.folder + "/transcript"
        self.corosync = Corosync(root, self.folder, "shm")
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.folder + "/socket")
        self.listener.listen(16)
        threading.Thread(target=self.listen, daemon=True).start()

    # -- what the program asks for -----------------------------------------------------------------

    def listen(self):
        while True:
            connection = self.listener.accept()[0]
            with connection:
                try:
                    words = connection.makefile().readline().split()
                    if words:  # who asked may have been killed before
                        connection.sendall((self.answer(*words) or "").encode())
                except BrokenPipeError:
                    pass  # who asked has ended
                except (OSError, subprocess.SubprocessError) as error:
                    print(f"place: {error}", file=sys.stderr)

    def answer(self, what, *arguments):
        daemon = self.corosync
        if what == "settle":
            daemon.settle()
        elif what == "keys":
            return "\n".join(daemon.keys(arguments[0] + "."))
        elif what == "lose_quorum":
            daemon.set_expected(2)
        elif what == "regain_quorum":
            daemon.set_expected(1)
        elif what == "pause":
            daemon.process.send_signal(signal.SIGSTOP)
        elif what == "resume":
            daemon.process.send_signal(signal.SIGCONT)
        elif what == "kill":
            daemon.end()
        elif what == "stop":
            daemon.end(signal.SIGTERM)
        elif what == "start":
            daemon.start()
        return None

    # -- the program -------------------------------------------------------------------------------

    def run(self, request):
        needs_daemon = request.get("transport") is not None
        if needs_daemon:
            self.corosync.transport = request["transport"]
            self.corosync.fresh(request.get("fresh", False))
        with open(self.folder + "/program", "w", encoding="ascii") as file:
            file.write(request["text"])
        with open(self.transcript, "w", encoding="ascii"):
            pass
        environment = dict(os.environ, LD_LIBRARY_PATH=self.libraries,
                           CS_TRANSCRIPT=self.transcript, CS_PLACE=self.folder + "/socket")
        pid = self.spawn(environment)
        result = self.watch(pid, request.get("silence", 8))
        if needs_daemon:
            result["keys"] = self.corosync.keys("") if request.get("keys") else []
            if result["keys"]:
                self.corosync.remove_keys()
        # Text from memory that was never set may have any character in it but this one.
        with open(self.transcript, encoding="ascii", errors="replace", newline="\n") as file:
            result["records"] = [line for line in file.read().split("\n") if line]
        return result

    def spawn(self, environment):
        pid = os.fork()
        if pid == 0:
            try:
                os.setsid()
                null = os.open("/dev/null", os.O_RDWR)
                for number in (0, 1, 2):
                    os.dup2(null, number)
                os.closerange(3, 1024)
                for number in (signal.SIGPIPE, signal.SIGXFSZ):  # ignored by Python
                    signal.signal(number, signal.SIG_DFL)
                os.execve(self.program, [self.program, self.folder + "/program"], environment)
            finally:
                os._exit(127)
        return pid

    def others(self):
        """Processes of the program that came to us when their parents ended."""
        process = self.corosync.process
        return [pid for pid in children() if process is None or pid != process.pid]

    def watch(self, pid, silence):
        """Until all of it has ended, is silent for too long, or goes on for ever."""
        begun = heard = time.monotonic()
        size, status, main_end = 0, None, None
        orphans = []
        while True:
            left = self.others()
            if not left:
                break
            self.sleep_until_one_ends(left)
            for one in left:
                reaped, how = os.waitpid(one, os.WNOHANG)
                if reaped == pid:
                    status, main_end = how, time.monotonic()
                elif reaped:
                    orphans.append(ended(how))
            now = time.monotonic()
            if (grown := os.stat(self.transcript).st_size) != size:
                size, heard = grown, now
            if now - begun > LONGEST or now - heard > silence:
                break
            if main_end and now - max(main_end, heard) > AFTER_THE_END:
                break
        left = self.end_all()
        return {"end": "hangs" if status is None else ended(status), "left": left,
                "orphans": sorted(orphans)}

    @staticmethod
    def sleep_until_one_ends(pids):
        descriptors = []
        for pid in pids:
            try:
                descriptors.append(os.pidfd_open(pid))
            except OSError:
                pass
        poll = select.poll()
        for fd in descriptors:
            poll.register(fd, select.POLLIN)
        poll.poll(100)
        for fd in descriptors:
            os.close(fd)

    def end_all(self):
        """Ends what is left of it, and says how many those were."""
        count = 0
        while left := self.others():
            for pid in left:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                count += 1
        if self.corosync.running():
            self.corosync.process.send_signal(signal.SIGCONT)
        return count

    def close(self):
        self.corosync.end()
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    place = Place(*sys.argv[1:4])
    try:
        for line in sys.stdin:
            try:
                result = place.run(json.loads(line))
            except (OSError, subprocess.SubprocessError) as error:
                result = {"broken": str(error)}
                place.corosync.end()
            print(json.dumps(result), flush=True)
    finally:
        place.close()


if __name__ == "__main__":
    main()
