# SPDX-License-Identifier: BSD-3-Clause
"""check.py [--self-test]: whether every slip still applies to the tree. With --self-test: whether
one that does not is reported."""
import os
import sys

import slips

ROOT = os.path.realpath(f"{slips.HERE}/../..")
LEAST = 150

STALE = """== the text is gone
file: LICENSE
-This line stands nowhere in the licence.
+Nor does this one.
== the text is there twice
file: tests/mutants/check.py
-# twice
+# once
== nothing changes
file: tests/mutants/check.py
 # twice
== the file is gone
file: src/no_such_file.cpp
-a
+b
== the file is gone
file: LICENSE
-c
+d
"""
# twice
# twice


def self_test():
    """Each of these must be found, and a sound one must not."""
    found = slips.check(ROOT, slips.parse("test", STALE))
    wanted = ["has 0 times", "has 2 times", "nothing is replaced", "No such file", "used twice",
              "has 0 times"]
    missing = [part for part, finding in zip(wanted, found) if part not in finding]
    if len(found) != len(wanted) or missing:
        return [f"not reported: {missing}; reported: {found}"]
    sound = slips.Slip("test", "sound", "tests/mutants/check.py", "LEAST = 150\n", "LEAST = 1\n")
    return slips.check(ROOT, [sound])


def main():
    """Prints the findings."""
    if sys.argv[1:] == ["--self-test"]:
        findings = self_test()
    else:
        known = slips.load()
        findings = slips.check(ROOT, known)
        if len(known) < LEAST:
            findings.append(f"only {len(known)} slips, not {LEAST}")
        print(f"{len(known)} slips")
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
