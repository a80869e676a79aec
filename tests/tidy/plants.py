# SPDX-License-Identifier: BSD-3-Clause
"""What the self-test plants, by rule: (file, text, the line to plant it after or None for the end,
part of the complaint that must follow)."""

CUT = ""  # instead of a text: the file ends before the anchor

LONG_FUNCTION = "\nint long_one(int value) {\n" + "  ++value;\n" * 59 + "  return value;\n}\n"
LONG_SHELL = "\nlong_one() {\n" + "  true\n" * 60 + "}\n"
NEW_FILE = "// SPDX-License-Identifier: BSD-3-Clause\n"

PLANTS = {
    "columns": [
        ("src/common/clock.h", f"// {'x' * 98}\n", None, "src/common/clock.h"),
        ("scripts/soak", f"# {'x' * 99}\n", None, "scripts/soak"),
        ("docs/design.md", f"{'x' * 141}\n", None, "docs/design.md"),
        ("src/common/clock.h", f"| {'x' * 99}\n", None, "src/common/clock.h"),
    ],
    "whitespace": [
        ("src/common/clock.h", "int x; \n", None, "space at the end"),
        ("tests/tests.cmake", "\tset(x)\n", None, "a tab"),
        ("NEWS.md", "more", None, "no newline"),
        ("scripts/soak", "\n\n", None, "an empty line at its end"),
    ],
    "opening": [
        ("src/common/planted.h", "#pragma once\n", None, "src/common/planted.h: does not begin"),
        ("src/common/planted.h", NEW_FILE + "#pragma once\n", None, "does not say what it is for"),
        ("scripts/planted", "#!/bin/sh\nset -eu\n", None, "scripts/planted: does not begin"),
    ],
    "spelling": [
        ("README.md", "An initialised library.\n", None, "'initialised'"),
        ("src/common/clock.h", "enum { kFinalised };\n", None, "'kFinalised'"),
    ],
    "includes": [
        ("src/sam/supervisor/rules.h", '#include "sam/active/active.h"\n', "#define",
         "src/sam/supervisor may not include sam/active/active.h"),
        ("src/sam/active/active.h", '#include "sam/supervisor/rules.h"\n', "#define",
         "src/sam/active may not include sam/supervisor/rules.h"),
        ("src/sam/shared/store.h", '#include "sam/session.h"\n', "#define",
         "src/sam/shared may not include sam/session.h"),
        ("src/sam/operator/log.h", '#include "sam/supervisor/rules.h"\n', "#define",
         "src/sam/operator may not include sam/supervisor/rules.h"),
        ("src/votequorum/client.h", '#include "sam/session.h"\n', "#define",
         "src/votequorum may not include sam/session.h"),
        ("src/common/clock.h", '#include "ipc/reply.h"\n', "#define",
         "src/common may not include ipc/reply.h"),
        ("src/planted/new.h", "\n", None, "is in no room"),
        ("include/corosync/sam.h", '#include "common/clock.h"\n', "#define",
         "a public header includes common/clock.h"),
    ],
    "sizes": [
        ("src/common/status.cpp", LONG_FUNCTION, None, "long_one has 62 lines"),
        ("tests/common_units/clock_test.cpp",
         "TEST(Planted, IsLong) {\n" + "  int;\n" * 60 + "}\n", None, "Planted, IsLong) has 62"),
        ("src/votequorum/client.h", "struct Planted {\n  void inner() {\n" + "    f();\n" * 60 +
         "  }\n};\n", None, "inner has 62 lines"),
        ("scripts/soak", LONG_SHELL, None, "long_one has 62 lines"),
        ("bench/run.py", "def long_one():\n" + "    pass\n" * 60, None, "long_one has 61 lines"),
        ("src/common/clock.h", "\n" * 400, None, "src/common/clock.h: 4"),
    ],
    "functions": [
        ("src/sam/libsam.map", "    sam_planted;\n", "global:", "no man/sam_planted.3"),
        ("src/sam/libsam.map", "    sam_planted;\n", "global:", "sam_planted: no test"),
        ("src/sam/libsam.map", "    sam_planted;\n", "global:", "follows no comment"),
        ("include/corosync/sam.h", CUT, "cs_error_t sam_stop(", "sam_stop: its declaration"),
    ],
    "suites": [
        ("tests/common_units/clock_test.cpp", "TEST(PlantedTest, Works) {}\n", None, "PlantedTest"),
        ("tests/common_units/clock_test.cpp", "TEST(Planted, it_works) {}\n", None, "it_works"),
        ("tests/common_units/planted_test.cpp", NEW_FILE, None, "no test is in it"),
        ("tests/common_units/planted.cpp", "TEST(Planted, Works) {}\n", None, "ends in _test.cpp"),
        ("tests/sam/planted_more_test.cpp", "TEST(Planted, Works) {}\n", None, "does not say"),
    ],
    "units": [
        ("src/common/planted.cpp", NEW_FILE, None, "there is no planted_test.cpp"),
        ("tests/sam/client_test.cpp", NEW_FILE, None, "client.cpp: has a test of its own"),
    ],
    "names": [
        ("docs/reliability.md", "`SamPlanted.IsNowhere`\n", None, "no test SamPlanted.IsNowhere"),
        ("README.md", "`SamStates.*` `.IsNowhere`\n", None, "no test SamStates.IsNowhere"),
        ("README.md", "`planted_nowhere_test`\n", None, "no test program planted_nowhere_test"),
        ("README.md", "`Planted.*`\n", None, "no test Planted.*"),
        ("docs/design.md", "`src/common/nowhere.h`\n", None, "no src/common/nowhere.h"),
        ("CONTRIBUTING.md", "-R '^nowhere_at_all'\n", None, "-R '^nowhere_at_all'"),
    ],
    "format": [
        ("src/common/clock.h", "int  planted ;\n", None, "src/common/clock.h: differs"),
        ("examples/sam-worker.c", "int  planted ;\n", None, "examples/sam-worker.c: differs"),
    ],
    "shell": [
        ("scripts/soak", "rm $planted\n", None, "scripts/soak"),
        ("tests/planted", "#!/bin/bash\ncd $1\n", None, "tests/planted"),
    ],
}
