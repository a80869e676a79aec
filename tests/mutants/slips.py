# SPDX-License-Identifier: BSD-3-Clause
"""The committed slips: small mistakes that a good engineer could make in src, one file of them for
each room. How they are written stands in README.md beside this file."""
import dataclasses
import glob
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))


class Stale(Exception):
    """What a slip is to replace is not there, or not there once."""


@dataclasses.dataclass
class Slip:
    """Whole lines that are to be replaced in one file."""
    room: str
    name: str
    file: str = ""
    old: str = ""
    new: str = ""
    equivalent: str = ""  # why no test can see it
    simulation: str = ""  # set: the simulation alone must find it
    differential: str = ""  # the kind of random program that must find it


def replace_once(text, old, new, where):
    """Returns text with the lines new for the lines old, which must be there once."""
    found = re.findall("^" + re.escape(old), text, re.MULTILINE)
    if len(found) != 1:
        raise Stale(f"{where} has {len(found)} times what is to be replaced:\n{old}")
    begin = re.search("^" + re.escape(old), text, re.MULTILINE).start()
    return text[:begin] + new + text[begin + len(old):]


def apply(slip, text):
    """Returns the text of the slip's file with the slip in it."""
    where = f"{slip.room}: {slip.name}: {slip.file}"
    if not slip.old or slip.old == slip.new:
        raise Stale(f"{where}: nothing is replaced")
    return replace_once(text, slip.old, slip.new, where)


def add_line(slip, line, where):
    """Takes one line of a slip's entry."""
    mark, rest = line[0], line[1:] + "\n"
    if mark in "- ":
        slip.old += rest
    if mark in "+ ":
        slip.new += rest
    if mark in "-+ ":
        return
    field, colon, value = line.partition(": ")
    if not colon or field not in ("file", "equivalent", "simulation", "differential"):
        raise Stale(f"{where}: not understood: {line}")
    setattr(slip, field, f"{getattr(slip, field)} {value}".strip())


def parse(room, text):
    """Returns the slips that the text of a room's file has."""
    slips = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("== "):
            slips.append(Slip(room, line[3:]))
        elif slips and line and not line.startswith("#"):
            add_line(slips[-1], line, f"{room}:{number}")
    return slips


def load(folder=HERE):
    """Returns all slips, in the order of their files."""
    slips = []
    for path in sorted(glob.glob(f"{folder}/*.txt")):
        with open(path, encoding="utf-8") as file:
            slips += parse(os.path.basename(path).removesuffix(".txt"), file.read())
    return slips


def check(root, slips):
    """Returns what is wrong with the slips, one text for each."""
    findings = []
    names = set()
    for slip in slips:
        if slip.name in names:
            findings.append(f"{slip.room}: {slip.name}: the name is used twice")
        names.add(slip.name)
        try:
            with open(f"{root}/{slip.file}", encoding="utf-8") as file:
                apply(slip, file.read())
        except (OSError, Stale) as finding:
            findings.append(str(finding))
    return findings
