# SPDX-License-Identifier: BSD-3-Clause
"""Applications under SAM, from sam_initialize to the end of their last instance."""

INTERVALS = [0, 0, 600, 800, 1000, -5]
SIGNALS = [1, 2, 3, 10, 12, 15, 17, 28, 34, 40]
HANDLED = [1, 10, 12, 15, 17]
CALLBACKS = ["ok", "fail", "block", "mask", "mask", "command", "command", "fork", "store",
             "restore", "check", "start", "initialize", "exit", "abort", "end_thread"]
DATA = ["text:a", "text:hello", "text:b", "text:store", "100", "200", "10000", "100", "5000",
        "70000", "0", "null 0", "null 100"]
# Refused by ours, an erasure for stock. What comes after is not the same for both, so it must come
# after it in the program, too: not at the exit, which each process has one of.
TOO_LARGE = "null 9223372036854775807"


class Application:
    """Writes one program. Health checks come several times in an interval, or not for two."""

    def __init__(self, chance, with_daemon):
        self.chance = chance
        self.with_daemon = with_daemon
        self.steps = []
        self.instance = 0
        self.interval = chance.choice(INTERVALS)
        self.started = False
        self.callback = None
        self.quorum = False

    def add(self, step):
        self.steps.append(f"{self.instance}: {step}" if self.instance else step)

    def pick(self, options):
        return self.chance.choice(options)

    def maybe(self, percent):
        return self.chance.random() * 100 < percent

    # -- before sam_register -----------------------------------------------------------------------

    def policy(self):
        base = self.pick(["restart", "restart", "restart", "quit"])
        if self.with_daemon:
            base = self.pick(["quorum,", "cmap,", "cmap,", "quorum,cmap,"]) + base
        return base

    def any_call(self, sizes=(*DATA, TOO_LARGE)):
        """Any function, in whatever state this is."""
        return self.pick([
            lambda: "sam_hc_send",
            lambda: f"sam_data_store {self.pick(sizes)}",
            lambda: f"sam_data_store {self.pick(sizes)}",
            lambda: f"sam_data_restore {self.pick([0, 1, 5, 100, 4999, 70000])}",
            lambda: "sam_data_getsize",
            lambda: f"sam_warn_signal_set {self.pick([0, 1, 10, 12, 15, 15, 64])}",
            lambda: f"sam_with_null {self.pick(['getsize', 'restore'])}",
            lambda: f"sam_initialize {self.pick([100, 0])} {self.pick(['restart', 'odd', 'none'])}",
            lambda: "sam_mark_failed" if not self.with_daemon else "sam_hc_send",
        ])()

    def surroundings(self):
        for _ in range(self.chance.randrange(4)):
            self.add(self.pick([
                lambda: f"handle {self.pick(HANDLED)}",
                lambda: f"ignore {self.pick(HANDLED + [13])}",
                lambda: f"block {self.pick(SIGNALS)} {self.pick(SIGNALS)}",
                lambda: "at_exit",
                lambda: f"at_exit {self.any_call(DATA)}",
                lambda: "handle 34",
                lambda: f"limit_descriptors {self.pick([64, 256])}",
                lambda: f"child {self.pick(['code', 'crash', 'command'])}",
            ])())

    def begin(self):
        self.surroundings()
        if self.maybe(10):
            self.add(self.any_call())
            self.add(self.pick(["sam_start", "sam_stop", "sam_register", "sam_finalize"]))
        if self.maybe(8):
            self.add(f"sam_initialize 500 {self.pick(['odd', 'none'])}")
        policy = self.policy()
        self.quorum = "quorum" in policy
        self.add(f"sam_initialize {self.interval} {policy}")
        for _ in range(self.chance.randrange(3)):
            self.add(self.any_call())
        if self.maybe(8):
            self.add(f"daemonize {self.pick([1, 2])}")
        if self.maybe(8):
            self.add("close_from 3")
        if self.maybe(4):
            self.add(self.pick(["sam_finalize", "sam_start", "sam_stop",
                                "sam_hc_callback_register ok"]))
        self.add(f"sam_register {self.pick(['number', 'number', 'null'])}")

    # -- an instance -------------------------------------------------------------------------------

    def life(self, number):
        self.instance = number
        self.started = False
        self.callback = None
        self.add(f"sam_data_restore {self.pick([100, 70000])}")
        for _ in range(self.chance.randrange(1, 7)):
            self.pick([self.call, self.call, self.call, self.start, self.start, self.start,
                       self.choose_callback, self.live, self.live, self.live, self.stop, self.child,
                       self.signals, self.odd, self.threads, self.daemon])()
        self.end()

    def call(self):
        self.add(self.any_call())

    def start(self):
        self.add("sam_start")
        self.started = True

    def stop(self):
        self.add("sam_stop")
        self.started = False

    def choose_callback(self):
        if self.started and not self.maybe(20):
            return
        if self.callback and self.maybe(20):
            self.add("sam_hc_callback_register null")
            self.callback = None
            return
        kind = self.pick(CALLBACKS)
        self.add(f"sam_hc_callback_register {kind}")
        if not self.started and self.interval > 0:
            self.callback = kind
            if self.maybe(80):
                self.start()
                self.add("hang 3000" if kind in ("exit", "abort") else "called")

    def live(self):
        """Time goes by, with signs of life if there is a limit and it is started."""
        limited = self.interval > 0 and self.started and not self.callback
        length = self.pick([50, self.interval // 2, 2 * self.interval + self.interval // 2])
        period = max(self.interval // 12, 20)
        if limited or self.maybe(30):
            self.add(f"{self.pick(['healthy', 'healthy', 'storing', 'storing', 'warning'])} "
                     f"{max(length, 50)} {period}")
        elif not self.callback or self.callback in ("ok", "mask", "command", "store"):
            self.add(f"sleep {max(length, 50)}")

    def child(self):
        self.add(self.pick([
            lambda: f"child {self.pick(['code', 'crash', 'command'])}",
            lambda: f"child {self.pick(['stay', 'exec'])} {self.pick([50, 300])}",
        ])())

    def signals(self):
        self.add(self.pick([
            lambda: f"handle {self.pick(HANDLED)}",
            lambda: f"ignore {self.pick(HANDLED)}",
            lambda: f"default {self.pick(HANDLED)}",
            lambda: f"block {self.pick(SIGNALS)}",
            lambda: f"unblock {self.pick(SIGNALS)}",
            lambda: "tell_signals",
        ])())

    def threads(self):
        """Two that live at once; one that is cancelled; one that waits for quorum."""
        if not self.started or self.callback or self.maybe(60):
            return
        period = max(self.interval // 12, 20)
        self.add(f"t1& {self.pick(['healthy', 'storing', 'warning'])} 400 {period}")
        if self.maybe(70):
            self.add(f"{self.pick(['healthy', 'storing', 'warning'])} 400 {period}")
            self.add("join t1")
        else:
            self.add("cancel t1")
            self.add(self.any_call())

    def daemon(self):
        if not self.with_daemon or not self.maybe(40):
            return
        if self.quorum and not self.started and not self.callback:
            self.add("daemon lose_quorum")
            self.add("t1& sam_start")
            self.add("daemon regain_quorum")
            self.add("join t1")
            self.started = True
        elif self.quorum and self.started and self.maybe(60):
            self.add("daemon lose_quorum")
            self.add(self.pick(["hang", "daemon regain_quorum"]))
            self.instance += 1
            self.add("daemon regain_quorum")
            self.instance -= 1
        elif self.maybe(20):
            self.add("daemon kill")
            self.add("daemon start")
            self.instance += 1  # if that was the end of this one
            self.add("daemon start")
            self.instance -= 1

    def odd(self):
        self.add(self.pick([
            lambda: f"daemonize {self.pick([1, 2])}",
            lambda: self.pick(["sam_register number", f"sam_initialize 100 {self.policy()}"]),
            lambda: f"repeat {self.pick([10, 50])} {self.any_call()}",
            lambda: f"at_exit {self.any_call(DATA)}",
            lambda: "helper " + self.pick(["sam_data_store text:helper", "sam_hc_send",
                                           "sam_start"]),
            lambda: f"signal_supervisor {self.pick(HANDLED)}",
            lambda: "signal_group 34" if self.maybe(30) else "sam_data_getsize",
            lambda: "close_from 3" if self.maybe(25) else "tell_signals",
            lambda: "keys" if self.with_daemon else "sam_data_getsize",
            lambda: self.pick(["t1: ", "t2: "]) + self.any_call(),
        ])())

    def end(self):
        if self.maybe(10):
            self.add("sam_finalize")
            self.started = False
        hang = self.started and self.interval > 0 and not self.callback
        self.add(self.pick([
            lambda: f"exit {self.pick([0, 0, 1, 3, 255])}",
            lambda: f"_exit {self.pick([0, 1, 7])}",
            lambda: f"raise {self.pick([9, 9, 11, 6, 15])}",
            lambda: "hang" if hang or (self.callback in ("fail", "block", "end_thread")
                                       and self.started) else "exit 2",
            lambda: "hang" if hang else "raise 9",
            lambda: self.orphan() if self.maybe(40) else "exit 4",
            lambda: "sam_mark_failed" if self.with_daemon else "end",
            lambda: "end",
        ])())


    def orphan(self):
        """The supervisor is killed; whoever needs it learns of that, at once or within a second."""
        if self.maybe(50):
            self.add("ignore 13")
        self.add("signal_supervisor 9")
        return "healthy 3000 50" if self.started else "sam_start"


def steps(chance, with_daemon):
    writer = Application(chance, with_daemon)
    writer.begin()
    for number in range(1, chance.choice([2, 3, 3, 4])):
        writer.life(number)
    return writer.steps
