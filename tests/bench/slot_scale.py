"""Slot 5: the same with a thousand tokens and with a million."""
import contextlib
import os
import pwd
import re
import socket
import subprocess
import time

from measure import Contender, Missing, Target, figures
from place import ROOT, Failed, drive, expect, program

NAME = "scale"
TITLE = "Many tokens"
ABOUT = """\
Stores that tests/bench/fill made, ten tokens a user. "Warm" are questions on
verify.sock about 1,000 tokens that are spread over the whole store, by the
client code of the modules, over a connection of its own each time, one client,
after patd has been started anew and has seen each of them once. "Start" is from
the start of the process to its first connection, "memory" the largest resident
size until then, or, for the list, after a list of all tokens, which fills the
cache of pages. A read gets and decodes the record of an id drawn evenly from
all: from our store with its default cache of 32 MiB, and with one that holds
all of it; from LMDB, which maps its file; from SQLite with a cache of 32 MiB.
The copies were made in the order of the ids, and so have fuller pages."""
BASE = None
COLUMNS = [("wall_us", "wall µs", "%.2f"), ("p50_us", "p50", "%.2f"),
           ("p99_us", "p99", "%.1f"),
           ("cpu_us", "CPU µs", "%.2f"), ("server_us", "patd", "%.2f"),
           ("start_ms", "start ms", "%.0f"), ("rss_mib", "memory MiB", "%.0f"),
           ("store_mib", "store MiB", "%.0f")]
PLOT = ("wall_us", "µs")
ROUNDS = 5

# In thousands. Others, from a fast disk with room: JP_BENCH_KTOKENS="1 10000"
SIZES = [int(words) * 1000 for words in os.environ.get(
    "JP_BENCH_KTOKENS", "1 100 1000").split()]
PER_USER = 10
SAMPLE = 1000
LARGEST_RANDOM = 1000000  # larger ones are made in the order of ids
MIB = 1024 * 1024
ENGINES = {"own": "our store", "own-cached": "our store, all in its cache",
           "lmdb": "LMDB", "sqlite": "SQLite"}
WARM_READS = 50000
NOT_HERE = {"lmdb": "liblmdb-dev", "sqlite": "libsqlite3-dev"}


def thousands(number):
    return "%d M" % (number // 1000000) if number % 1000000 == 0 else (
        "%d k" % (number // 1000))


def warm_name(size):
    return "warm, %s tokens" % thousands(size)


def read_name(engine, size):
    return "read, %s tokens, %s" % (thousands(size), ENGINES[engine])


def list_name(size):
    return "list of all %s tokens" % thousands(size)


FEW, MANY = thousands(SIZES[0]), thousands(SIZES[-1])
TARGETS = [
    Target("a warm question takes at most 1.2 × with %s tokens of what it "
           "takes with %s" % (MANY, FEW), "p50_us", warm_name(SIZES[-1]),
           "<=", 1.2, warm_name(SIZES[0])),
    Target("patd starts within a second with %s tokens" % MANY, "start_ms",
           warm_name(SIZES[-1]), "<=", 1000, unit=" ms"),
    Target("patd stays within 128 MiB with %s tokens" % MANY, "rss_mib",
           list_name(SIZES[-1]), "<=", 128, unit=" MiB"),
]


def quantiles(kind):
    return {"p50_us": kind["p50_ns"] / 1000, "p99_us": kind["p99_ns"] / 1000}


def size_on_disk(folder):
    return sum(entry.stat().st_blocks * 512 for entry in os.scandir(folder))


class Big:
    """A store with so many tokens; patd starts in each turn."""

    def __init__(self, place, size):
        self.size = size
        self.store = place.store(start=False,
                                 cost="memory = 64K\npasses = 1")
        texts = os.path.join(self.store.root, "texts")
        more = ["--sorted"] if size > LARGEST_RANDOM else []
        subprocess.run(
            [program("fill"), "--config", self.store.config, "--tokens",
             str(size), "--users", str(max(1, size // PER_USER)), "--sample",
             str(min(SAMPLE, size)), "--out", texts, "--cache", "1024", *more],
            check=True)
        with open(texts) as file:
            self.lines = ["warm " + line for line in file.read().splitlines()]
        self.mib = size_on_disk(os.path.join(self.store.root, "store")) / MIB

    def start(self):
        """Starts patd; how many milliseconds until it takes a connection."""
        begin = time.monotonic()
        self.store.patd = self.store.spawn()
        while time.monotonic() < begin + 60:
            with contextlib.suppress(OSError), socket.socket(
                    socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
                sock.connect(self.store.verify)
                return (time.monotonic() - begin) * 1000
            if self.store.patd.poll() is not None:
                break
            time.sleep(0.001)
        raise Failed("patd does not start: " + self.store.read_log()[-400:])

    def memory_mib(self):
        with open("/proc/%d/status" % self.store.patd.pid) as file:
            return int(re.search(r"VmHWM:\s+(\d+) kB",
                                 file.read()).group(1)) / 1024

    def warm(self, count):
        start_ms = self.start()
        result = drive([program("crowd"), "verify", self.store.verify, "1",
                        str(len(self.lines)), str(count), "0"],
                       self.lines, [self.store])
        done = figures(expect(result, "warm", "accepted"), result["wall_ns"],
                       result["cpu_ns"], result["server_ns"])
        done.update(quantiles(result["kinds"]["warm"]))
        done["start_ms"] = start_ms
        done["rss_mib"] = self.memory_mib()
        done["store_mib"] = self.mib
        self.store.stop()
        return done

    def list_all(self, _count):
        """One list; the figures are of each token in it."""
        self.start()
        begin = time.monotonic()
        listed = subprocess.run(
            [os.path.join(os.environ["JP_BUILD"], "tools/pat-admin"),
             "--config", self.store.config, "list", "--all"],
            check=True, stdout=subprocess.PIPE).stdout.count(b"\n")
        seconds = time.monotonic() - begin
        if listed < self.size:
            raise Failed("the list has %d lines only" % listed)
        done = {"wall_us": seconds * 1e6 / self.size,
                "rate": self.size / seconds, "rss_mib": self.memory_mib()}
        self.store.stop()
        return done


class Reads:
    """The records of a store, in three stores."""

    def __init__(self, place, big):
        self.big = big
        self.folder = os.path.join(big.store.root, "copies")
        self.warm = 1 if place.operations else WARM_READS
        os.mkdir(self.folder)
        if ROOT:  # the copying becomes the user of the store
            os.chown(self.folder, pwd.getpwnam(big.store.user).pw_uid, -1)
        subprocess.run([program("store_reads"), "copy", big.store.config,
                        self.folder], check=True)

    def contender(self, engine):
        name = read_name(engine, self.big.size)
        if engine in NOT_HERE and not os.path.exists(
                os.path.join(self.folder, engine)):
            return Missing(name, "the build had no %s" % NOT_HERE[engine])

        def turn(count):
            result = drive(
                [program("store_reads"), engine, self.big.store.config,
                 self.folder, str(self.warm), str(count)], [])
            done = figures(expect(result, "all", "accepted"),
                           result["wall_ns"], result["cpu_ns"], 0)
            done.update(quantiles(result["kinds"]["all"]))
            del done["server_us"]
            return done

        return Contender(name, turn)


def reads(place, big):
    try:
        copies = Reads(place, big)
    except Failed as reason:
        return [Missing(read_name(engine, big.size), str(reason))
                for engine in ENGINES]
    return [copies.contender(engine) for engine in ENGINES]


def left_out(place, size):
    """Why these tokens are too many for this run, or None."""
    if size > 1000 and place.operations:
        return "a look whether it runs"
    if size > 100000 and place.quick:
        return "a quick look"
    return None


def contenders(place):
    warm, listing, read = [], [], []
    for size in SIZES:
        reason = left_out(place, size)
        if reason:
            warm.append(Missing(warm_name(size), reason))
            continue
        big = Big(place, size)
        warm.append(Contender(warm_name(size), big.warm))
        if size == SIZES[-1]:
            listing.append(Contender(list_name(size), big.list_all, 1))
        read += reads(place, big)
    return warm + listing + read
