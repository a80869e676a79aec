# SPDX-License-Identifier: BSD-3-Clause
"""What is measured: the one table of programs, figures and goals."""

from dataclasses import dataclass

# Where client and daemon (or active process and supervisor) may run.
FREE = "free"  # as the scheduler places them
APART = "apart"  # on different processors
SAME = "same"  # both on one processor


@dataclass(frozen=True)
class Figure:
    metric: str  # the name that the program prints
    title: str
    unit: str  # the one that the program prints in: see UNITS
    goal: float | None = None  # ours / stock, at most
    floor_goal: float | None = None  # ours / floor, at most
    base: str | None = None  # another metric of the same program ...
    base_goal: float | None = None  # ... of which ours is this much at most
    picture: bool = False  # shown in docs/bench.svg


@dataclass(frozen=True)
class Case:
    name: str
    command: tuple  # empty: there is only a lower bound
    figures: tuple
    placement: str = FREE
    floor: tuple = ()  # the command of the lower bound; prints the same metrics
    stock_environment: tuple = ()  # set for the distribution's library only
    memory_mib: int = 0  # left out where less is available
    wears_daemon: bool = False  # the next case needs a new one


# Unit that a program prints in -> that unit and larger ones, each with its size in the first.
UNITS = {"ns": (("ns", 1), ("µs", 1e3), ("ms", 1e6)), "KiB": (("KiB", 1), ("MiB", 1024)),
         "B": (("B", 1), ("KiB", 1024), ("MiB", 1024 * 1024)), "": (("", 1),)}


def getinfo(name, title, gap_us, samples, placement, p50, cpu, floor):
    program = ("getinfo", gap_us, samples)
    return Case(
        name, ("bench_votequorum", "library", *program), placement=placement,
        floor=("bench_votequorum", floor, *program),
        figures=(Figure("p50", f"{title}, p50", "ns", goal=p50, picture=True),
                 Figure("p99", f"{title}, p99", "ns"),
                 Figure("client_cpu", f"{title}, CPU of the client", "ns", goal=cpu),
                 Figure("daemon_cpu", f"{title}, CPU of the daemon", "ns")))


def votequorum(name, *arguments, figure, floor="bare", **more):
    return Case(name, ("bench_votequorum", "library", name, *arguments), figures=(figure,),
                floor=("bench_votequorum", floor, name, *arguments), **more)


def threads(name, title, most, **more):
    """Time of one call of all threads together: with 8, at most 1 / 0.8 of that with 1."""
    figures = [Figure(name, f"{title}, 1 thread", "ns")]
    for count in (2, 4, 8):
        figures.append(Figure(f"{name}_threads{count}", f"{title}, {count} threads", "ns",
                              base=name, base_goal=most if count == 8 else None))
    return Case(name, ("bench_votequorum_calls", f"--benchmark_filter=^{name}"), tuple(figures),
                **more)


def memory(handles):
    # A daemon looks at each place that a client ever had, at each turn of its loop: after a
    # thousand handles the requests of one take five times as long, for the rest of its life.
    return Case(
        f"memory_{handles}", ("bench_votequorum", "library", "memory", handles),
        floor=("bench_votequorum", "bare", "memory", handles), memory_mib=handles * 4,
        wears_daemon=handles > 10,
        figures=(Figure("shared", f"shared memory a handle, {handles} open", "KiB", goal=0.1,
                        picture=handles == 100),
                 Figure("private", f"private memory a handle, {handles} open", "KiB")))


def data(operation, size, label, goal=None):
    return Figure(f"data_{operation}_{size}", f"sam_data_{operation}, {label}", "ns", goal=goal,
                  picture=operation == "store" and goal is not None)


def restart(mib, samples):
    title = "1 GiB" if mib == 1024 else f"{mib} MiB"
    return Case(
        f"restart_{mib}", ("bench_sam_restart", "library", mib, samples), placement=SAME,
        floor=("bench_sam_restart", "bare", mib, samples), memory_mib=mib * 2,
        figures=(Figure("restart", f"crash to next instance, {title} in use", "ns", goal=1.0,
                        picture=True),))


def supervisor(name, *figures):
    return Case(f"supervisor_{name}", ("bench_sam_supervisor", name), figures=figures)


CASES = (
    getinfo("getinfo_apart", "getinfo back to back, two processors", 0, 5000, APART, 0.08, 0.3,
            "spinning"),
    getinfo("getinfo_free", "getinfo back to back, free", 0, 5000, FREE, 0.35, None, "spinning"),
    getinfo("getinfo_same", "getinfo back to back, one processor", 0, 5000, SAME, 1.0, 1.0, "bare"),
    getinfo("sporadic_apart", "getinfo each 2 ms, two processors", 2000, 200, APART, 0.9, 1.1,
            "bare"),
    getinfo("sporadic_free", "getinfo each 2 ms, free", 2000, 200, FREE, None, None, "bare"),
    getinfo("sporadic_same", "getinfo each 2 ms, one processor", 2000, 200, SAME, 1.0, 1.0, "bare"),
    getinfo("rare_apart", "getinfo each 50 ms, two processors", 50000, 20, APART, 0.9, 1.1, "bare"),
    getinfo("rare_same", "getinfo each 50 ms, one processor", 50000, 20, SAME, 1.0, 1.0, "bare"),
    threads("shared_handle", "getinfo on one handle", 1.25,
            stock_environment=(("CS_BENCH_LOCK", "1"),)),
    threads("own_handle", "getinfo on a handle each", None),
    votequorum("connect", 100, figure=Figure("connect", "connect and finalize", "ns", goal=0.25,
                                             picture=True)),
    votequorum("burst", 300, placement=APART,
               figure=Figure("per_event", "dispatch of 20 events, each", "ns", goal=1.0,
                             floor_goal=1.05, picture=True)),
    Case("empty_dispatch", ("bench_votequorum_calls", "--benchmark_filter=empty_dispatch"),
         (Figure("empty_dispatch", "empty dispatch", "ns", goal=1.0, picture=True),)),
    votequorum("change", 100, placement=APART,
               figure=Figure("change", "change in the daemon to callback", "ns", goal=1.0,
                             picture=True)),
    votequorum("stack", figure=Figure("stack", "stack that a dispatch needs", "B", picture=True)),
    memory(1), memory(10), memory(100), memory(1000),
    Case("hc_send", ("bench_sam_calls", "--benchmark_filter=hc_send"),
         (Figure("hc_send", "sam_hc_send", "ns", goal=0.03, picture=True),)),
    Case("data", ("bench_sam_calls", "--benchmark_filter=data"),
         (data("store", 64, "64 B", 0.06), data("store", 4096, "4 KiB"),
          data("store", 1048576, "1 MiB", 0.6), data("store", 67108864, "64 MiB", 0.6),
          data("restore", 64, "64 B"), data("restore", 4096, "4 KiB"),
          data("restore", 1048576, "1 MiB"), data("restore", 67108864, "64 MiB"))),
    restart(1, 50), restart(100, 10), restart(1024, 3),
    supervisor("checks", Figure("supervisor_cpu", "supervisor, CPU for a million health checks",
                                "ns", goal=0.01, picture=True)),
    supervisor("idle", Figure("wakeups", "supervisor, wake-ups a minute at 4 checks a second", ""),
               Figure("resident", "supervisor, resident memory", "KiB")),
    supervisor("hang", Figure("late", "hang, from the end of the interval to the warning", "ns")),
    Case("startup", ("bench_startup", "bench_startup_target", 100),
         (Figure("startup", "start of a program that links all three", "ns", goal=1.0,
                 picture=True),),
         floor=("bench_startup", "bench_startup_libqb", 100)),
)

# Not of either library: what this machine takes for the least that can be done.
FLOOR = Case("floor", (), floor=("bench_floor", "--benchmark_filter=."), figures=(
    Figure("empty_system_call", "empty system call", "ns"),
    Figure("read_clock", "reading the clock", "ns"),
    Figure("futex_ping_pong", "futex ping-pong, there and back", "ns")))
