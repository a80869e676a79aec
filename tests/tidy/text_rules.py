# SPDX-License-Identifier: BSD-3-Clause
"""Rules of plain text: width, white space, the opening of a file, spelling."""

import re

WIDTH = 100
WIDTH_OF_DOCUMENTS = 140
NO_SECOND_LINE = re.compile(r"\.(json|txt)$|^packaging/lintian/")


def columns(tree):
    for path in tree.files:
        if NO_SECOND_LINE.search(path):
            continue
        width = WIDTH_OF_DOCUMENTS if path.endswith(".md") else WIDTH
        for number, line in enumerate(tree.lines(path), 1):
            if line.startswith("|") and path.endswith(".md"):  # a row of a table
                continue
            if len(line) > width:
                yield f"{path}:{number}: {len(line)} columns, {width} are the most"


def whitespace(tree):
    for path in tree.files:
        text = tree.text(path)
        if text and not text.endswith("\n"):
            yield f"{path}: no newline at its end"
        if text.endswith("\n\n"):
            yield f"{path}: an empty line at its end"
        for number, line in enumerate(text.splitlines(), 1):
            if line != line.rstrip():
                yield f"{path}:{number}: space at the end"
            if "\t" in line and not path.endswith("Makefile"):
                yield f"{path}:{number}: a tab"


SPDX = "SPDX-License-Identifier: BSD-3-Clause"
COMMENT = re.compile(r'\s*(#|"""|\.\\")\s*\S')
COMMENT_OF_C = re.compile(r"\s*(//|/\*|\*)\s*\S")
# Their format has no room for a comment of ours, or their whole text is one.
NO_OPENING = re.compile(r"\.(md|json|map)$|^LICENSE$|^\.git|(^|/)\.clang-format$|\.Debian\.in$|"
                        r"^packaging/(commit-date|lintian/)|^pkgconfig/.*\.in$")


def opening(tree):
    """Each file begins with the licence, and then says what it is for."""
    for path in tree.files:
        if NO_OPENING.search(path):
            continue
        lines = [line for line in tree.lines(path)[:4]
                 if not line.startswith(("#!", "'\\\"")) and line.strip() != "*"] + ["", ""]
        if SPDX not in lines[0]:
            yield f"{path}: does not begin with '{SPDX}'"
            continue
        comment = COMMENT_OF_C if path.endswith((".cpp", ".h", ".c")) else COMMENT
        if not comment.match(lines[1]) and not path.startswith("man/"):
            yield f"{path}: does not say what it is for"


# British words that end in -ise whatever the style; all others of these stems take a z.
STEMS = ("initial|final|recogn|synchron|organ|optim|serial|normal|minim|maxim|summar|real|util|"
         "author|custom|general|special|stabil|standard|random|memor|visual|character|emphas|"
         "categor|penal|capital|central|material")
ISE = re.compile(rf"\b\w*({STEMS})is(e|ed|es|er|ers|ing|ation|ations)(?-i:(?![a-z]))\w*", re.I)


def spelling(tree):
    for path in tree.files:
        if path.startswith("tests/tidy/"):
            continue
        for number, line in enumerate(tree.lines(path), 1):
            for found in ISE.finditer(line):
                yield f"{path}:{number}: '{found.group()}' is spelled with a z"
