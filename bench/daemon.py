# SPDX-License-Identifier: BSD-3-Clause
"""The private corosync of a benchmark: one node, in the namespaces of scripts/in-namespaces."""

import os
import pathlib
import subprocess
import tempfile
import time

CONFIGURATION = """
totem {
  version: 2
  cluster_name: private
  transport: knet
  crypto_cipher: none
  crypto_hash: none
}
logging {
  to_stderr: yes
  to_syslog: no
}
nodelist {
  node {
    nodeid: 1
    name: node1
    ring0_addr: 127.0.0.1
  }
}
quorum {
  provider: corosync_votequorum
  expected_votes: 1
}
system {
  allow_knet_handle_fallback: yes
  state_dir: %s
}
"""


def library_path(root):
    folders = [str(path) for base in ("usr/lib", "lib")
               for path in (root / base).glob("*-linux-gnu*")]
    return ":".join(folders)


class Daemon:
    """Runs from construction to stop(). `root` is the tree made by scripts/fetch-corosync."""

    def __init__(self, root, patience=30):
        outer = os.environ.get("CS_OUTER_NETNS")
        if outer in (None, os.readlink("/proc/self/ns/net")):
            raise RuntimeError("not in private namespaces: run through scripts/in-namespaces")
        self._root = root
        self._environment = {**os.environ, "LD_LIBRARY_PATH": library_path(root)}
        self._folder = tempfile.TemporaryDirectory(prefix="cs-bench-")
        self._start()
        deadline = time.monotonic() + patience
        while not self._serves():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("corosync does not serve; its log:\n" + self._log.read_text())
            time.sleep(0.1)

    @property
    def pid(self):
        return self._process.pid

    def runs(self):
        return self._process.poll() is None

    def bind(self, processors):
        """Moves all threads of the daemon to these processors."""
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            os.sched_setaffinity(int(thread), processors)

    def stop(self):
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def _start(self):
        folder = pathlib.Path(self._folder.name)
        (folder / "corosync.conf").write_text(CONFIGURATION % folder)
        self._log = folder / "log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [self._root / "usr/sbin/corosync", "-f", "-c", folder / "corosync.conf"],
                env=self._environment, stdout=log, stderr=log)

    def _serves(self):
        tool = subprocess.run([self._root / "usr/sbin/corosync-cpgtool"], env=self._environment,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return tool.returncode == 0
