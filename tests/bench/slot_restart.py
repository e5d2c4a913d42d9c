"""Slot 9: patd is killed and starts again, under load."""
import os
import signal
import subprocess
import time

from measure import Contender, Missing, Target, figures
from place import Driver, Failed, cpu_ns, daemon, drive, program

NAME = "restart"
TITLE = "patd is killed and started again"
ABOUT = """\
A store with 10,000 tokens, all of them used within the last minutes. Eight
clients ask about them in turn, without a pause (but for a millisecond where
nobody answers), each question over a connection of its own: for ten seconds
before, then while patd is killed (kill -9) and started, and for ten seconds after
the first right answer. "First answer" is the time from the start of the process
to that answer, as one more client sees it that tries all the time; patd's CPU
till then replays the log of the store, too: the uses of tokens that were written
since the last checkpoint. A hash costs 4 MiB and one pass here, less than by
default: a patd that has to prove all tokens again is better off than it would be.
run_dir is on a tmpfs, as /run is. "Known" is how many tokens patd said it knew as
it started."""
BASE = None
COLUMNS = [("argon2_runs", "Argon2id", "%.0f"), ("kept", "known", "%.0f"),
           ("first_ms", "first answer ms", "%.1f"),
           ("first_cpu_ms", "CPU ms till then", "%.1f"),
           ("before_p99_us", "p99 µs before", "%.0f"),
           ("after_p99_us", "p99 µs after", "%.0f"),
           ("ratio", "after / before", "%.2f"),
           ("before_rate", "per second before", "%.0f"),
           ("rate", "per second after", "%.0f")]
PLOT = ("first_ms", "first right answer after the start, ms")
OURS = "ours, killed and started"
TARGETS = [
    Target("no Argon2id for tokens that were in use", "argon2_runs", OURS,
           "<=", 0, unit=" runs"),
    Target("the first right answer comes within 50 ms of the start", "first_ms",
           OURS, "<=", 50, unit=" ms"),
    Target("99 of 100 answers of the ten seconds after it take at most 1.5 × of "
           "before", "ratio", OURS, "<=", 1.5, unit=" ×"),
]
ROUNDS = 5
TOKENS, QUICK_TOKENS, FEW_TOKENS = 10000, 2000, 40
SECONDS, QUICK_SECONDS, LOOK_SECONDS = 10, 3, 1
CLIENTS = 8
WAIT_S = 60
MANY = 2 ** 31 - 1  # the time ends it, not the count


class Killed:
    def __init__(self, place):
        self.tokens, self.seconds = (
            (FEW_TOKENS, LOOK_SECONDS) if place.operations else
            (QUICK_TOKENS, QUICK_SECONDS) if place.quick else
            (TOKENS, SECONDS))
        # Twice as many places as tokens: none of them loses its own.
        self.store = place.store(
            "cache_entries = %d" % (2 * self.tokens), start=False,
            cost="memory = 4M\npasses = 1", tmpfs=daemon.TMPFS)
        texts = os.path.join(self.store.root, "texts")
        place.say("makes %d tokens" % self.tokens)
        subprocess.run(
            [program("fill"), "--config", self.store.config, "--tokens",
             str(self.tokens), "--users", str(self.tokens // 10), "--sample",
             str(self.tokens), "--out", texts, "--cache", "64"], check=True,
            stdout=subprocess.DEVNULL)
        with open(texts) as file:
            self.pairs = [line.split() for line in file]
        self.lines = ["warm %s %s" % tuple(pair) for pair in self.pairs]

    def crowd(self, seconds, warm=0):
        return [program("crowd"), "verify", self.store.verify, str(CLIENTS),
                str(warm), str(MANY), str(seconds)]

    def start(self):
        """Starts patd; how many milliseconds until one is accepted, and how
        many of CPU that took patd."""
        begin = time.monotonic()
        self.store.patd = self.store.spawn()
        while time.monotonic() < begin + WAIT_S:
            try:
                if self.store.ask(*self.pairs[0]) == (
                        daemon.ACCEPT, self.pairs[0][0]):
                    return ((time.monotonic() - begin) * 1000,
                            cpu_ns(self.store.pids()) / 1e6)
            except (OSError, AssertionError):
                time.sleep(0.0005)
        raise Failed("nobody is accepted: " + self.store.read_log()[-400:])

    def turn(self, _count):
        if self.store.patd is None:
            self.start()
        before = drive(self.crowd(self.seconds, self.tokens), self.lines)
        load = Driver(self.crowd(WAIT_S), self.lines)
        with load, Driver(self.crowd(self.seconds), self.lines) as driver:
            load.go()
            self.store.stop(signal.SIGKILL)
            first = self.start()
            load.close()
            driver.go()
            after = driver.result()
        stats = self.store.stats()
        return self.figures(before, after, stats, first)

    def figures(self, before, after, stats, first):
        was, now = (result["kinds"]["warm"] for result in (before, after))
        if was["denied"] or now["denied"] or not now["accepted"]:
            raise Failed("some were denied: %s, %s" % (was, now))
        done = figures(now["count"], after["wall_ns"], after["cpu_ns"], 0)
        return {
            "argon2_runs": stats["argon2_runs"],
            "kept": stats["memo"].get("kept", 0),
            "first_ms": first[0],
            "first_cpu_ms": first[1],
            "before_p99_us": was["p99_ns"] / 1000,
            "after_p99_us": now["p99_ns"] / 1000,
            "ratio": now["p99_ns"] / was["p99_ns"],
            "before_rate": was["count"] / (before["wall_ns"] / 1e9),
            "rate": done["rate"],
            "unavailable": now["failed"],
        }


def contenders(place):
    if daemon.TMPFS is None:
        return [Missing(OURS, "there is no tmpfs")]
    return [Contender(OURS, Killed(place).turn, 1)]
