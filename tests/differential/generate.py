# SPDX-License-Identifier: BSD-3-Clause
"""Programs by chance, each from its seed alone. They keep to what has one outcome: threads take
turns, and what waits is known to wait. README.md tells the language."""
import random

import generate_sam
import generate_votequorum


class Program:
    """The steps, and what they need: kind is votequorum, sam (alone) or sam_daemon."""

    def __init__(self, seed, kind, transport, steps):
        self.seed = seed
        self.kind = kind
        self.transport = transport
        self.steps = steps

    def text(self, kept=None):
        """With only those of the steps, if they are named; the others leave their lines empty, so
        that each step keeps its number."""
        if kept is None:
            return "\n".join(self.steps) + "\n"
        return "\n".join(s if i in kept else "" for i, s in enumerate(self.steps)) + "\n"


def program(seed, kind):
    """Even seeds have shared memory as the daemon's transport, odd ones sockets."""
    chance = random.Random(f"{kind} {seed}")
    transport = ["shm", "socket"][seed % 2]
    if kind == "votequorum":
        return Program(seed, kind, transport, generate_votequorum.steps(chance))
    with_daemon = kind == "sam_daemon"
    return Program(seed, kind, transport if with_daemon else None,
                   generate_sam.steps(chance, with_daemon))
