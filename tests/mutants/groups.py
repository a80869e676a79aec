# SPDX-License-Identifier: BSD-3-Clause
"""Which tests look for the slips of a room, the fast ones first. A group is a list of runs; a run
is one program, or one case of it."""
import dataclasses
import functools
import glob
import os
import subprocess

SAM_ROOMS = ("supervisor", "operator", "active", "shared", "session")
# Whose units use a room besides its own.
UNITS_TOO = {"operator": ["supervisor"], "shared": ["active", "supervisor"]}
SIMULATED = ("death_watch", "instance", "publisher", "rules", "supervisor", "supervisor_ends",
             "backoff", "pacing", "overslept", "service_link", "heartbeat", "policy", "notices")
# What meets the daemon.
WITH_DAEMON = ("publisher", "cmap_client", "quorum_client", "service_connection", "service_link",
               "linux_world", "supervisor", "supervisor_ends", "session", "cmap", "quorum")
# Where a program is not named after the file that it is about.
OWN = {"supervisor_ends": "sam_supervisor_test", "linux_processes": "sam_death_watch_test",
       "quorum_client": "sam_service_clients_test", "cmap_client": "sam_service_clients_test",
       "service_connection": "sam_service_clients_test", "quorum": "sam_service_clients_test",
       "cmap": "sam_service_clients_test"}
OWN_OF_ROOM = {"common": "common_units_test", "corosync_common": "corosync_common_test",
               "ipc": "ipc_units_test", "votequorum": "votequorum_units_test",
               "wire": "votequorum_units_test"}
PROCESSES = ["sam_process_test", "sam_kinds_test", "sam_operator_test", "sam_unload_test",
             "sam_slow_supervisor_test", "sam_torture_test", "sam_faults_test"]
SAM_DAEMON = ["sam_operator_daemon_test", "sam_hostile_test", "sam_daemon_test"]
STAND_INS = ["ipc_handshake_test", "ipc_failed_step_test", "votequorum_clients_test",
             "ipc_connection_test", "votequorum_standin_test", "votequorum_extra_info_test",
             "votequorum_connect_test", "votequorum_hostile_test", "votequorum_faults_test"]
DAEMON = ["votequorum_newest_daemon_test", "votequorum_threads_daemon_test",
          "votequorum_surroundings_daemon_test", "votequorum_leaving_daemon_test",
          "votequorum_daemon_test"]
OTHER_UNITS = ["common_units_test", "corosync_common_test", "ipc_units_test",
               "ipc_first_call_test", "votequorum_units_test"]
FEW_SEEDS, SEEDS = "10000", "400000"  # most of what the simulation finds it finds soon


@dataclasses.dataclass(frozen=True)
class Run:
    """One command, which fails when it sees a slip."""
    program: str
    case: str = ""
    private: bool = False  # in namespaces of its own
    socket: bool = False  # the daemon's other transport

    @property
    def name(self):
        """As it is printed, and kept."""
        if self.program == "simulate":
            return f"simulate {self.case}"
        return (self.case or self.program) + ("/socket" if self.socket else "")

    def command(self, place, has_slip):
        """What is to be run."""
        program = place.path_of(self.program, has_slip)
        if self.program == "simulate":
            return [program, "--seeds", self.case]
        command = [program, "--gtest_brief=1", "--gtest_fail_fast"]
        if self.case:
            command.append(f"--gtest_filter={self.case}")
        return [f"{place.root}/scripts/in-namespaces", *command] if self.private else command


def library_of(slip):
    """The library that a slip is in; both have src/common and src/ipc."""
    if slip.room in SAM_ROOMS or "quorum.h" in slip.file and "votequorum" not in slip.file:
        return "sam"
    return "sam" if slip.file.endswith("wire/cmap.h") else "votequorum"


def room_units(place, room):
    """The unit programs of a room of SAM."""
    sources = glob.glob(f"{place.root}/tests/sam_units/{room}/*_test.cpp")
    names = [f"sam_{os.path.basename(source).removesuffix('.cpp')}" for source in sorted(sources)]
    return [name for name in names if place.has(name)]


def stem(slip):
    """The file's name without folder and ending."""
    return os.path.splitext(os.path.basename(slip.file))[0]


def own_runs(place, slip):
    """The unit program of the slip's own file, which is soon built."""
    name = OWN.get(stem(slip), f"sam_{stem(slip)}_test")
    if library_of(slip) != "sam":
        return [Run(OWN_OF_ROOM[slip.room])]
    if not place.has(name):
        return []
    return [Run(name, private=name == "sam_service_clients_test")]


def is_sure(run):
    """Whether it says the same each time: others may have met a busy machine, and run twice."""
    return run.program in ("simulate", "every_sequence_test")


def is_fast(run):
    """Whether it is busy all the time, and does not wait for processes and clocks."""
    return not run.private and run.program not in PROCESSES


def unit_runs(place, slip):
    """What needs neither daemon nor other processes."""
    if library_of(slip) == "votequorum":
        return [Run(name) for name in OTHER_UNITS]
    names = room_units(place, slip.room)
    for room in UNITS_TOO.get(slip.room, []):
        names += room_units(place, room)
    simulated = [Run("simulate", FEW_SEEDS)] if stem(slip) in SIMULATED else []
    return [Run(name) for name in names] + simulated


def long_runs(slip):
    """As unit_runs(), for what takes longer."""
    runs = [Run("simulate", SEEDS)] if stem(slip) in SIMULATED else []
    return runs + ([Run("every_sequence_test")] if stem(slip) == "rules" else [])


@functools.lru_cache(None)
def list_cases(place, program):
    """The names of a program's cases."""
    listed = subprocess.run([f"{place.build}/tests/{program}", "--gtest_list_tests"],
                            capture_output=True, text=True, check=True).stdout
    cases, suite = [], ""
    for line in listed.splitlines():
        name = line.split("#")[0].rstrip()
        if name and not name.startswith(" "):
            suite = name
        elif name and "DISABLED_" not in suite + name:
            cases.append(suite + name.strip())
    return [case for case in cases if "." in case]


def process_runs(place, slip):
    """Whole SAM applications, a case at a time."""
    if library_of(slip) == "votequorum" and slip.room != "common":
        return []
    return [Run(program, case) for program in PROCESSES if place.has(program)
            for case in list_cases(place, program)]


def private_runs(slip):
    """Stand-ins and real daemons."""
    if library_of(slip) == "sam" and stem(slip) not in WITH_DAEMON:
        return []
    if library_of(slip) == "sam":
        runs = [Run(name, private=True) for name in SAM_DAEMON]
        return [*runs, Run("sam_daemon_test", private=True, socket=True)]
    runs = [Run(name, private=True) for name in STAND_INS + DAEMON]
    return runs + [Run(name, private=True, socket=True) for name in DAEMON]


def programs_of(place, chosen, fast):
    """All that may be asked."""
    runs = [run for slip in chosen for run in own_runs(place, slip) + unit_runs(place, slip)]
    if not fast:
        runs += [run for slip in chosen for run in long_runs(slip) + private_runs(slip)]
    programs = {run.program for run in runs}
    return programs if fast else programs | {name for name in PROCESSES if place.has(name)}
