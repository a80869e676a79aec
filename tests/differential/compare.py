# SPDX-License-Identifier: BSD-3-Clause
"""Two transcripts of one program, and which of their differences are allowed: those of
differences.txt, each with its row in docs/compatibility.md."""
import re

NOTHING = "(nothing)"
AT_EXIT = 100_000  # is added to the line of what exit handlers do
SIGNALS, END = 10**6, 2 * 10**6  # behind all lines
PATTERNS = ("when", "story", "program", "stock", "ours")
SCOPES = ("step", "handle", "rest")
CRASHES = ("signal 4", "signal 6", "signal 7", "signal 8", "signal 11")


class Rule:
    """An allowed difference: a stanza of `name: value` lines. That ours tells nothing where the
    other does is allowed by those only that say what ours tells."""

    def __init__(self, fields, line):
        unknown = set(fields) - {"row", "then", "without", *PATTERNS}
        if unknown or not {"row", "when", "then"} <= set(fields):
            raise ValueError(f"line {line}: a rule has row, when, then, and maybe more")
        if fields["then"] not in SCOPES:
            raise ValueError(f"line {line}: then is one of {', '.join(SCOPES)}")
        self.row = fields["row"]
        self.then = fields["then"]
        self.pattern = {name: re.compile(fields[name], re.MULTILINE | re.DOTALL)
                        for name in PATTERNS if name in fields}
        self.without = re.compile(fields["without"]) if "without" in fields else None

    def allows(self, step, before, program, stock, ours):
        texts = {"when": step, "story": f"{before}\n@ {step}", "program": program, "stock": stock,
                 "ours": ours}
        if not all(pattern.search(texts[name]) for name, pattern in self.pattern.items()):
            return False
        if ours == NOTHING and "ours" not in self.pattern:
            return False
        return self.without is None or self.without.sub("", stock) == self.without.sub("", ours)


def read_rules(path):
    rules, fields, number = [], {}, 0
    with open(path, encoding="ascii") as file:
        for number, line in enumerate([*file, "\n"], 1):
            line = line.rstrip("\n")
            if line.startswith("#"):
                continue
            if line.strip():
                name, _, value = line.partition(": ")
                fields[name] = value
            elif fields:
                rules.append(Rule(fields, number))
                fields = {}
    return rules


def rows_of(path):
    """The first cell of each row of the tables."""
    with open(path, encoding="utf-8") as file:
        return [line.split(" | ")[0].removeprefix("| ") for line in file if line.startswith("| ")]


def missing_rows(rules, path):
    rows = rows_of(path)
    return sorted({rule.row for rule in rules if rule.row not in rows})


class Seen:
    """What one run showed: for each step and process the texts, and how it ended."""

    def __init__(self, result):
        self.texts = {}
        for record in result.get("records", []):
            line, who, text = (record.split(" ", 2) + ["", ""])[:3]
            key = (int(line), who) if line != "0" else (SIGNALS, f"{who} {text}")
            self.texts.setdefault(key, []).append(text)
        self.texts[(END, "end")] = [result["end"]]
        self.texts[(END + 1, "left")] = [f"{result['left']} processes"]
        self.texts[(END + 2, "keys")] = result.get("keys", [])
        self.end = result["end"]

    def at(self, key):
        return "\n".join(self.texts.get(key, [NOTHING]))


class Difference:
    def __init__(self, key, step, stock, ours):
        self.key = key
        self.step = step
        self.stock = stock
        self.ours = ours

    def __str__(self):
        def shown(text):
            return text.replace("\n", "\n           ")
        return (f"  at line {self.key[0]} ({self.key[1]}): {self.step}\n"
                f"    stock: {shown(self.stock)}\n    ours:  {shown(self.ours)}")


def handle_of(step):
    found = re.search(r"\bh\d\b", step)
    return found.group(0) if found else None


def is_cut_short(step, stock, ours):
    """Whether a thread of ours told more, as where the other's program has crashed meanwhile. That
    crash is a difference of its own step."""
    is_of_thread = re.match(r"(\w+: )?t\d&", step) is not None
    return is_of_thread and (stock == NOTHING or ours.startswith(stock))


def compare(program, stock, ours, rules):
    """The first difference that no rule allows, or None; and the rows of those that are allowed."""
    stock, ours = Seen(stock), Seen(ours)
    lines = program.splitlines()
    rows, ignored = [], set()
    for key in sorted(set(stock.texts) | set(ours.texts)):
        line = key[0] % AT_EXIT
        step = lines[line - 1] if 0 < line <= len(lines) and key[0] < 2 * AT_EXIT else ""
        seen = stock.at(key), ours.at(key)
        if seen[0] == seen[1]:
            continue
        is_ignored = handle_of(step) in ignored
        before = "\n".join(lines[:key[0] - 1])
        rule = next((r for r in rules if r.allows(step or key[1], before, program, *seen)), None)
        if is_ignored and (rule is None or rule.then != "rest"):
            continue  # but where stock has crashed, nothing is compared any more
        if rule is None and stock.end in CRASHES and is_cut_short(step, *seen):
            continue
        if rule is None:
            return Difference(key, step, *seen), rows
        rows.append(rule.row)
        if rule.then == "rest":
            break
        if rule.then == "handle":
            ignored.add(handle_of(step))
    return broken_end(stock, ours), rows


def broken_end(stock, ours):
    """Whatever is allowed, ours neither hangs nor crashes where the other does not. It may wait in
    a step that the other has not lived to see."""
    last = [max((line for line, _who in side.texts if line < AT_EXIT), default=0)
            for side in (stock, ours)]
    may_wait = stock.end in CRASHES and last[0] < last[1]
    broken = CRASHES if may_wait else ("hangs", *CRASHES)
    if ours.end != stock.end and ours.end in broken:
        key = max(ours.texts)
        return Difference(key, "the end", stock.end, ours.end)
    return None
