# SPDX-License-Identifier: BSD-3-Clause
"""Rules of what belongs together: a function and its page, test and comment; a document and what it
names."""

import pathlib
import re

from tree import without_comments


def exported(tree):
    for path in tree.matching(r"^src/.*\.map$"):
        yield from re.findall(r"^ *([a-z]\w+);$", tree.text(path), re.M)


def functions(tree):
    """Every public function has a page, a test that calls it, and a comment in its header."""
    names = sorted(set(exported(tree)))
    if len(names) < 30:
        yield f"only {len(names)} exported functions were found"
    headers = "\n".join(tree.text(path) for path in tree.matching(r"^include/.*\.h$"))
    tests = "\n".join(without_comments(tree.text(path)) for path in tree.cpp("tests/")
                      if not path.startswith("tests/abi/"))
    for name in names:
        if f"man/{name}.3" not in tree.files:
            yield f"{name}: no man/{name}.3"
        if not re.search(rf"\b{name}\b", tests):
            yield f"{name}: no test calls it"
        if not re.search(rf"\*/\n[\w *]*\b{name}\(", headers):
            yield f"{name}: its declaration follows no comment"


CASE = re.compile(r"^(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", re.M)


def cases(tree):
    """(path, suite, case) of every test in C++."""
    for path in tree.cpp("tests/"):
        for suite, case in CASE.findall(tree.text(path)):
            yield path, suite, case


def suites(tree):
    """Names of tests: PascalCase, no Test at the end; of their files: *_test.cpp, and no other."""
    with_cases = set()
    for path, suite, case in cases(tree):
        with_cases.add(path)
        for name in (suite, case):
            if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name):
                yield f"{path}: {suite}.{case}: {name} is not in PascalCase"
        if re.search(r"Tests?$", suite):
            yield f"{path}: {suite}: that it is a test need not be said"
    if len(with_cases) < 50:
        yield f"only {len(with_cases)} files with tests were found"
    for path in tree.cpp("tests/"):
        if path.endswith("_test.cpp") and path not in with_cases:
            yield f"{path}: no test is in it"
        if not path.endswith("_test.cpp") and path in with_cases:
            yield f"{path}: has tests, so its name ends in _test.cpp"
        if re.search(r"_(more|misc|other|new)_", path):
            yield f"{path}: its name does not say what is tested"


# Sources without a test file of their own name, and where they are tested instead.
TESTED_ELSEWHERE = {
    "src/corosync_common/c_api.cpp": "corosync_common_test.cpp",
    "src/sam/c_api.cpp": "states_test.cpp",
    "src/sam/supervisor/linux_processes.cpp": "death_watch_test.cpp",
    "src/sam/supervisor/supervisor_ends.cpp": "supervisor_test.cpp",
    "src/votequorum/c_api.cpp": "handles_test.cpp",
    "src/votequorum/client.cpp": "requests_test.cpp",
}


def units(tree):
    """Every source file has a test named after it, or is listed above."""
    tests = {pathlib.PurePath(path).name for path in tree.cpp("tests/")}
    sources = tree.matching(r"^src/.*\.cpp$")
    for source in sources:
        wanted = pathlib.PurePath(source).stem + "_test.cpp"
        if source in TESTED_ELSEWHERE and wanted in tests:
            yield f"{source}: has a test of its own, and need not be listed as tested elsewhere"
        wanted = TESTED_ELSEWHERE.get(source, wanted)
        if wanted not in tests:
            yield f"{source}: there is no {wanted}"
    yield from (f"{listed}: is listed, and does not exist"
                for listed in TESTED_ELSEWHERE if listed not in sources)


ADDED = re.compile(r"add_test\(\s*NAME ([^\s)]+)|cs_add_(?:unit|process|namespace|daemon)_test\(\s*"
                   r"([\w${}]+)|cs_add_test_program\(\s*([\w${}]+)|cs_add_sam_unit_test\(\s*"
                   r"\S+ ([\w${}]+)|set\(name ([^\s)]+)\)")


def programs(tree):
    """Patterns of the names that ctest and the build know, with .* for what CMake fills in."""
    for path in tree.matching(r"^(tests/.*tests\.cmake|bench/CMakeLists\.txt)$"):
        for added, test, program, unit, variable in ADDED.findall(tree.text(path)):
            name = added or test or program or variable or f"sam_{unit}_test"
            if not re.fullmatch(r"(sam_)?\$\{\w+\}(_test)?", name):
                yield re.sub(r"\\\$\\\{\w+\\\}", ".*", re.escape(name))
                yield re.sub(r"\\\$\\\{\w+\\\}", ".*", re.escape(name)) + "_socket"


class Names:
    """What a document may name."""

    def __init__(self, tree):
        self.tree = tree
        self.cases = {(suite, case) for _, suite, case in cases(tree)}
        self.suites = {suite for suite, _ in self.cases}
        self.programs = set(programs(tree))
        self.folders = {path[:end.start()] for path in tree.all for end in re.finditer("/", path)}

    def is_program(self, name):
        return any(re.fullmatch(pattern, name) for pattern in self.programs)

    def is_test(self, suite, case):
        if (suite, case) in self.cases or self.is_program(f"{suite}.{case}"):
            return True
        inside = re.escape(f"{suite}.")
        return case == "*" and (suite in self.suites
                                or any(name.startswith(inside) for name in self.programs))

    def is_path(self, path, places):
        pattern = re.compile(re.escape(path.rstrip("/")).replace(r"\*", "[^/]*")
                             + r"(/.*|\.\w+)?$")
        return any(pattern.fullmatch(name.removeprefix(place)) for place in places
                   for name in list(self.tree.all) + list(self.folders) if name.startswith(place))

    def is_matched(self, expression):
        """Whether a filter of ctest finds something."""
        every = [f"{suite}.{case}" for suite, case in self.cases]
        every += [re.sub(r"\\(.)", r"\1", name.replace(".*", "x")) for name in self.programs]
        return any(re.search(expression, name) for name in every)


PLACE = r"(?:src|tests|scripts|docs|include|man|cmake|bench|fuzz|examples|packaging|pkgconfig|\.ci)"
FILE = re.compile(rf"{PLACE}/[\w./*-]+|(?:\w+/)+\w+\.(?:h|cpp)")
TEST = re.compile(r"([A-Z]\w+)\.([A-Za-z_*][\w*-]*)")
NO_TEST = re.compile(r"\.(md|txt|json|cpp|h|in|so|py|cmake)$")


def names(tree):
    """Every test and every file that a document names exists."""
    known = Names(tree)
    found = 0
    for document in tree.documents():
        suite = None
        for number, line in enumerate(tree.lines(document), 1):
            where = f"{document}:{number}"
            for token in re.findall(r"`([^`\s]+)`", line):
                test = TEST.fullmatch(token)
                short = re.fullmatch(r"\.([A-Z]\w{6,})", token)
                if short and suite:
                    found += 1
                    if not known.is_test(suite, short.group(1)):
                        yield f"{where}: there is no test {suite}.{short.group(1)}"
                elif test and not NO_TEST.search(token):
                    found += 1
                    suite = test.group(1)
                    if not known.is_test(suite, test.group(2)):
                        yield f"{where}: there is no test {token}"
                elif re.fullmatch(r"[a-z_]+_test", token) and not known.is_program(token):
                    yield f"{where}: there is no test program {token}"
                elif FILE.fullmatch(token) and not re.search("[A-Z]{2}|/build$", token):
                    if not known.is_path(token, ("", "src/", "src/sam/")):
                        yield f"{where}: there is no {token}"
            for expression in re.findall(r"-R '([^']+)'", line):
                for part in expression.replace(r"\|", "|").split("|"):
                    if part.count("(") == part.count(")") and not known.is_matched(part):
                        yield f"{where}: no test is found with -R '{part}'"
    if found < 50:
        yield f"only {found} names of tests were found in documents"
