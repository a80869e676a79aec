# SPDX-License-Identifier: BSD-3-Clause
"""A private corosync of one node, and what is asked of it from outside the program under test: by
the distribution's own libraries, whichever library the program has."""
import ctypes
import glob
import os
import shutil
import signal
import subprocess
import time

CONFIG = """totem {{
  version: 2
  cluster_name: private
  transport: knet
  crypto_cipher: none
  crypto_hash: none
}}
logging {{
  to_stderr: yes
  to_syslog: no
  to_logfile: no
}}
nodelist {{
  node {{
    nodeid: 1
    name: node1
    ring0_addr: 127.0.0.1
  }}
}}
quorum {{
  provider: corosync_votequorum
  expected_votes: 1
}}
system {{
  allow_knet_handle_fallback: yes
  state_dir: {folder}
  qb_ipc_type: {transport}
}}
"""
CS_OK = 1
PATIENCE = 30


def library_folders(root):
    """What LD_LIBRARY_PATH must be for the distribution's libraries."""
    found = [f for base in ("usr/lib", "lib") for f in sorted(glob.glob(f"{root}/{base}/*/"))]
    return ":".join(f + extra for f in found for extra in ("", "nss") if os.path.isdir(f + extra))


class Info(ctypes.Structure):
    """votequorum_info."""
    _fields_ = [(name, ctypes.c_uint) for name in
                ("node_id", "state", "votes", "expected", "highest", "total", "quorum", "flags",
                 "device_votes")] + [("device", ctypes.c_char * 255)]

    def values(self):
        return tuple(getattr(self, name) for name, _ in self._fields_)


class Name(ctypes.Structure):
    """cpg_name."""
    _fields_ = [("length", ctypes.c_uint32), ("value", ctypes.c_char * 128)]


class Buffer(ctypes.Structure):
    """iovec."""
    _fields_ = [("base", ctypes.c_char_p), ("length", ctypes.c_size_t)]


DELIVER = ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_void_p, ctypes.c_uint32,
                           ctypes.c_uint32, ctypes.c_void_p, ctypes.c_size_t)


class Callbacks(ctypes.Structure):
    """cpg_callbacks_t."""
    _fields_ = [("deliver", DELIVER), ("confchg", ctypes.c_void_p)]


class Barrier:
    """A message to oneself comes back after all that the daemon was asked to tell the cluster
    before."""

    def __init__(self, library):
        self.library = library
        self.back = False
        self.callbacks = Callbacks(DELIVER(self._delivered), None)
        self.handle = ctypes.c_uint64()
        status = library.cpg_initialize(ctypes.byref(self.handle), ctypes.byref(self.callbacks))
        if status == CS_OK:
            name = Name(4, b"wait")
            status = library.cpg_join(self.handle, ctypes.byref(name))
        if status != CS_OK:
            raise OSError(f"cpg: {status}")

    def _delivered(self, *_):
        self.back = True

    def wait(self):
        self.back = False
        buffer = Buffer(b"x", 1)
        end = time.monotonic() + PATIENCE
        while self.library.cpg_mcast_joined(self.handle, 2, ctypes.byref(buffer), 1) != CS_OK:
            if time.monotonic() > end:
                raise OSError("cpg takes no message")
            time.sleep(0.001)
        while not self.back:
            if self.library.cpg_dispatch(self.handle, 2) != CS_OK or time.monotonic() > end:
                raise OSError("cpg is gone")
            if not self.back:
                time.sleep(0.0005)

    def close(self):
        self.library.cpg_finalize(self.handle)


def remove_rings():
    """A daemon that is killed leaves its clients' rings in /dev/shm, which is ours alone: in an
    hour they would fill the memory of the machine."""
    for path in glob.glob("/dev/shm/qb-*"):
        if os.path.isdir(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)


class Corosync:
    """The daemon. Started when it is first needed."""

    def __init__(self, root, folder, transport):
        self.root = root
        self.folder = folder
        self.transport = transport
        self.process = None
        self.barrier = None
        self.baseline = None
        load = {name: ctypes.CDLL(glob.glob(f"{root}/usr/lib/*/{name}")[0])
                for name in ("libcpg.so.4", "libvotequorum.so.8")}
        self.cpg, self.votequorum = load["libcpg.so.4"], load["libvotequorum.so.8"]
        for function in ("cpg_join", "cpg_dispatch", "cpg_finalize"):
            getattr(self.cpg, function).argtypes = [ctypes.c_uint64] + (
                [] if function == "cpg_finalize" else
                [ctypes.c_void_p if function == "cpg_join" else ctypes.c_int])
        self.cpg.cpg_mcast_joined.argtypes = [ctypes.c_uint64, ctypes.c_int, ctypes.c_void_p,
                                              ctypes.c_uint]

    def tool(self, *command):
        path = f"{self.root}/usr/sbin/{command[0]}"
        if not os.access(path, os.X_OK):
            path = f"{self.root}/usr/bin/{command[0]}"
        environment = dict(os.environ, LD_LIBRARY_PATH=library_folders(self.root))
        return subprocess.run([path, *command[1:]], env=environment, capture_output=True, text=True,
                              timeout=PATIENCE, check=False)

    def running(self):
        return self.process is not None and self.process.poll() is None

    def start(self):
        if self.running():
            return
        remove_rings()
        path = f"{self.folder}/corosync.conf"
        with open(path, "w", encoding="ascii") as file:
            file.write(CONFIG.format(folder=self.folder, transport=self.transport))
        environment = dict(os.environ, LD_LIBRARY_PATH=library_folders(self.root))
        with open(f"{self.folder}/log", "ab") as log:
            self.process = subprocess.Popen(
                [f"{self.root}/usr/sbin/corosync", "-f", "-c", path], env=environment, stdout=log,
                stderr=log, stdin=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE
        while self.tool("corosync-cpgtool").returncode != 0:
            if not self.running() or time.monotonic() > end:
                raise OSError("corosync does not start, see " + self.folder + "/log")
            time.sleep(0.02)
        self.barrier = None

    def end(self, number=signal.SIGKILL):
        if self.process is None:
            return
        if self.running():
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
        self.process.wait(PATIENCE)
        self.process = None
        self.barrier = None

    def settle(self):
        if not self.running():
            return
        if self.barrier is None:
            self.barrier = Barrier(self.cpg)
        self.barrier.wait()

    def set_expected(self, votes):
        self.tool("corosync-cmapctl", "-s", "quorum.expected_votes", "u32", str(votes))
        self.settle()

    def keys(self, prefix):
        """Of SAM, without what depends on time or process."""
        lines = self.tool("corosync-cmapctl", "-b", f"resources.process.{prefix}").stdout
        kept = []
        for line in lines.splitlines():
            name, _, value = line.partition(" ")
            if not name.endswith(".last_updated"):
                kept.append(name.split(".")[-1] + " " + value)
        return sorted(kept)

    def remove_keys(self):
        self.tool("corosync-cmapctl", "-D", "resources.process.")

    def fresh(self, new):
        """Brings the daemon to the state in which each program finds it."""
        if new or not self.running() or self.transport_changed() or not self._as_at_first():
            self.end()
            self.start()
            self.baseline = None
        if self.baseline is None:
            self.baseline = self._look()

    def transport_changed(self):
        with open(f"{self.folder}/corosync.conf", encoding="ascii") as file:
            return f"qb_ipc_type: {self.transport}\n" not in file.read()

    def _with_handle(self, use):
        handle = ctypes.c_uint64()
        if self.votequorum.votequorum_initialize(ctypes.byref(handle), None) != CS_OK:
            return None
        try:
            return use(handle)
        finally:
            self.votequorum.votequorum_finalize(handle)

    def _look(self):
        def use(handle):
            info = Info()
            ok = self.votequorum.votequorum_getinfo(handle, 0, ctypes.byref(info)) == CS_OK
            return info.values() if ok else None
        return self._with_handle(use)

    def _as_at_first(self):
        if self.baseline is None:
            return False

        def undo(handle):
            info = Info()
            self.votequorum.votequorum_getinfo(handle, 0, ctypes.byref(info))
            if info.device:
                self.votequorum.votequorum_qdevice_unregister(handle, info.device)
            self.votequorum.votequorum_setvotes(handle, 1, 1)
            self.settle()
            self.votequorum.votequorum_setexpected(handle, 1)
            self.settle()
            return True

        try:
            now = self._look()
            if now is not None and now != self.baseline and self._with_handle(undo):
                now = self._look()
            return now == self.baseline
        except OSError:
            return False
