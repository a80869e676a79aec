#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""planted.py BUILD PROGRAM ROOT CMAKE-OPTION...: that the comparison finds what it is there for.
Builds our libraries with one slip at a time (those of tests/mutants that say so) in a copy of the
tree, in the folder BUILD, and requires that random programs find each within SECONDS. Exit status:
0 if they do; 77 where nothing can run."""
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.realpath(f"{HERE}/../..")
sys.path.insert(0, f"{SOURCE}/tests/mutants")
import slips  # noqa: E402

SECONDS = 90

def fail(why):
    sys.exit(f"planted: {why}")


def copy_tree(tree):
    """Only what the libraries are built from, and only what has changed since the last time."""
    def changed(source, target):
        with open(source, "rb") as file:
            new = file.read()
        if os.path.exists(target):
            with open(target, "rb") as file:
                if file.read() == new:
                    return
        shutil.copyfile(source, target)

    for name in ("src", "include", "cmake", "man", "pkgconfig", "packaging", "examples"):
        shutil.copytree(f"{SOURCE}/{name}", f"{tree}/{name}", copy_function=changed,
                        dirs_exist_ok=True)
    for name in ("CMakeLists.txt", "LICENSE", "README.md", "NEWS.md"):
        changed(f"{SOURCE}/{name}", f"{tree}/{name}")


def run_quietly(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        fail(f"{' '.join(command)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")


def plant(tree, slip):
    with open(f"{SOURCE}/{slip.file}", encoding="utf-8") as source:
        text = slips.apply(slip, source.read())
    with open(f"{tree}/{slip.file}", "w", encoding="utf-8") as target:
        target.write(text)


def is_found(program, root, build, kind):
    """True if the comparison has ended with a finding."""
    ours = ":".join(f"{build}/src/{name}" for name in ("votequorum", "sam", "corosync_common"))
    command = [sys.executable, "-B", f"{HERE}/run.py", str(SECONDS), "--kind", kind,
               "--shrink", "0", "--program", program, "--ours", ours, "--root", root]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode == 77:
        sys.exit(77)
    print(done.stdout, flush=True)
    return done.returncode == 1 and "differential: a difference." in done.stdout


def main():
    folder, program, root, *options = sys.argv[1:]
    tree, build = f"{folder}/tree", f"{folder}/build"
    os.makedirs(tree, exist_ok=True)
    missed = []
    for slip in [slip for slip in slips.load() if slip.differential]:
        copy_tree(tree)
        plant(tree, slip)
        run_quietly("cmake", "-S", tree, "-B", build, "-DCS_BUILD_TESTS=OFF",
                    "-DCS_BUILD_EXAMPLES=OFF", "-DCS_BUILD_TOOLS=OFF", *options)
        run_quietly("cmake", "--build", build, "--parallel", "2", "--target", "sam", "votequorum",
                    "corosync_common")
        print(f"planted: {slip.name}", flush=True)
        if not is_found(program, root, build, slip.differential):
            missed.append(slip.name)
    if missed:
        fail("not found: " + ", ".join(missed))


if __name__ == "__main__":
    main()
