"""Several hosts in one place: each a patd and a pat-clusterd with folders of their own,
and a network of its own to the databases (relay.py), which are real (postgres.py).

    with cluster(hosts=3) as all:
        token = all.token()                # made on the first host
        all.hosts[1].ask("alice", token)   # and all that daemon.py has of a World
        all.hosts[1].cut("hole")           # its network is
        all.pair.promote()                 # of postgres.py
"""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path += [os.path.join(SOURCE, path) for path in ("tests/daemon", "tests/lib")]

import postgres  # noqa: E402
from daemon import ACCEPT, BUILD, ROOT, Client, Skip, World  # noqa: E402
from relay import Relay  # noqa: E402
from waiting import PATIENCE, wait_for  # noqa: E402  (tests/lib/waiting.py)
from wire import Wire  # noqa: E402

CLUSTERD = os.path.join(BUILD, "pat_clusterd/pat-clusterd")
DUMP = os.path.join(BUILD, "tests/cluster/store_dump")
SHIM = os.path.join(BUILD, "tests/faults/.libs/shift_clock.so")
LEASE = 5  # seconds: the shortest that is allowed
SECTION = """
[cluster]
{conninfo}
node = {node}
lease = {lease}s
user = {user}
"""
SIGNS = ("Sanitizer: ", "runtime error: ")


class Host(World):
    """`clock`: seconds that its wall clock is ahead, for ever or until
    set_clock(). `original`: whose copy it is, with its name; that one is down."""

    def __init__(self, whole, number, clock=None, original=None):
        self.whole, self.number, self.original = whole, number, original
        self.name = original.name if original else "proxy%d" % (number + 1)
        self.wire = Wire(number) if whole.wires else None
        self.relay = Relay([server.port for server in whole.pair.servers],
                           self.wire.near if self.wire else "127.0.0.1")
        self.clusterd = self.clock_file = None
        self.joined = False
        super().__init__(whole.more)
        if clock is not None:
            self.clock_file = os.path.join(self.root, "shift")
            self.set_clock(clock)

    def lay_out(self):
        super().lay_out()
        self.link_user = "bin" if ROOT else self.user
        self.link_log = os.path.join(self.root, "clusterd.log")

    def write(self, more=""):
        pair = self.whole.pair
        address = self.wire.near if self.wire else "127.0.0.1"
        section = SECTION.format(
            conninfo=postgres.as_settings(
                pair.conninfo(ports=self.relay.ports, host=address)),
            node=self.name, lease=self.whole.lease, user=self.link_user)
        super().write(more + section + (
            "insecure = yes\n" if self.wire else ""))

    def admin(self, *args, **options):
        """What makes the world makes it one of the cluster, too."""
        if args != ("init",):
            return super().admin(*args, **options)
        if self.original is not None:
            return subprocess.run(
                ["cp", "-a", *(os.path.join(self.original.root, name)
                               for name in ("store", "key")), self.root], check=True)
        if self.number == 0:
            super().admin("init")
            if self.whole.prepare is not None:
                self.whole.prepare(self)
            done = super().admin("cluster", "init", "--clusterd", CLUSTERD)
        else:
            pepper = os.path.join(self.whole.hosts[0].root, "key/pepper.key")
            done = super().admin("cluster", "join", "--clusterd", CLUSTERD,
                                 "--pepper", pepper)
        self.joined = True
        return done

    def remove(self):
        self.relay.close()
        if self.wire:
            self.wire.close()
        super().remove()

    # ---- its network ----

    def cut(self, mode):
        """A mode of relay.py, or `down`, where there is a wire."""
        if mode == "down":
            self.wire.put("down")
        else:
            self.relay.set(mode)

    def mend(self):
        if self.wire:
            self.wire.put("up")
        self.relay.set("pass")

    # ---- its clock ----

    def set_clock(self, seconds):
        """In place: who has mapped the file dies of it if that is cut off."""
        fd = os.open(self.clock_file, os.O_WRONLY | os.O_CREAT, 0o644)
        os.pwrite(fd, seconds.to_bytes(8, sys.byteorder, signed=True), 0)
        os.close(fd)

    def environment(self):
        if self.clock_file is None:
            return None
        return dict(os.environ, LD_PRELOAD=SHIM, JP_SHIFT_CLOCK=self.clock_file)

    # ---- its processes ----

    def spawn(self, *args, **options):
        return super().spawn(*args, env=self.environment(), **options)

    def start(self, *args, **options):
        """Both; its lease comes later: wait_lease()."""
        super().start(*args, **options)
        if self.clusterd is None:
            self.start_link()
        return self.patd

    def start_again(self):
        """A pat-admin may own the store for a moment: tried again."""
        def started():
            with contextlib.suppress(AssertionError):
                return self.start()
            return None
        wait_for(started, self.story)

    def start_link(self):
        with open(self.link_log, "a") as log:
            self.clusterd = subprocess.Popen(
                [*(self.wire.enter if self.wire else ()), CLUSTERD,
                 "--config", self.config, "--debug"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.environment())

    def end_link(self, sig=signal.SIGTERM):
        if self.clusterd is None:
            return None
        self.clusterd.send_signal(sig)
        try:
            status = self.clusterd.wait(60)
        except subprocess.TimeoutExpired:
            self.clusterd.kill()
            status = self.clusterd.wait()
        self.clusterd = None
        return status

    def end(self):
        """Both, in whatever state they are."""
        for process in (self.patd, self.clusterd):
            if process is not None:
                process.kill()
                process.wait()
        self.patd = self.clusterd = None

    # ---- what it says ----

    def read_link_log(self):
        with contextlib.suppress(FileNotFoundError), \
                open(self.link_log, errors="replace") as file:
            return file.read()
        return ""

    def linked(self, said):
        """Waits until that is in the log of pat-clusterd."""
        wait_for(lambda: said in self.read_link_log(), self.story)

    def story(self):
        """The ends of its logs, for whoever has to find out."""
        return "%s\n-- patd\n%s\n-- pat-clusterd\n%s" % (
            self.name, self.read_log()[-3000:], self.read_link_log()[-3000:])

    def status(self):
        """What pat-admin cluster status --json says."""
        return json.loads(self.admin("cluster", "status", "--json").stdout)

    def dump(self):
        """Its position, and the records of its store as they are encoded: the
        lines of tests/cluster/store_dump.c. Its patd has to be down."""
        done = subprocess.run([DUMP, self.config], text=True, timeout=PATIENCE,
                              capture_output=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def verdict(self, user, token):
        with Client(self.verify, PATIENCE) as client:
            return client.ask(user, token)[0]


class Cluster:
    """`clocks`: of each host, how far its wall clock is ahead. `more`: lines of
    [patd]. `prepare`: is called with the first host, before it is in the cluster.
    `wires`: whether each host is at the end of one (wire.py). `kind`: of Host."""

    def __init__(self, hosts=3, lease=LEASE, more="", clocks=(), standby=True,
                 prepare=None, wires=False, kind=Host, **options):
        self.lease, self.more, self.prepare = lease, more, prepare
        self.wires, self.kind = wires, kind
        self.hosts, self.texts, self.known = [], [], None
        self.pair = postgres.Pair(standby=standby, **options)
        try:
            for number in range(hosts):
                clock = clocks[number] if clocks else None
                self.hosts.append(kind(self, number, clock))
        except BaseException:
            self.close()
            raise

    def start(self, *args):
        for host in self.hosts:
            host.start(*args)
        self.wait_leases()

    def close(self):
        for host in self.hosts:
            host.end()
            host.remove()
        self.pair.close()

    def add(self, number):
        """One more host, which has joined and is not started; no other has had
        this number."""
        host = self.kind(self, number)
        self.hosts.append(host)
        return host

    def drop(self, host):
        """It leaves, and is gone."""
        host.end()
        host.admin("cluster", "leave", "--clusterd", CLUSTERD)
        self.hosts.remove(host)
        host.remove()

    def token(self, user="alice", *rights, host=0):
        token = self.hosts[host].admin("create", user, *rights).stdout.strip()
        self.texts.append(token)
        return token

    def wait_leases(self, hosts=None):
        """Until each says yes."""
        user, probe = self.probe()
        for host in hosts or self.hosts:
            wait_for(lambda: host.verdict(user, probe) == ACCEPT, host.story)

    def probe(self):
        """A token that is always right."""
        if self.known is None:
            self.known = self.made("probe")
            self.texts.append(self.known)
        return "probe", self.known

    def made(self, user):
        """A token, as soon as one can be made."""
        said = []

        def done():
            said.append(self.hosts[0].admin("create", user, check=False))
            return said[-1].returncode == 0

        wait_for(done, lambda: said[-1].stderr + self.hosts[0].story())
        return said[-1].stdout.strip()

    def wait_equal(self, hosts=None):
        """Until each has applied what is in the log."""
        hosts = hosts or self.hosts
        with self.pair.owner() as session:
            def behind():
                head = session.one("SELECT seq FROM jira_pat.head")
                return [row for row in session.rows(
                    "SELECT name, applied FROM jira_pat.node WHERE applied < $1",
                    head) if row[0] in {host.name for host in hosts}]
            wait_for(lambda: not behind(), lambda: "%s %s" % (
                behind(), "\n".join(host.story() for host in hosts)))

    def check_log(self):
        """In the database: no gap, and no batch twice."""
        with self.pair.owner() as session:
            count, batches, first, last = map(int, session.rows(
                "SELECT count(*), count(DISTINCT batch), coalesce(min(seq), 0), "
                "coalesce(max(seq), 0) FROM jira_pat.log")[0])
            head = int(session.one("SELECT seq FROM jira_pat.head"))
        assert count == batches, "%d batches, %d of them different" % (
            count, batches)
        assert count == 0 or (last - first + 1 == count and last == head), (
            first, last, count, head)
        return head

    def stop(self, hosts):
        for host in hosts:
            host.stop()
            host.end_link()

    def check_equal(self, hosts=None):
        """The stores are the same, byte for byte. Ends the hosts; returns the
        lines. Who stops writes who has used what, which the others then have to
        hear of, so all start once more."""
        hosts = hosts or self.hosts
        self.wait_equal(hosts)
        self.stop(hosts)
        for host in hosts:
            host.start_again()
        self.wait_equal(hosts)
        self.stop(hosts)
        dumps = [host.dump() for host in hosts]
        for host, dump in zip(hosts, dumps):
            differ = set(dump) ^ set(dumps[0])
            assert dump == dumps[0], "%s and %s differ in %d lines: %s %s %s" % (
                hosts[0].name, host.name, len(differ), dumps[0][0], dump[0],
                sorted(differ)[:2])
        return dumps[0]

    def check_logs(self):
        """No secret, and nothing of a sanitizer, anywhere."""
        tokens = sum((host.tokens for host in self.hosts), self.texts)
        for host in self.hosts:
            log = host.read_log() + host.read_link_log() + host.read_trail()
            for token in tokens:
                assert token[14:44] not in log, "a secret is in a log"
            for sign in SIGNS:
                assert sign not in log, log[max(0, log.index(sign) - 99):]


@contextlib.contextmanager
def cluster(start=True, args=(), **options):
    """A cluster for a test, which skips where there can be none."""
    for program in (CLUSTERD, DUMP):
        if not os.access(program, os.X_OK):
            raise Skip("%s is not built" % os.path.relpath(program, BUILD))
    try:
        whole = Cluster(**options)
    except postgres.Missing as missing:
        raise Skip(str(missing)) from None
    try:
        if start:
            whole.start(*args)
        yield whole
        whole.check_logs()
    finally:
        if sys.exc_info()[0] and os.environ.get("JP_CLUSTER_LOGS"):
            keep(whole)
        whole.close()


def keep(whole):
    """What the logs said, for whoever set JP_CLUSTER_LOGS to a folder."""
    folder = os.environ["JP_CLUSTER_LOGS"]
    os.makedirs(folder, exist_ok=True)
    for host in whole.hosts:
        for name, path in (("patd", host.log), ("link", host.link_log)):
            with contextlib.suppress(OSError):
                shutil.copy(path, os.path.join(
                    folder, "%s.%s.log" % (host.name, name)))
    for server in whole.pair.servers:
        with contextlib.suppress(OSError):
            shutil.copy(server.log, os.path.join(folder, server.name + ".log"))
