"""Slot 7: tokens in use, while a commit waits for a slow disk."""
import contextlib
import os
import subprocess
import time

from measure import Contender, Missing, Target, figures
from place import USER, Failed, daemon, drive, expect, program

NAME = "sync"
TITLE = "A disk that takes 3 s to sync a commit"
ABOUT = """\
Questions on verify.sock about 200 tokens that patd has seen, one client with a
connection of its own for each question. In the second row `pat-admin create`
has written its commit, and the fsync of the log file takes 3 s, or as long as
the questions do: a library that is preloaded into patd holds it up
(tests/faults/hold_sync.c). The commit is there, undone, from before the first
question until after the last one."""
BASE = "no commit"
COLUMNS = [("p50_us", "p50 µs", "%.0f"), ("p99_us", "p99 µs", "%.0f"),
           ("p999_us", "999 of 1000 µs", "%.0f"),
           ("server_us", "patd CPU µs", "%.1f")]
PLOT = ("p99_us", "99 of 100 warm answers, µs")
SLOW = "during a 3 s fsync"
TARGETS = [
    Target("99 of 100 warm answers take at most 5 ms during a 3 s fsync",
           "p99_us", SLOW, "<=", 5000, unit=" µs"),
]
COUNT, TOKENS, SECONDS = 10000, 200, 3


class Disk:
    """A store on a disk whose syncs can be held up."""

    def __init__(self, place):
        self.store = place.store(start=False,
                                 cost="memory = 64K\npasses = 1")
        folder = os.path.join(self.store.root, "disk")
        os.mkdir(folder)
        os.chmod(folder, 0o777)
        self.file = os.path.join(folder, "hold")
        shim = place.module("tests/faults/.libs/hold_sync.so")
        self.store.start(env=dict(os.environ, LD_PRELOAD=shim,
                                  JP_HOLD_SYNC=self.file))
        self.lines = ["warm %s %s" % (USER, token)
                      for token in self.store.several(TOKENS)]
        self.ask(TOKENS)

    def ask(self, count):
        result = drive([program("crowd"), "verify", self.store.verify, "1",
                        str(TOKENS), str(count), "0"], self.lines,
                       [self.store])
        done = figures(expect(result, "warm", "accepted"), result["wall_ns"],
                       result["cpu_ns"], result["server_ns"])
        kind = result["kinds"]["warm"]
        done.update({"p50_us": kind["p50_ns"] / 1000,
                     "p99_us": kind["p99_ns"] / 1000,
                     "p999_us": kind["p999_ns"] / 1000})
        return done

    def held(self):
        return os.path.exists(self.file + ".held")

    def free(self):
        for name in (self.file, self.file + ".held"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)

    def slow(self, count):
        seconds = SECONDS if count >= COUNT else 0  # of a look: no time
        with open(self.file, "w"):
            pass
        begin = time.monotonic()
        with subprocess.Popen(
                [program("../../tools/pat-admin"), "--config",
                 self.store.config, "create", USER],
                stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as act:
            try:
                while not self.held() and time.monotonic() < begin + 30:
                    time.sleep(0.001)
                done = self.ask(count)
                time.sleep(max(0, begin + seconds - time.monotonic()))
                if not self.held() or act.poll() is not None:
                    raise Failed("the commit did not wait for its fsync")
            finally:
                self.free()
        return done


def contenders(place):
    if daemon.SANITIZED:
        return [Missing(name, "a sanitizer goes before what is preloaded")
                for name in (BASE, SLOW)]
    disk = Disk(place)
    return [Contender(BASE, disk.ask, place.operations or COUNT),
            Contender(SLOW, disk.slow, place.operations or COUNT)]
