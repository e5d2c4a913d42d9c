"""Slot 14: several hosts with one log in PostgreSQL, beside a single host."""
import itertools
import os
import statistics
import subprocess
import sys
import threading
import time

from measure import Contender, Missing, Target, figures
from place import SOURCE, USER, Failed, daemon, drive, expect, program

sys.path.append(os.path.join(SOURCE, "tests/cluster"))

import asking  # noqa: E402  (tests/daemon/asking.py)
import cluster  # noqa: E402  (tests/cluster/cluster.py)
import postgres  # noqa: E402  (tests/cluster/postgres.py)

NAME = "cluster"
TITLE = "Several hosts"
ABOUT = """\
Hosts of a cluster, each a patd and a pat-clusterd, with a PostgreSQL 15 and its
synchronous standby, all on one machine, by TCP without TLS; beside a single host.
A lease is 15 s. "Warm" is a question on verify.sock about one of 200 tokens that
patd has seen, by one client with a connection of its own for each; the CPU is that
of the client and of the host's patd and pat-clusterd. "Create" and "revoke" are
operations on admin.sock, one after the other, each done when it is durable in
PostgreSQL and its standby and all hosts have it; a hash is of 64 KiB, which leaves
what all else costs. "All refuse" is from the moment before a token is revoked on
one host until the last of three has accepted it for the last time, as clients see
it that ask each of them all the time. "Failover" is from kill -9 of all processes of
the primary, behind which the standby is promoted at once, until the first new token
is made; meanwhile tokens are verified on another host. "Join" is an empty host that
becomes one of a cluster with 100,000 tokens, and answers. "Idle" is what PostgreSQL
does for three hosts that nobody asks anything, and that have written the uses of
tokens from before. All hosts share the processors of one
machine here, and its disk: with machines of their own there is a network between
them, and more of everything else."""
BASE = None
COLUMNS = [("p50_us", "p50 µs", "%.0f"), ("p99_us", "p99 µs", "%.0f"),
           ("cpu_us", "CPU µs", "%.1f"), ("seconds", "s", "%.2f"),
           ("unavailable", "not answered", "%.0f"),
           ("transactions", "transactions a minute", "%.0f"),
           ("wal_kib", "KiB of WAL a minute", "%.0f")]
PLOT = ("p50_us", "median, µs")
SINGLE, SIZES = "single host", (1, 3, 5)
WARM = "warm, "
ALONE = "ours, warm, " + SINGLE
ACTS = "create", "revoke"
COMMIT = "a commit in PostgreSQL, nothing else"
REFUSE, FAILOVER = "all refuse, 3 hosts", "failover, 3 hosts"
JOIN, IDLE = "join", "idle, 3 hosts"
LEASE = 15
TOKENS, COUNT, QUICK_COUNT = 200, 200, 40
JOINED, QUICK_JOINED, FEW_JOINED = 100000, 5000, 50
IDLE_SECONDS, QUICK_SECONDS = 60, 10
IDLE_TRIES = 8  # uses of tokens from before are written within a minute or two
PATIENCE = 120  # seconds, which only a hang takes
ROUNDS = 5


def hosts(number):
    return "%d host%s" % (number, "s" * (number > 1))


TARGETS = [
    Target("a warm question takes at most 1.05 × in a cluster of what it takes on "
           "a single host", "p50_us", WARM + hosts(3), "<=", 1.05, against=ALONE),
    Target("and at most 1.05 × the CPU", "cpu_us", WARM + hosts(3), "<=", 1.05,
           against=ALONE),
    Target("no host accepts a token once `revoke` has returned", "late", REFUSE,
           "<=", 0, unit=" times"),
    Target("a failover within the lease is not noticed by who verifies",
           "unavailable", FAILOVER, "<=", 0, unit=" times"),
]


def times(taken):
    """Figures of durations in seconds."""
    taken = sorted(taken)
    return {"p50_us": statistics.median(taken) * 1e6,
            "p99_us": taken[min(len(taken) - 1, len(taken) * 99 // 100)] * 1e6}


class Site:
    """A host that changes are made on, and others: `hosts`, which are of
    tests/daemon/daemon.py, and the processes of the first."""

    def __init__(self, place):
        self.place = place
        self.hosts = []
        self.asker = None
        self.ids = []
        self.lines = []

    def open(self):
        """Starts it, when it is needed first. A new connection for each turn:
        patd closes one that is idle."""
        if not self.hosts:
            self.begin()
        self.close()
        self.asker = asking.Asker(self.hosts[0], 0)
        return self

    def close(self):
        if self.asker is not None:
            self.asker.__exit__()
            self.asker = None

    def stop(self):
        self.close()
        self.end()

    def create(self):
        items, result = self.asker.ask("create", user=USER)
        if result != "ok":
            raise Failed("create: %s %s" % (result, self.asker.why))
        return items[0]

    def revoke(self, identity):
        _, result = self.asker.ask("revoke", identity)
        if result != "ok":
            raise Failed("revoke: %s %s" % (result, self.asker.why))

    # ---- turns ----

    def warm(self, count):
        self.open()
        if not self.lines:
            self.lines = ["warm %s %s" % (USER, self.create().token)
                          for _ in range(TOKENS)]
        result = drive([program("crowd"), "verify", self.hosts[0].verify, "1",
                        str(TOKENS), str(count), "0"], self.lines, [self])
        done = figures(expect(result, "warm", "accepted"), result["wall_ns"],
                       result["cpu_ns"], result["server_ns"])
        kind = result["kinds"]["warm"]
        done.update({"p50_us": kind["p50_ns"] / 1000,
                     "p99_us": kind["p99_ns"] / 1000})
        return done

    def creates(self, count):
        self.open()
        return times(self.timed(
            lambda: self.ids.append(self.create().id), count))

    def revokes(self, count):
        self.open()
        while len(self.ids) < count:
            self.ids.append(self.create().id)
        return times(self.timed(lambda: self.revoke(self.ids.pop()), count))

    @staticmethod
    def timed(act, count):
        taken = []
        for _ in range(count):
            begin = time.monotonic()
            act()
            taken.append(time.monotonic() - begin)
        return taken


class Single(Site):
    def begin(self):
        self.hosts = [self.place.store(cost="memory = 64K\npasses = 1")]

    def end(self):
        """The place does that."""

    def pids(self):
        return self.hosts[0].pids()


def made(**options):
    """A cluster whose hosts answer."""
    try:
        whole = cluster.Cluster(**options)
    except AssertionError as error:
        raise Failed(str(error)) from None
    try:
        whole.start()
    except BaseException as error:
        whole.close()
        if isinstance(error, AssertionError):
            raise Failed(str(error)) from None
        raise
    return whole


class Several(Site):
    def __init__(self, place, number):
        super().__init__(place)
        self.number, self.whole = number, None
        place.servers.append(self)

    def begin(self):
        self.place.say("starts " + hosts(self.number))
        self.whole = made(hosts=self.number, lease=LEASE)
        self.hosts = self.whole.hosts

    def end(self):
        if self.whole is not None:
            self.whole.close()
            self.whole = None

    def pids(self):
        host = self.hosts[0]
        return [host.patd.pid, host.clusterd.pid]

    def refuse(self, count):
        """A token after the other is revoked while each host is asked."""
        self.open()
        taken, late = [], 0
        for _ in range(count):
            token = self.create()
            askers = [Watcher(host, token.token) for host in self.hosts]
            for asker in askers:
                asker.begin()
            begin = time.monotonic()
            self.revoke(token.id)
            end = time.monotonic()
            last = max(asker.end() for asker in askers)
            late += last > end
            taken.append(max(0, last - begin))
        return dict(times(taken), late=late)

    def commits(self, count):
        """What PostgreSQL and its standby cost alone."""
        with self.open().whole.pair.role() as session:
            session.rows("CREATE TABLE IF NOT EXISTS bench (bytes bytea)")
            return times(self.timed(lambda: session.rows(
                "INSERT INTO bench VALUES ($1)", "x" * 400), count))

    def failover(self, _count):
        pair = self.open().whole.pair
        watcher = Watcher(self.hosts[-1], self.create().token)
        watcher.begin()
        begin = time.monotonic()
        pair.promote()
        while self.asker.ask("create", user=USER)[1] != "ok":
            if time.monotonic() > begin + PATIENCE:
                raise Failed("no token can be made: " + self.asker.why)
            time.sleep(0.02)
        taken = time.monotonic() - begin
        watcher.end()
        pair.rejoin()
        self.whole.wait_leases()
        return {"seconds": taken, "unavailable": watcher.unavailable}

    def idle(self, seconds):
        self.open()
        self.whole.wait_equal()
        for _ in range(IDLE_TRIES):
            head = self.head()
            found = self.watched(seconds)
            if self.head() == head:
                return found
        raise Failed("it does not come to rest")

    def head(self):
        with self.whole.pair.role() as session:
            return session.one("SELECT seq FROM jira_pat.head")

    def watched(self, seconds):
        with self.whole.pair.owner("postgres") as session:
            begin = time.monotonic()
            before = seen(session)
            time.sleep(seconds)
            after = seen(session)
            minutes = (time.monotonic() - begin) / 60
        return {name: (after[name] - before[name]) / minutes for name in after}


def seen(session):
    """What PostgreSQL has counted in the database of the cluster, and all that it
    wrote."""
    done, wal = session.rows(
        "SELECT xact_commit + xact_rollback, pg_current_wal_lsn() - '0/0' "
        "FROM pg_stat_database WHERE datname = $1", postgres.DATABASE)[0]
    return {"transactions": int(done), "wal_kib": int(wal) / 1024}


class Watcher(threading.Thread):
    """Asks a host about a token all the time, until end()."""

    def __init__(self, host, token):
        super().__init__(daemon=True)
        self.host, self.token = host, token
        self.accepted, self.over = threading.Event(), threading.Event()
        self.last, self.unavailable = 0, 0
        self.done = False
        self.start()

    def run(self):
        while not self.over.wait(0.0005):
            sent = time.monotonic()
            verdict = self.host.ask(USER, self.token)[0]
            if verdict == daemon.ACCEPT:
                self.last = sent
                self.accepted.set()
            self.unavailable += verdict == daemon.UNAVAILABLE
        self.done = True

    def begin(self):
        """Waits until it was accepted."""
        if not self.accepted.wait(PATIENCE):
            raise Failed("a new token is not accepted: " + self.host.story())

    def end(self):
        """When it sent the last question that was accepted."""
        self.over.set()
        self.join(PATIENCE)
        if not self.done:
            raise Failed("no answer: " + self.host.story())
        return self.last


class Join:
    """A cluster of one host with many tokens, and a host that joins and leaves."""

    def __init__(self, place, tokens):
        self.place, self.tokens, self.whole = place, tokens, None
        self.numbers = itertools.count(1)
        place.servers.append(self)

    def begin(self):
        self.place.say("makes a cluster with %d tokens" % self.tokens)
        self.whole = made(hosts=1, lease=LEASE, prepare=self.fill)

    def fill(self, host):
        subprocess.run(
            [program("fill"), "--config", host.config, "--tokens",
             str(self.tokens), "--users", str(max(1, self.tokens // 10)),
             "--sample", "1", "--out", os.path.join(host.root, "texts")],
            check=True, stderr=subprocess.DEVNULL)

    def stop(self):
        if self.whole is not None:
            self.whole.close()

    def turn(self, _count):
        if self.whole is None:
            self.begin()
        with open(os.path.join(self.whole.hosts[0].root, "texts")) as file:
            user, token = file.readline().split()
        begin = time.monotonic()
        host = self.whole.add(next(self.numbers))
        host.start()
        cluster.wait_for(lambda: host.verdict(user, token) == daemon.ACCEPT,
                         host.story)
        taken = time.monotonic() - begin
        self.whole.drop(host)
        return {"seconds": taken}


def missing():
    """Why there can be no cluster here, or None."""
    if not os.access(cluster.CLUSTERD, os.X_OK):
        return "pat-clusterd is not built"
    try:
        postgres.programs()
        postgres.account()
    except postgres.Missing as reason:
        return str(reason)
    return None


def contenders(place):
    count = place.operations or (QUICK_COUNT if place.quick else COUNT)
    single = Single(place)
    rows = [Contender(ALONE, single.warm),
            Contender("ours, create, " + SINGLE, single.creates, count),
            Contender("ours, revoke, " + SINGLE, single.revokes, count)]
    reason = missing()
    if reason or place.build != daemon.BUILD:
        return rows + [Missing("several hosts", reason)] * bool(reason)
    sizes = [3] if place.operations else SIZES
    sites = {number: Several(place, number) for number in sizes}
    join = Join(place, FEW_JOINED if place.operations else
                QUICK_JOINED if place.quick else JOINED)
    seconds = 1 if place.operations else (
        QUICK_SECONDS if place.quick else IDLE_SECONDS)
    rows.insert(1, Contender(WARM + hosts(3), sites[3].warm))
    for act in ACTS:
        rows += [Contender("%s, %s" % (act, hosts(number)), getattr(
            sites[number], act + "s"), count) for number in sizes]
    return rows + [
        Contender(COMMIT, sites[3].commits, count),
        Contender(REFUSE, sites[3].refuse, max(1, count // 4)),
        Contender(FAILOVER, sites[3].failover, 1),
        Contender("%s, %d tokens" % (JOIN, join.tokens), join.turn, 1),
        Contender(IDLE, lambda _: sites[3].idle(seconds), 1)]
