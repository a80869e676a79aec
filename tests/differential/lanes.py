# SPDX-License-Identifier: BSD-3-Clause
"""Two places side by side, one with the distribution's libraries and one with ours."""
import json
import os
import subprocess
import sys

import corosync

HERE = os.path.dirname(os.path.abspath(__file__))


COMPARED = ("libsam.", "libvotequorum.", "libcorosync_common.")


def lies_in(file, folders):
    return any(os.path.realpath(file).startswith(os.path.realpath(folder) + "/")
               for folder in folders.split(":"))


class Broken(Exception):
    """A place cannot do its work."""


class Setting:
    """What is compared: the program that interprets, and where the libraries are."""

    def __init__(self, program, ours, root):
        self.program = program
        self.root = os.path.realpath(root)
        self.stock_path = corosync.library_folders(self.root)
        self.ours_path = f"{ours}:{self.stock_path}"
        self.ours = ours

    def check(self):
        """That each side would run on its own libraries."""
        for path, folders in ((self.stock_path, self.root), (self.ours_path, self.ours)):
            environment = dict(os.environ, LD_LIBRARY_PATH=path)
            listed = subprocess.run(["ldd", self.program], env=environment, capture_output=True,
                                    text=True, check=True).stdout
            for line in listed.splitlines():
                name, _, found = line.strip().partition(" => ")
                if name.startswith(COMPARED) and not lies_in(found.split(" (")[0], folders):
                    raise Broken(f"{name} is taken from {found}, not from {folders}")


class Place:
    def __init__(self, setting, libraries):
        environment = dict(os.environ, LD_LIBRARY_PATH=setting.stock_path)
        # It ends with us, however we end.
        command = ["setpriv", "--pdeathsig", "TERM", f"{HERE}/../../scripts/in-namespaces",
                   sys.executable, "-B", f"{HERE}/place.py", setting.program, libraries,
                   setting.root]
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def ask(self, request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except OSError as error:
            raise Broken(str(error)) from error

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Broken(f"the place has ended with {self.process.wait()}")
        result = json.loads(line)
        if "broken" in result:
            raise Broken(result["broken"])
        return result

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Lane:
    """Runs one program at a time, on both sides at once."""

    def __init__(self, setting):
        self.setting = setting
        self.places = None

    def run(self, text, transport, fresh=False):
        """(what the distribution's did, what ours did). A place that breaks is made anew, once."""
        try:
            return self._run(text, transport, fresh)
        except Broken:
            self.close()
            return self._run(text, transport, fresh)

    def _run(self, text, transport, fresh):
        if self.places is None:
            self.places = [Place(self.setting, path)
                           for path in (self.setting.stock_path, self.setting.ours_path)]
        for place in self.places:
            place.ask({"text": text, "transport": transport, "fresh": fresh,
                       "keys": "cmap" in text, "silence": 8 if "sam_" in text else 5})
        return [place.answer() for place in self.places]

    def close(self):
        for place in self.places or []:
            place.close()
        self.places = None
