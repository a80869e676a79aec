# SPDX-License-Identifier: BSD-3-Clause
"""A copy of the tree in which slips are tried, and its build. Nothing of it touches the tree."""
import functools
import hashlib
import os
import shutil
import subprocess

FOLDERS = ("src", "include", "cmake", "man", "pkgconfig", "packaging", "examples")
FILES = ("CMakeLists.txt", "LICENSE", "README.md", "NEWS.md")


def write_if_changed(path, data):
    """A build tool goes by the time of a file: what has not changed keeps its own."""
    if os.path.exists(path):
        with open(path, "rb") as file:
            if file.read() == data:
                return
    with open(path, "wb") as file:
        file.write(data)


def copy_changed(source, target):
    """As shutil.copyfile, for what has changed."""
    with open(source, "rb") as file:
        write_if_changed(target, file.read())
    shutil.copymode(source, target)


def copy_tree(source, target, folders=FOLDERS, files=FILES):
    """Copies what the libraries are built from, and what the caller names."""
    for name in folders:
        shutil.copytree(f"{source}/{name}", f"{target}/{name}", copy_function=copy_changed,
                        dirs_exist_ok=True)
    for name in files:
        copy_changed(f"{source}/{name}", f"{target}/{name}")


class Place:
    """The copy and the build in a folder."""

    def __init__(self, root, folder):
        self.root, self.tree, self.build = root, f"{folder}/tree", f"{folder}/build"
        self.touched = None

    def prepare(self):
        """Copies and configures."""
        for gone in ("src", "tests", "tools"):
            self._remove_gone(gone)
        copy_tree(self.root, self.tree, FOLDERS + ("tests", "tools", "scripts"))
        os.makedirs(f"{self.tree}/build", exist_ok=True)
        corosync = f"{self.tree}/build/corosync-root"
        if not os.path.lexists(corosync):
            os.symlink(os.path.realpath(f"{self.root}/build/corosync-root"), corosync)
        self._run("cmake", "-S", self.tree, "-B", self.build, "-G", "Ninja",
                  "-DCMAKE_BUILD_TYPE=None", "-DCMAKE_CXX_FLAGS=-O1 -DNDEBUG -w",
                  "-DCMAKE_C_FLAGS=-O1 -DNDEBUG -w", "-DCS_BUILD_TESTS=ON", "-DCS_BUILD_TOOLS=ON",
                  "-DCS_BUILD_EXAMPLES=OFF", "-DCMAKE_LINK_DEPENDS_NO_SHARED=ON",
                  "-DCMAKE_EXE_LINKER_FLAGS=" + self._linker())

    def make(self, targets, jobs):
        """Builds; returns None, or what the compiler says."""
        known = [name for name in targets if self.has(name)]
        done = subprocess.run(["cmake", "--build", self.build, "-j", str(jobs), "--target", *known],
                              capture_output=True, text=True, check=False)
        return None if done.returncode == 0 else done.stdout[-3000:] + done.stderr[-1000:]

    @functools.lru_cache(None)
    def has(self, target):
        """Whether the build knows that target."""
        with open(f"{self.build}/build.ninja", encoding="utf-8") as file:
            return f"\nbuild {target}: phony " in file.read()

    @functools.lru_cache(None)
    def digest(self, program):
        """Of a program, and of the libraries: where it is as before, so is what the tests say. Call
        it while nothing is planted."""
        digest = hashlib.sha256()
        names = ("sam", "votequorum", "corosync_common")
        libraries = [f"src/{name}/lib{name}.so" for name in names]
        for path in (f"tests/{program}", *libraries):
            if os.path.exists(f"{self.build}/{path}"):
                with open(f"{self.build}/{path}", "rb") as file:
                    digest.update(file.read())
        return digest.hexdigest()

    def plant(self, file, text):
        """Puts a text in the place of a file of the copy; the one before is as it was."""
        self.restore()
        with open(f"{self.tree}/{file}", "w", encoding="utf-8") as target:
            target.write(text)
        self.touched = file

    def restore(self):
        """Undoes plant()."""
        if self.touched:
            copy_changed(f"{self.root}/{self.touched}", f"{self.tree}/{self.touched}")
        self.touched = None

    def _remove_gone(self, folder):
        for path, _, names in os.walk(f"{self.tree}/{folder}"):
            for name in names:
                inside = os.path.relpath(f"{path}/{name}", self.tree)
                if not os.path.exists(f"{self.root}/{inside}"):
                    os.remove(f"{path}/{name}")

    @staticmethod
    def _linker():
        return "-fuse-ld=lld" if shutil.which("ld.lld") else ""

    @staticmethod
    def _run(*command):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
