# SPDX-License-Identifier: BSD-3-Clause
"""Delta debugging: takes steps out of a program for as long as it still shows a difference."""
import time


def shrink(program, difference, still_differs, limit):
    """(the shortest text that was found, its difference). The steps keep the lines they had."""
    end = time.monotonic() + limit
    last = difference
    kept = list(range(len(program.steps)))
    portion = max(len(kept) // 2, 1)
    while True:
        smaller = False
        begin = 0
        while begin < len(kept) and time.monotonic() < end:
            candidate = kept[:begin] + kept[begin + portion:]
            found = still_differs(program.text(set(candidate))) if candidate else None
            if found is not None:
                kept, last, smaller = candidate, found, True
            else:
                begin += portion
        if time.monotonic() >= end or (portion == 1 and not smaller):
            return program.text(set(kept)), last
        portion = max(portion // 2, 1)
