# SPDX-License-Identifier: BSD-3-Clause
"""The files of the tree as the rules see them: by kind, and only those that are ours to judge."""

import os
import pathlib
import re
import subprocess

# Generated, or for the corpus of the fuzzers whatever bytes it takes.
NOT_OURS = re.compile(r"^(fuzz/corpus/|build/|docs/bench\.svg$)")
# Folders that git knows to be made, in a tree without it.
MADE = {"build", "__pycache__"}


class Tree:
    """A source tree, whether a checkout of git or a copy."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.all = sorted(self._listed())
        self.files = [path for path in self.all if not NOT_OURS.match(path)]
        self._texts = {}

    def _listed(self):
        if (self.root / ".git").exists():
            command = ["git", "-C", self.root, "ls-files", "-z", "--cached", "--others",
                       "--exclude-standard"]
            listed = subprocess.run(command, capture_output=True, check=True)
            names = listed.stdout.decode().split("\0")
            return [name for name in names if name and (self.root / name).is_file()]
        return [os.path.relpath(os.path.join(folder, name), self.root)
                for folder, _, names in os.walk(self.root) for name in names
                if not MADE.intersection(os.path.relpath(folder, self.root).split(os.sep))]

    def text(self, path):
        if path not in self._texts:
            self._texts[path] = (self.root / path).read_text(encoding="utf-8")
        return self._texts[path]

    def lines(self, path):
        return self.text(path).splitlines()

    def matching(self, pattern):
        return [path for path in self.files if re.search(pattern, path)]

    def cpp(self, folders="."):
        return self.matching(rf"^({folders}).*\.(cpp|h|c)$")

    def documents(self):
        return self.matching(r"\.md$")

    def scripts(self, shells="sh|bash|dash"):
        """What the kernel would hand to a shell, by its first line."""
        first = re.compile(rf"#!\s*(/usr)?/bin/(env )?({shells})\b")
        return [path for path in self.files if not path.endswith((".md", ".svg"))
                and first.match(self.text(path))]

    def code(self):
        """All that somebody wrote for a machine to read."""
        return [path for path in self.files
                if path.endswith((".cpp", ".h", ".c", ".py", ".cmake", "CMakeLists.txt"))
                or self.text(path).startswith("#!")]


def without_comments(text):
    """C or C++ with comments, strings and characters blanked: same lines, same columns."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|R"\((?:.*?)\)"|"(?:\\.|[^"\\\n])*"'
                       r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])*'", re.S)
    return token.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)
