# SPDX-License-Identifier: BSD-3-Clause
"""Applications under SAM, from sam_initialize to the end of their last instance."""

INTERVALS = [0, 0, 600, 800, 1000, -5]
SIGNALS = [1, 2, 3, 10, 12, 15, 17, 28, 34, 40]
HANDLED = [1, 10, 12, 15, 17]
CALLBACKS = ["ok", "fail", "block", "mask", "mask", "command", "command", "fork", "store", "restore",
             "check", "start", "initialize", "exit", "abort", "end_thread"]
DATA = ["text:a", "text:hello", "text:b", "text:store", "100", "200", "10000", "100", "5000", "70000", "0", "null 0", "null 100",
        "null 9223372036854775807"]


class Application:
    """Writes one program. Health checks come several times in an interval, or not for all of two."""

    def __init__(self, chance, with_daemon):
        self.chance = chance
        self.with_daemon = with_daemon
        self.steps = []
        self.instance = 0
        self.interval = chance.choice(INTERVALS)
        self.started = False
        self.callback = None

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

    def any_call(self):
        """Any function, in whatever state this is."""
        return self.pick([
            lambda: "sam_hc_send",
            lambda: f"sam_data_store {self.pick(DATA)}",
            lambda: f"sam_data_store {self.pick(DATA)}",
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
        self.add(f"sam_initialize {self.interval} {self.policy()}")
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
                       self.signals, self.odd])()
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
                self.add("called")

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

    def odd(self):
        self.add(self.pick([
            lambda: f"daemonize {self.pick([1, 2])}",
            lambda: self.pick(["sam_register number", f"sam_initialize 100 {self.policy()}"]),
            lambda: f"repeat {self.pick([10, 50])} {self.any_call()}",
            lambda: "at_exit",
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
            lambda: "sam_mark_failed" if self.with_daemon else "end",
            lambda: "end",
        ])())


def steps(chance, with_daemon):
    writer = Application(chance, with_daemon)
    writer.begin()
    for number in range(1, chance.choice([2, 3, 3, 4])):
        writer.life(number)
    return writer.steps
