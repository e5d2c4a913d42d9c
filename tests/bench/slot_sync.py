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
Questions on verify.sock about 200 tokens, one client with a connection of its own
for each question. "Warm" are those that patd has seen; "cold" ones are asked about
once, after a start of patd, and cost an Argon2id of 64 KiB. Beside them pat-admin
has written a commit of each kind, and the fsync of the log file takes 3 s, or as
long as the questions do: a library that is preloaded into patd holds it up
(tests/faults/hold_sync.c). The commit is there, undone, from before the first
question until after the last one. A backup writes the uses of tokens first."""
BASE = "warm, no commit"
COLUMNS = [("p50_us", "p50 µs", "%.0f"), ("p99_us", "p99 µs", "%.0f"),
           ("p999_us", "999 of 1000 µs", "%.0f"),
           ("server_us", "patd CPU µs", "%.1f")]
PLOT = ("p99_us", "99 of 100 answers, µs")
COUNT, TOKENS, SPARE, SECONDS = 10000, 200, 64, 3
COLD = "cold, no commit"


def fresh(disk, name):
    """A name that was not there before."""
    disk.names += 1
    return "%s%d" % (name, disk.names)


# What each kind of commit is made by.
COMMITS = {
    "create": lambda disk: ["create", USER],
    "revoke": lambda disk: ["revoke", disk.spare.pop()[5:13]],
    "user disable": lambda disk: ["user", "disable", fresh(disk, "user")],
    "backup": lambda disk: ["backup", os.path.join(
        disk.store.root, fresh(disk, "copy"))],
}


def row(heat, kind):
    return "%s, during a %d s fsync of %s" % (heat, SECONDS, kind)


TARGETS = [
    Target("99 of 100 %s answers take at most 5 ms during a %d s fsync of %s" % (
        heat, SECONDS, kind), "p99_us", row(heat, kind), "<=", 5000, unit=" µs")
    for heat in ("warm", "cold") for kind in COMMITS]


class Disk:
    """A store on a disk whose syncs can be held up."""

    def __init__(self, place):
        self.store = place.store(start=False,
                                 cost="memory = 64K\npasses = 1",
                                 more="sandbox = no")
        folder = os.path.join(self.store.root, "disk")
        os.mkdir(folder)
        os.chmod(folder, 0o777)
        self.file = os.path.join(folder, "hold")
        shim = place.module("tests/faults/.libs/hold_sync.so")
        self.env = dict(os.environ, LD_PRELOAD=shim, JP_HOLD_SYNC=self.file)
        self.store.start(env=self.env)
        tokens = self.store.several(TOKENS + SPARE)
        self.lines = ["warm %s %s" % (USER, token)
                      for token in tokens[SPARE:]]
        self.spare = tokens[:SPARE]
        self.names = 0

    def ask(self, count, first):
        """`first`: so many questions that are not measured."""
        result = drive([program("crowd"), "verify", self.store.verify, "1",
                        str(first), str(count), "0"], self.lines,
                       [self.store])
        done = figures(expect(result, "warm", "accepted"), result["wall_ns"],
                       result["cpu_ns"], result["server_ns"])
        kind = result["kinds"]["warm"]
        done.update({"p50_us": kind["p50_ns"] / 1000,
                     "p99_us": kind["p99_ns"] / 1000,
                     "p999_us": kind["p999_ns"] / 1000})
        return done

    def warm(self, count):
        return self.ask(count, TOKENS)

    def cold(self, count):
        self.restart()
        return self.ask(count, 0)

    def held(self):
        return os.path.exists(self.file + ".held")

    def free(self):
        for name in (self.file, self.file + ".held"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)

    def during(self, kind, seconds, ask):
        """`ask` while a commit of this kind waits so long at least."""
        with open(self.file, "w"):
            pass
        begin = time.monotonic()
        with subprocess.Popen(
                [program("../../tools/pat-admin"), "--config",
                 self.store.config, *COMMITS[kind](self)],
                stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as act:
            try:
                while not self.held() and time.monotonic() < begin + 30:
                    time.sleep(0.001)
                done = ask()
                time.sleep(max(0, begin + seconds - time.monotonic()))
                if not self.held() or act.poll() is not None:
                    raise Failed("the commit did not wait for its fsync")
            finally:
                self.free()
        return done

    def restart(self):
        self.store.stop()
        self.store.start(env=self.env)


def contenders(place):
    names = [BASE, COLD, *(row(heat, kind) for heat in ("warm", "cold")
                           for kind in COMMITS)]
    if daemon.SANITIZED:
        return [Missing(name, "a sanitizer goes before what is preloaded")
                for name in names]
    disk = Disk(place)
    seconds = 0 if place.operations else SECONDS  # of a look: no time

    def warm(kind):
        def turn(count):
            disk.ask(TOKENS, 0)
            return disk.during(
                kind, seconds, lambda: disk.ask(count, TOKENS))
        return turn

    def cold(kind):
        def turn(count):
            disk.restart()
            return disk.during(kind, seconds, lambda: disk.ask(count, 0))
        return turn
    many = place.operations or COUNT
    once = min(place.operations or TOKENS, TOKENS)
    return [Contender(BASE, disk.warm, many),
            Contender(COLD, disk.cold, once),
            *(Contender(row("warm", kind), warm(kind), many)
              for kind in COMMITS),
            *(Contender(row("cold", kind), cold(kind), once)
              for kind in COMMITS)]
