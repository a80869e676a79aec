# SPDX-License-Identifier: BSD-3-Clause
"""Programs and libraries with a slip in them, made beside a build of the tree: what the slip does
not touch is taken from there. Neither the tree nor that build is changed."""
import concurrent.futures
import functools
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess

LIBRARIES = ("corosync_common", "votequorum", "sam")
# A slip may leave a variable without use. Time is for the tests.
COMPILER_OPTIONS = ["-w", "-g0", "-O0"]
LINKER_OPTIONS = ["-fuse-ld=lld"] if shutil.which("ld.lld") else []


class DoesNotBuild(Exception):
    """With what the compiler says."""


def run(command, folder):
    """Runs a command, and returns what it prints."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DoesNotBuild(f"{shlex.join(command)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


class Place:
    """root: of the tree; the build of its preset release; out: where what has the slip goes."""

    JOBS = 2

    def __init__(self, root, out):
        self.root, self.build, self.out = root, f"{root}/build/release", out
        self.affected, self.made = set(), set()

    def configure(self):
        """Call this before all else."""
        run(["cmake", "--preset", "release"], self.root)

    def prepare(self, programs):
        """Builds without a slip, and finds out how."""
        run(["cmake", "--build", self.build, "-j", str(self.JOBS), "--target", *LIBRARIES,
             *sorted(programs)], self.root)
        with open(f"{self.build}/compile_commands.json", encoding="utf-8") as file:
            entries = json.load(file)
        self.compilers = {}
        for entry in entries:
            command = shlex.split(entry["command"])
            self.compilers[command[command.index("-o") + 1]] = command
        self.users = self._read_dependencies()
        self.restore()
        self._check_search_path(programs)

    def has(self, target):
        """Whether the build knows that target."""
        return f"\nbuild {target}: phony " in self._ninja_file()

    @functools.lru_cache(None)
    def _ninja_file(self):
        with open(f"{self.build}/build.ninja", encoding="utf-8") as file:
            return file.read()

    def _read_dependencies(self):
        """The objects that each file of the tree goes into."""
        users, target = {}, None
        for line in run(["ninja", "-t", "deps"], self.build).splitlines():
            if line and not line.startswith(" "):
                target = line.split(":")[0]
            elif line:
                path = os.path.normpath(os.path.join(self.build, line.strip()))
                users.setdefault(os.path.relpath(path, self.root), set()).add(target)
        return users

    def _check_search_path(self, programs):
        """A program that does not look into our folder first would see no slip."""
        shutil.copy(f"{self.build}/src/sam/libsam.so.4", f"{self.out}/lib/libsam.so.4")
        for program in sorted(programs):
            if self.link_command(program) and self._links(program, "sam"):
                found = subprocess.run(["ldd", f"{self.build}/tests/{program}"], text=True,
                                       capture_output=True, check=True, env=self.environment())
                if f"{self.out}/lib/libsam.so.4" not in found.stdout:
                    raise DoesNotBuild(f"{program} does not look into LD_LIBRARY_PATH first")
        self.restore()

    def _links(self, program, library):
        return any(f"/lib{library}.so" in word for word in self.link_command(program))

    @functools.lru_cache(None)
    def link_command(self, target):
        """How a program or a library is linked."""
        output = f"src/{target}/lib{target}.so" if target in LIBRARIES else f"tests/{target}"
        for line in run(["ninja", "-t", "commands", target], self.build).splitlines():
            command = shlex.split(re.sub(r"^: && ", "", line).split(" && ")[0])
            if "-c" not in command and "-o" in command:
                if command[command.index("-o") + 1].startswith(output):
                    return command
        raise DoesNotBuild(f"{target} is not linked")

    def environment(self):
        """With which programs find the libraries that have the slip."""
        return dict(os.environ, LD_LIBRARY_PATH=f"{self.out}/lib")

    def path_of(self, program, has_slip):
        """With the slip, if the program itself has it."""
        made = f"{self.out}/bin/{program}"
        return made if has_slip and os.path.exists(made) else f"{self.build}/tests/{program}"

    @functools.lru_cache(None)
    def digest(self, program):
        """Where it is as before, so is what the tests say."""
        digest = hashlib.sha256()
        paths = [f"tests/{program}", *(f"src/{name}/lib{name}.so" for name in LIBRARIES)]
        for path in paths:
            with open(f"{self.build}/{path}", "rb") as file:
                digest.update(file.read())
        return digest.hexdigest()

    def move_to(self, out):
        """Another process has a folder of its own."""
        self.out = out
        self.restore()

    def restore(self):
        """Forgets the slip."""
        shutil.rmtree(self.out, ignore_errors=True)
        for folder in ("bin", "lib", "objects"):
            os.makedirs(f"{self.out}/{folder}")
        self.affected, self.made = set(), set()

    def plant(self, file, text):
        """From now on the file has that text."""
        self.restore()
        path = f"{self.out}/overlay/{file}"
        os.makedirs(os.path.dirname(path))
        with open(path, "w", encoding="utf-8") as target:
            target.write(text)
        self.affected = self.users.get(file, set())
        if not self.affected:
            raise DoesNotBuild(f"{file} goes into nothing")

    def make(self, programs):
        """Compiles and links what the slip changes of programs and libraries."""
        wanted = {program for program in programs if self._has_slip(program)}
        if any(program not in wanted for program in programs):
            wanted |= {name for name in LIBRARIES if self._has_slip(name)}
        wanted -= self.made
        objects = {word for target in wanted for word in self.link_command(target)
                   if word in self.affected and not os.path.exists(self._object(word))}
        with concurrent.futures.ThreadPoolExecutor(self.JOBS) as pool:
            list(pool.map(self._compile, sorted(objects)))
            list(pool.map(self._link, sorted(wanted)))
        self.made |= wanted

    def _has_slip(self, target):
        """Whether something of src that it is made of has, headers in the tests of a unit as well.
        A program that loads a library is made of its tests alone."""
        is_unit = not any(self._links(target, name) for name in ("sam", "votequorum"))
        return any(word in self.affected and (is_unit or "/src/" in word or word.startswith("src/"))
                   for word in self.link_command(target))

    def _object(self, name):
        return f"{self.out}/objects/{name.replace('/', '_')}"

    def _compile(self, name):
        overlay = f"{self.out}/overlay"
        command = [word.replace(self.root, overlay)
                   if os.path.exists(word.replace(self.root, overlay)) and word.endswith(".cpp")
                   else word for word in self.compilers[name]]
        command[command.index("-o") + 1] = self._object(name)
        compiler = [command[0], f"-I{overlay}/src", *command[1:], *COMPILER_OPTIONS]
        run(compiler, self.build)

    def _link(self, target):
        command = [self._object(word) if word in self.affected else word
                   for word in self.link_command(target)]
        name = f"bin/{target}"
        if target in LIBRARIES:
            name = "lib/" + next(word for word in command if word.startswith("-Wl,-soname,"))[12:]
        command[command.index("-o") + 1] = f"{self.out}/{name}"
        run(command + LINKER_OPTIONS, self.build)
