# SPDX-License-Identifier: BSD-3-Clause
"""Rules that another program checks: clang-format, clang-tidy, shellcheck."""

import json
import os
import pathlib
import re
import shutil
import subprocess

# Debian 12's: another version has other opinions, on a tree that is the same.
LLVM = "14"
SHELLCHECK = "0.9"


class CannotRun(Exception):
    """A tool is missing; its text says which."""


class OtherVersion(Exception):
    """A tool is there, in another version than Debian 12's; its text says which."""


def tool_of(version, *names):
    """The path of the first of names that is of that version."""
    others = []
    for path in filter(None, map(shutil.which, names)):
        told = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
        found = re.search(r"version:? (\S+)", told.stdout)
        if found and found[1].startswith(f"{version}."):
            return path
        others.append(f"{path} is {found[1] if found else 'of no version'}, not {version}")
    if others:
        raise OtherVersion("; ".join(others))
    raise CannotRun(f"there is no {names[-1]}")


def llvm_tool(name):
    return tool_of(LLVM, f"{name}-{LLVM}", name)


def format(tree):
    """C and C++ are as clang-format has them."""
    tool = llvm_tool("clang-format")
    files = tree.cpp()
    for begin in range(0, len(files), 50):
        ran = subprocess.run([tool, "--dry-run", *files[begin:begin + 50]], cwd=tree.root,
                             capture_output=True, text=True, check=False)
        for path in sorted(set(re.findall(r"^(\S+?):\d+:\d+: ", ran.stderr, re.M))):
            yield f"{path}: differs from clang-format -i {path}"
        if ran.returncode != 0:
            yield f"clang-format: {ran.stderr}"


def shell(tree):
    """Shell scripts without a word from shellcheck."""
    tool = tool_of(SHELLCHECK, "shellcheck")
    scripts = tree.scripts()
    ran = subprocess.run([tool, "-x", "-f", "gcc", *scripts], cwd=tree.root, capture_output=True,
                         text=True, check=False)
    yield from ran.stdout.splitlines()
    if ran.returncode > 1:
        yield f"shellcheck: {ran.stderr}"


def clang_tidy(tree, build):
    """What is shipped, without a word from clang-tidy (.clang-tidy has the set)."""
    tool = llvm_tool("clang-tidy")
    database = json.loads((pathlib.Path(build) / "compile_commands.json").read_text())
    sources = sorted({entry["file"] for entry in database
                      if pathlib.Path(entry["file"]).is_relative_to(tree.root / "src")})
    if len(sources) < 20:
        yield f"only {len(sources)} sources of src are in {build}/compile_commands.json"
    batches = [sources[first::2] for first in range(2)]
    # What gcc was asked, and clang does not know, or finds in C headers.
    flags = [f"--extra-arg=-Wno-{name}" for name in
             ("unknown-warning-option", "ignored-optimization-argument", "old-style-cast")]
    running = [subprocess.Popen(["nice", tool, "-quiet", "-p", build, *flags, *batch],
                                cwd=tree.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True) for batch in batches if batch]
    for process in running:
        output, errors = process.communicate()
        for line in sorted(set(re.findall(r"^.*(?:warning|error): .*$", output, re.M))):
            yield os.path.relpath(line, tree.root) if line.startswith("/") else line
        if process.returncode != 0 and not output:
            yield f"clang-tidy: {errors}"
