# SPDX-License-Identifier: BSD-3-Clause
"""The comparison's own tools: what is a difference, what is allowed, how a program is shrunk."""
import os
import tempfile
import unittest

import compare
import generate
import shrink

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = "votequorum_initialize h1 all\nvotequorum_getinfo h1 0\nvotequorum_fd_get h2\n"
RULE = "row: some row\nwhen: votequorum_getinfo\nours: ERR_LIBRARY\nthen: "


def result(*records, end="exit 0", left=0):
    return {"records": list(records), "end": end, "left": left}


def rules(text):
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(text)
        file.flush()
        return compare.read_rules(file.name)


SAME = ("1 s = OK", "2 s = OK", "3 s = ERR_BAD_HANDLE")
OTHER = ("1 s = OK", "2 s = ERR_LIBRARY", "3 s = ERR_BAD_HANDLE")


class Compare(unittest.TestCase):
    def difference(self, stock, ours, allowed=()):
        return compare.compare(PROGRAM, stock, ours, allowed)[0]

    def test_same_is_none(self):
        self.assertIsNone(self.difference(result(*SAME), result(*SAME)))

    def test_first_difference_is_told(self):
        found = self.difference(result(*SAME), result(*OTHER))
        self.assertEqual((found.key, found.stock, found.ours), ((2, "s"), "= OK", "= ERR_LIBRARY"))

    def test_order_within_a_step_counts(self):
        found = self.difference(result("1 s a", "1 s b"), result("1 s b", "1 s a"))
        self.assertEqual(found.key, (1, "s"))

    def test_end_and_what_is_left_count(self):
        self.assertEqual(self.difference(result(*SAME), result(*SAME, end="exit 1")).key[1], "end")
        self.assertEqual(self.difference(result(*SAME), result(*SAME, left=1)).key[1], "left")

    def test_allowed_step_ends_with_the_step(self):
        allowed = rules(RULE + "step\n")
        self.assertIsNone(self.difference(result(*SAME), result(*OTHER), allowed))
        later = (*OTHER[:2], "3 s = OK")
        self.assertEqual(self.difference(result(*SAME), result(*later), allowed).key, (3, "s"))

    def test_allowed_handle_is_that_handle_only(self):
        allowed = rules(RULE + "handle\n")
        later = (*OTHER[:2], "3 s = OK")
        self.assertEqual(self.difference(result(*SAME), result(*later), allowed).key, (3, "s"))

    def test_allowed_rest_allows_no_hang_or_crash(self):
        allowed = rules(RULE + "rest\n")
        later = (*OTHER[:2], "3 s = OK")
        self.assertIsNone(self.difference(result(*SAME), result(*later), allowed))
        for end in ("hangs", "signal 11"):
            self.assertIsNotNone(self.difference(result(*SAME), result(*later, end=end), allowed))

    def test_wait_after_the_other_has_crashed(self):
        allowed = rules(RULE + "rest\n")
        longer = (*OTHER, "4 s = OK")
        crashed = result(*SAME, end="signal 6")
        self.assertIsNone(self.difference(crashed, result(*longer, end="hangs"), allowed))
        self.assertIsNotNone(self.difference(crashed, result(*OTHER, end="hangs"), allowed))
        self.assertIsNotNone(self.difference(crashed, result(*longer, end="signal 11"), allowed))

    def test_silence_of_ours_must_be_allowed_by_name(self):
        silent = result("1 s = OK", "3 s = ERR_BAD_HANDLE")
        allowed = rules("row: some row\nwhen: votequorum_getinfo\nthen: rest\n")
        self.assertIsNotNone(self.difference(result(*SAME), silent, allowed))

    def test_allowed_only_after_the_story(self):
        allowed = rules("row: r\nwhen: h2\nstory: getinfo (h1).*^@ .*\\1\nthen: step\n")
        other = result(*SAME[:2], "3 s = OK")
        self.assertIsNotNone(self.difference(result(*SAME), other, allowed))

    def test_without_takes_out_of_both(self):
        allowed = rules("row: r\nwhen: getinfo\nwithout: , written\nthen: step\n")
        stock = result(SAME[0], "2 s = ERR, written", SAME[2])
        self.assertIsNone(self.difference(stock, result(SAME[0], "2 s = ERR", SAME[2]), allowed))
        self.assertIsNotNone(self.difference(stock, result(*SAME), allowed))


class Rules(unittest.TestCase):
    def test_row_that_is_not_there_is_missing(self):
        page = f"{HERE}/../../docs/compatibility.md"
        self.assertEqual(compare.missing_rows(rules(RULE + "step\n"), page), ["some row"])

    def test_ours_are_all_there(self):
        found = compare.read_rules(f"{HERE}/differences.txt")
        self.assertTrue(found)
        self.assertEqual(compare.missing_rows(found, f"{HERE}/../../docs/compatibility.md"), [])

    def test_rule_without_row_or_with_a_wrong_word_is_refused(self):
        for text in ("when: x\nthen: step\n", "row: r\nwhen: x\nthen: never\n",
                     "row: r\nwhen: x\nthen: step\nelse: y\n"):
            with self.assertRaises(ValueError):
                rules(text)


class Generate(unittest.TestCase):
    def test_same_seed_is_same_program(self):
        for kind in ("votequorum", "sam", "sam_daemon"):
            self.assertEqual(generate.program(5, kind).text(), generate.program(5, kind).text())
            self.assertNotEqual(generate.program(5, kind).text(), generate.program(7, kind).text())


class Shrink(unittest.TestCase):
    def test_what_is_needed_is_left_at_its_line(self):
        program = generate.Program(1, "votequorum", "shm", [f"step {i}" for i in range(40)])

        def differs(text):
            lines = text.splitlines()
            return "a difference" if "step 3" in lines and "step 31" in lines else None

        text, found = shrink.shrink(program, "the first", differs, limit=60)
        self.assertEqual([line for line in text.splitlines() if line], ["step 3", "step 31"])
        self.assertEqual(text.splitlines()[31], "step 31")
        self.assertEqual(found, "a difference")


if __name__ == "__main__":
    unittest.main()
