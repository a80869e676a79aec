# SPDX-License-Identifier: BSD-3-Clause
"""Rules of code: which room may include which, how large files and functions may be."""

import ast
import re

from tree import without_comments

# The rooms of src, as docs/design.md has them, and what each may include besides itself.
ROOMS = {
    "common": set(),
    "wire": set(),
    "ipc": {"wire", "common"},
    "corosync_common": {"common"},
    "votequorum": {"ipc", "wire", "common"},
    "sam/shared": {"ipc", "wire", "common"},
    "sam/operator": {"sam/shared", "common"},
    "sam/supervisor": {"sam/operator", "sam/shared", "ipc", "wire", "common"},
    "sam/active": {"sam/shared", "ipc", "wire", "common"},
    "sam": {"sam/shared", "sam/operator", "sam/supervisor", "sam/active", "ipc", "wire",
            "common"},
}


def room_of(path):
    """The innermost room of a path below src, or None."""
    folder = path
    while "/" in folder:
        folder = folder.rsplit("/", 1)[0]
        if folder in ROOMS:
            return folder
    return None


def includes(tree):
    """The arrows between rooms, and public headers that know nothing of ours."""
    for path in tree.cpp("src/|include/"):
        room = room_of(path.removeprefix("src/")) if path.startswith("src/") else "include"
        if room is None:
            yield f"{path}: is in no room of docs/design.md"
            continue
        for number, line in enumerate(tree.lines(path), 1):
            found = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
            if not found:
                continue
            if room == "include":
                yield f"{path}:{number}: a public header includes {found.group(1)}"
                continue
            target = room_of(found.group(1))
            if target != room and target not in ROOMS[room]:
                yield f"{path}:{number}: src/{room} may not include {found.group(1)}"


MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60
SCOPE = re.compile(r'\b(namespace|class|struct|union|enum)\b|\bextern\s+"')


def functions_of_cpp(text):
    """(first line, name, number of lines) of each function body; a function ends at its brace."""
    code = without_comments(text)
    code = re.sub(r"^[ \t]*#.*(\\\n.*)*", lambda found: re.sub(r"[^\n]", " ", found.group()), code,
                  flags=re.M)
    scopes = []  # of each open brace: where its function begins, or None
    begin = 0    # of the text that an opening brace belongs to
    for position, character in enumerate(code):
        if character in ";}" and not any(scopes):
            if character == "}" and scopes:
                scopes.pop()
            begin = position + 1
        elif character == "{":
            head = code[begin:position]
            inside = any(scopes)
            is_function = not inside and ")" in head and not SCOPE.match(head.strip())
            scopes.append((begin + len(head) - len(head.lstrip()), head.strip())
                          if is_function else None)
            if not inside:
                begin = position + 1
        elif character == "}":
            opened = scopes.pop()
            if opened:
                start, head = opened
                first = code.count("\n", 0, start) + 1
                name = re.split(r"\s*\(", head, maxsplit=1)[0].split()[-1]
                if name.startswith("TEST"):
                    name = text[start:].split("{", 1)[0].strip()
                yield first, name, code.count("\n", 0, position) + 2 - first
                begin = position + 1


def functions_of_shell(text):
    begin, name = 0, None
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r"(\w+)\(\) *[{(]$", line)
        if found:
            begin, name = number, found.group(1)
        elif re.match(r"[})]", line) and name:
            yield begin, name, number - begin + 1
            name = None


def functions_of_python(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            yield node.lineno, node.name, node.end_lineno - node.lineno + 1


def sizes(tree):
    scripts = set(tree.scripts())
    found = 0
    for path in tree.code():
        text = tree.text(path)
        if path.endswith((".cpp", ".h", ".c")):
            functions = functions_of_cpp(text)
        elif path in scripts:
            functions = functions_of_shell(text)
        elif path.endswith(".py") or text.startswith("#!/usr/bin/env python3"):
            functions = functions_of_python(text)
        else:
            continue
        for line, name, length in functions:
            found += 1
            if length > MOST_LINES_OF_A_FUNCTION:
                yield f"{path}:{line}: {name} has {length} lines"
        length = len(text.splitlines())
        if length > MOST_LINES_OF_A_FILE and not path.startswith("include/"):
            yield f"{path}: {length} lines"
    if found < 1000:
        yield f"only {found} functions were found: the rule does not see them any more"
