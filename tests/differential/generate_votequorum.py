# SPDX-License-Identifier: BSD-3-Clause
"""Programs that use libvotequorum beside a daemon of one node."""

CALLBACKS = ["all"] * 8 + ["none", "null", "quorum", "nodelist,expected", "quorum,nodelist"]
NODES = [0, 1, 1, 1, 2, 99, 4294967295]
VOTES = [0, 1, 1, 2, 3, 5, 100, 65535, 4294967295]
EXPECTED = [0, 1, 1, 2, 3, 5, 100, 65536, 4294967295]
NAMES = ["Q", "Q", "Q", "R", "Device", '""', "254*", "255*", "300*"]
FLAGS = [1, 2, 3, 4, 0, 5, 6, 7, 8, 255]
MODES_THAT_NEVER_WAIT = [2, 2, 2, 4, 4]
MODES_THAT_ARE_NONE = [0, 5, -1, 77]
NULLS = ["initialize", "getinfo", "fd_get", "context_get", "qdevice_register", "qdevice_update"]
SIGNALS = [10, 12]  # which programs handle, where they are sent


class Votequorum:
    """Writes one program, with what it knows of the state that its steps lead to."""

    def __init__(self, chance):
        self.chance = chance
        self.steps = []
        self.handles = []  # open, of the first process
        self.waiting = {}  # thread: handle that it dispatches, or None for a request
        self.acting = set()  # handles whose callbacks do something
        self.children = []
        self.answers = True
        self.last = []

    def add(self, step):
        self.steps.append(step)

    def pick(self, options):
        return self.chance.choice(options)

    def maybe(self, percent):
        return self.chance.random() * 100 < percent

    def any_handle(self):
        """Mostly an open one; h0 is none, one that is not open is stale or none."""
        if self.handles and not self.maybe(6):
            return self.pick(self.handles)
        return f"h{self.chance.randrange(6)}"

    def name(self):
        return self.pick(NAMES)

    # -- steps -------------------------------------------------------------------------------------

    def open(self):
        name = f"h{self.chance.randrange(1, 6)}"
        if name in self.handles or name in self.waiting.values():
            return
        function = self.pick(["votequorum_initialize"] * 3 + ["votequorum_model_initialize"])
        self.add(f"{function} {name} {self.pick(CALLBACKS)}")
        if self.answers:
            self.handles.append(name)
            self.acting.discard(name)

    def simple_call(self, handle):
        """One call of any function that does not wait for events."""
        chance = self.chance
        return self.pick([
            lambda: f"votequorum_getinfo {handle} {self.pick(NODES)}",
            lambda: f"votequorum_getinfo {handle} 0",
            lambda: f"votequorum_setexpected {handle} {self.pick(EXPECTED)}",
            lambda: f"votequorum_setvotes {handle} {self.pick(NODES)} {self.pick(VOTES)}",
            lambda: f"votequorum_trackstart {handle} {chance.randrange(1 << 63)} "
                    f"{self.pick(FLAGS)}",
            lambda: f"votequorum_trackstart {handle} {chance.randrange(100)} 2",
            lambda: f"votequorum_trackstop {handle}",
            lambda: f"votequorum_context_set {handle} {chance.randrange(1 << 31)}",
            lambda: f"votequorum_context_get {handle}",
            lambda: f"votequorum_fd_get {handle}",
            lambda: f"ready {handle}",
            lambda: f"votequorum_dispatch {handle} {self.pick(MODES_THAT_NEVER_WAIT)}",
            lambda: f"votequorum_dispatch {handle} {self.pick(MODES_THAT_NEVER_WAIT)}",
            lambda: f"votequorum_dispatch {handle} {self.pick(MODES_THAT_ARE_NONE)}",
            lambda: self.device_call(handle),
            lambda: f"votequorum_get_qdevice_extra_info {handle} {self.pick(NODES)}",
            lambda: f"votequorum_set_qdevice_extra_info {handle} {self.pick([0, 10, 4096, 4097])}",
        ])()

    def device_call(self, handle):
        return self.pick([
            lambda: f"votequorum_qdevice_register {handle} {self.name()}",
            lambda: f"votequorum_qdevice_unregister {handle} {self.name()}",
            lambda: f"votequorum_qdevice_update {handle} {self.name()} {self.name()}",
            lambda: f"votequorum_qdevice_poll {handle} {self.name()} {self.pick([0, 1, 1, 2])}"
                    f" {self.pick(['right', 'right', 'wrong'])}",
            lambda: f"votequorum_qdevice_master_wins {handle} {self.name()} {self.pick([0, 1, 7])}",
        ])()

    def call_in_callback(self, handle):
        """Of the old functions: what is told there is told of the dispatch."""
        while "extra_info" in (step := self.simple_call(handle)):
            pass
        return step

    def call(self):
        handle = self.any_handle()
        who = self.pick(["", "", "", "", "", "t8: ", "t9: "])
        self.add(who + self.simple_call(handle))

    def many_calls(self):
        call = self.pick([f"votequorum_getinfo {self.any_handle()} 0",
                          f"votequorum_setexpected {self.any_handle()} 0",
                          f"votequorum_dispatch {self.any_handle()} 4"])
        self.add(f"repeat {self.pick([10, 100, 500])} {call}")

    def calls_at_once(self):
        """Each thread its own handle: together on one would need a lock with the distribution's."""
        if len(self.handles) < 2 or self.waiting:
            return
        handles = self.chance.sample(self.handles, 2)
        for number, handle in enumerate(handles):
            self.add(f"t{number}& repeat 200 votequorum_getinfo {handle} 0")
        for number in range(2):
            self.add(f"join t{number}")

    def device_life(self):
        handle = self.any_handle()
        self.add(f"votequorum_qdevice_register {handle} Q")
        for _ in range(self.chance.randrange(1, 5)):
            self.add(self.device_call(handle))
        self.add(f"votequorum_getinfo {handle} 0")

    def event_wait(self):
        """CS_DISPATCH_ONE where an event is known to wait."""
        handle = self.any_handle()
        if handle in self.waiting.values():
            return
        self.add(f"votequorum_trackstart {handle} {self.chance.randrange(100)} 1")
        for _ in range(self.chance.randrange(3)):
            self.add(f"votequorum_dispatch {handle} 1")

    def on_event(self):
        handle = self.any_handle()
        if handle in self.waiting.values():
            return  # its thread would make requests while this one does
        kind = self.pick(["quorum", "nodelist", "expected"])
        other = self.pick([handle, handle, self.any_handle()])
        inner = self.pick([
            lambda: self.call_in_callback(other),
            lambda: self.call_in_callback(other),
            lambda: f"votequorum_dispatch {handle} 2",
            lambda: f"votequorum_finalize {other}",
            lambda: f"on_event {handle} {kind} votequorum_getinfo {other} 1",
        ])()
        if inner.startswith("votequorum_finalize"):
            if other in self.waiting.values() and other != handle:
                return
            if other in self.handles:
                self.handles.remove(other)
        self.acting.add(handle)
        self.add(f"on_event {handle} {kind} {inner}")
        self.add(f"votequorum_trackstart {handle} {self.chance.randrange(100)} "
                 f"{self.pick([1, 2, 3])}")
        self.add(f"votequorum_dispatch {handle} 2")

    def close(self):
        handle = self.any_handle()
        if handle in self.waiting.values() and not self.maybe(10):
            return
        self.add(f"votequorum_finalize {handle}")
        if handle in self.handles:
            self.handles.remove(handle)

    def stale(self):
        if not self.handles:
            return
        old = self.pick(self.handles)
        if old in self.waiting.values():
            return
        self.add(f"copy_handle h9 {old}")
        self.add(f"votequorum_finalize {old}")
        self.handles.remove(old)
        self.add(f"votequorum_initialize {old} all")
        if self.answers:
            self.handles.append(old)
        self.add(self.simple_call("h9"))

    # -- threads that wait -------------------------------------------------------------------------

    def dispatch_in_thread(self):
        free = [h for h in self.handles if h not in self.waiting.values() and h not in self.acting]
        thread = f"t{self.chance.randrange(4)}"
        if not free or thread in self.waiting or not self.answers:
            return
        handle = self.pick(free)
        mode = self.pick([3, 3, 1])
        self.add(f"votequorum_dispatch {handle} 2")
        if mode == 1:
            self.add(f"votequorum_trackstop {handle}")
            self.add(f"votequorum_dispatch {handle} 2")
        self.add(f"{thread}& votequorum_dispatch {handle} {mode}")
        self.waiting[thread] = handle

    def leave_thread(self):
        if not self.waiting:
            return
        thread = self.pick(list(self.waiting))
        if self.maybe(70):
            if self.maybe(30):
                self.add(f"cancel_type {thread} async")  # of its next step
            self.add(f"cancel {thread}")
            del self.waiting[thread]
        elif self.maybe(50):
            signal = self.pick(SIGNALS)
            self.add(f"handle {signal}")
            self.add(f"signal_thread {thread} {signal}")
        else:
            self.add(f"join {thread}")

    def cancel_request(self):
        """While the daemon is held up: the answer comes after the thread has gone."""
        free = [h for h in self.handles if h not in self.waiting.values()]
        if not free or not self.answers:
            return
        handle = self.pick(free)
        request = self.pick(["votequorum_getinfo {} 0", "votequorum_getinfo {} 99",
                             "votequorum_setexpected {} 0", "votequorum_trackstop {}"])
        if self.maybe(40):
            self.add(f"cancel_type t7 {self.pick(['async', 'deferred'])}")
        self.add("daemon pause")
        self.add("t7& " + request.format(handle))
        self.add(self.pick(["cancel t7", "cancel t7", "settle"]))
        self.add("daemon resume")
        self.add("settle")
        self.add("cancel t7")
        for _ in range(2):
            self.add(self.simple_call(handle))

    # -- processes ---------------------------------------------------------------------------------

    def fork(self):
        if not self.answers:
            return
        name = f"c{self.chance.randrange(3)}"
        if name not in self.children:
            self.add(f"fork {name}")
            self.children.append(name)
        self.add(f"{name}: votequorum_initialize h8 {self.pick(CALLBACKS)}")
        for _ in range(self.chance.randrange(1, 4)):
            self.add(f"{name}: {self.simple_call('h8')}")
        if self.maybe(5) and self.handles:
            self.add(f"{name}: votequorum_finalize {self.pick(self.handles)}")
        if self.maybe(70):
            self.add(f"{name}: votequorum_finalize h8")
        if self.maybe(60):
            self.add(f"{name}: {self.pick(['_exit 3', '_exit 0', 'raise 9', 'raise 15'])}")
            self.children.remove(name)

    # -- the daemon --------------------------------------------------------------------------------

    def daemon(self):
        if self.answers:
            self.add(f"daemon {self.pick(['kill', 'kill', 'stop'])}")
            self.answers = False
            for thread in list(self.waiting):
                self.add(f"join {thread}")
            self.waiting.clear()
            return
        self.add("daemon start")
        self.answers = True
        for handle in self.chance.sample(self.handles, min(2, len(self.handles))):
            self.add(self.simple_call(handle))
            self.add(f"votequorum_finalize {handle}")
            self.handles.remove(handle)

    def at_exit(self):
        self.add(f"at_exit {self.call_in_callback(self.any_handle())}")

    def with_null(self):
        """At the end: the distribution's library crashes."""
        self.last = [f"with_null {self.pick(NULLS)} {self.any_handle()}"]

    def quorum(self):
        if self.answers:
            self.add(f"daemon {self.pick(['lose_quorum', 'regain_quorum'])}")


WEIGHTS = [("call", 50), ("open", 12), ("close", 4), ("on_event", 8), ("many_calls", 3),
           ("calls_at_once", 2), ("device_life", 5), ("event_wait", 6), ("stale", 3),
           ("dispatch_in_thread", 6), ("leave_thread", 8), ("cancel_request", 4), ("fork", 4),
           ("daemon", 1.2), ("with_null", 0.4), ("at_exit", 1.5), ("quorum", 2)]


def steps(chance):
    writer = Votequorum(chance)
    writer.open()
    names = [name for name, _ in WEIGHTS]
    weights = [weight for _, weight in WEIGHTS]
    for _ in range(chance.randrange(4, 30)):
        getattr(writer, chance.choices(names, weights)[0])()
    return writer.steps + writer.last
