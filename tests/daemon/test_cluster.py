"""patd as one host of a cluster, with a pat-clusterd that only pretends: the log is in
memory (fake_clusterd.py), where it can lie, be lost, and come back.
"""
import contextlib
import json
import os
import select
import socket
import subprocess
import threading

from daemon import (ACCEPT, BUILD, DENY, ROOT, UNAVAILABLE, Client, OneShot,
                    World, as_user, forged, main, question, wait_for)
from fake_clusterd import USER, Log, connect

PLACE = os.path.join(BUILD, "tests/daemon/cluster_place")
ID = bytes(range(16))
LEASE = 5
SECTION = """[cluster]
conninfo = dbname=fake
node = {node}
lease = {lease}s
user = {user}
"""


class Host(World):
    def __init__(self, node, first=None):
        self.node, self.first, self.link = node, first, None
        super().__init__(self.section(node))

    @staticmethod
    def section(node):
        return SECTION.format(node=node, lease=LEASE, user=USER)

    def admin(self, *args, **options):
        """Another host begins with the same pepper, and the same empty store."""
        if args != ("init",) or self.first is None:
            return super().admin(*args, **options)
        for name in ("store", "key"):
            subprocess.run(["cp", "-a", os.path.join(self.first.root, name),
                            self.root], check=True)
        return None

    def place(self):
        done = subprocess.run([PLACE, self.config, ID.hex()], text=True,
                              capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return [bytes.fromhex(word) for word in done.stdout.split()]

    def connect(self, log):
        self.link = log.link(os.path.join(self.run_dir, "cluster.sock"))

    def disconnect(self):
        if self.link is not None:
            self.link.close()
        self.link = None

    def verdict(self, token, user="alice"):
        return self.ask(user, token)[0]

    def accepts(self, token, user="alice"):
        wait_for(lambda: self.verdict(token, user) == ACCEPT)

    def end(self):
        self.disconnect()
        if self.patd is not None:
            self.patd.kill()
            self.patd.wait()
        self.remove()


@contextlib.contextmanager
def cluster(hosts=2, start=True):
    places = []
    log = None
    try:
        for number in range(hosts):
            places.append(Host("host%d" % number, places[0] if places else None))
        told = [place.place() for place in places]
        assert all(words == told[0] for words in told)
        log = Log(ID, *told[0])
        for place in places if start else ():
            place.start("--debug")
            place.connect(log)
            place.logged("this host accepts tokens")
        yield (log, *places)
        for place in places:
            for token in place.tokens:
                assert token[14:44] not in place.read_log()
    finally:
        for place in places:
            place.end()


def refuses(place, *words):
    done = place.run()
    assert done.returncode == 3, done
    for word in words:
        assert word in done.stderr, done.stderr


def agreement():
    """the settings and the store have to agree on whether this is a cluster"""
    with cluster(1, False) as (_, place):
        place.write()
        refuses(place, "one of a cluster", "pat-admin cluster leave")
    lone = Host("a")
    try:
        refuses(lone, "in no cluster", "pat-admin cluster init",
                "pat-admin cluster join")
    finally:
        lone.end()


def without_patd():
    """a store of a cluster without its patd is shown, says no yes, and is not
    written"""
    with cluster(1) as (_, place):
        token = place.token()
        place.accepts(token)
        place.stop()
        place.disconnect()
        assert OneShot(place, "alice", token).end()[0][0] == UNAVAILABLE
        assert OneShot(place, "bob", forged("0aZ9bY8c")).end()[0][0] == \
            UNAVAILABLE
        listed = place.admin("list", "--json").stdout
        assert token[5:13] in listed
        for command in (("create", "bob"), ("revoke", token[5:13])):
            done = place.admin(*command, check=False)
            assert done.returncode != 0 and "cluster" in done.stderr, done
        assert place.admin("list", "--json").stdout == listed


def everywhere():
    """what one host makes the other accepts, and from the moment on that revoke
    returns it does not"""
    with cluster() as (_, one, other):
        for _ in range(20):
            token = one.token()
            other.accepts(token)
            other.admin("revoke", token[5:13])
            assert one.verdict(token) == DENY
            assert other.verdict(token) == DENY


def both_write():
    """both hosts change the store at once: nothing is lost, and the stores are the
    same"""
    with cluster() as (_, one, other):
        def create(place, user):
            return subprocess.Popen(
                [place.admin_program, "--config", place.config, "create", user],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(5):
            running = [create(place, user) for user in ("alice", "bob")
                       for place in (one, other)]
            said = [process.communicate(timeout=120) for process in running]
            assert not any(process.returncode for process in running), said
            for place in (one, other):
                for token, _ in said[:2]:
                    place.accepts(token.strip())
        wait_for(lambda: one.admin("list", "--json").stdout ==
                 other.admin("list", "--json").stdout)


def nobody_there():
    """without pat-clusterd a host that starts denies what it knows to be revoked,
    and decides nothing else"""
    with cluster(1) as (log, place):
        token, revoked = place.token(), place.token()
        place.admin("revoke", revoked[5:13])
        place.stop()
        place.disconnect()
        place.start()
        assert place.verdict(token) == UNAVAILABLE
        assert place.verdict(revoked) == DENY
        assert place.verdict(forged("0aZ9bY8c")) == UNAVAILABLE
        assert place.verdict("nonsense") == DENY
        place.logged("reason=lease")
        done = place.admin("create", "bob", check=False)
        assert done.returncode != 0 and "pat-clusterd" in done.stderr, done
        place.connect(log)
        place.accepts(token)
        assert place.verdict(forged("0aZ9bY8c")) == DENY


def cut_off():
    """a host that is cut off accepts until its lease is over, and a revocation on
    another waits for that, and says for whom"""
    with cluster() as (log, one, other):
        token = one.token()
        other.accepts(token)
        other.link.deaf = True
        done = one.admin("revoke", token[5:13])
        assert other.verdict(token) == UNAVAILABLE
        assert "host1" in done.stderr, done.stderr
        other.logged("the lease is over")
        kept = one.admin("create", "bob")
        assert one.verdict(kept.stdout.strip(), "bob") == ACCEPT
        with log.lock:
            other.link.deaf = False
        other.disconnect()
        other.connect(log)
        wait_for(lambda: other.verdict(token) == DENY)
        other.accepts(kept.stdout.strip(), "bob")
        other.logged("accepts tokens again")


def known_already():
    """a revocation that another host has begun is not said to be done before it is"""
    with cluster(3) as (_, one, other, third):
        token = one.token()
        third.accepts(token)
        third.link.deaf = True
        command = [one.admin_program, "--config", one.config, "revoke",
                   token[5:13]]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL) as process:
            wait_for(lambda: other.verdict(token) == DENY)
            other.admin("revoke", token[5:13])
            assert third.verdict(token) == UNAVAILABLE
            assert process.wait(120) == 0


def uses():
    """the uses of a token that has a limited number of them are those of all hosts"""
    with cluster() as (_, one, other):
        token = one.token("alice", "--uses", "3")
        wait_for(lambda: token[5:13] in other.admin("list", "--json").stdout)
        said = [place.verdict(token) for place in (one, other, one, other, one)]
        assert said == [ACCEPT] * 3 + [DENY] * 2, said


def database_down():
    """while the database is down nothing is written, and the line says so; then all
    goes on"""
    with cluster() as (log, one, other):
        token = one.token()
        other.accepts(token)
        log.set_down(True)
        one.logged("no connection to the database: it is down")
        for command in (("create", "bob"), ("revoke", token[5:13])):
            done = one.admin(*command, check=False)
            assert done.returncode != 0, done
            assert "database" in done.stderr, done.stderr
        one.logged("the lease is over")
        other.logged("the lease is over")
        assert one.verdict(token) == other.verdict(token) == UNAVAILABLE
        log.set_down(False)
        one.accepts(token)
        other.accepts(token)
        one.admin("revoke", token[5:13])
        assert other.verdict(token) == DENY


def lost_answers():
    """a commit whose answer is lost is done once"""
    with cluster() as (log, one, other):
        before = log.head
        log.lose = 2
        token = one.token()
        assert log.head == before + 1
        other.accepts(token)
        one.accepts(token)


def lies():
    """batches that are wrong, old, or out of order are refused, and the host ends
    with its lease; with the right ones it goes on"""
    def wrong_mac(batch):
        return dict(batch, mac=bytes(32))

    def wrong_bytes(batch):
        data = batch["bytes"]
        return dict(batch, bytes=data[:-1] + bytes([data[-1] ^ 1]))

    def old(batch):
        return dict(batch, seq=max(1, batch["seq"] - 1))

    def early(batch):
        return dict(batch, seq=batch["seq"] + 1)

    with cluster() as (log, one, other):
        token = one.token()
        other.accepts(token)
        for forge in (wrong_mac, wrong_bytes, old, early):
            said = len(other.read_log())
            log.forge = forge
            subprocess.run(
                [one.admin_program, "--config", one.config, "create", "bob"],
                capture_output=True, timeout=120, check=False)
            wait_for(lambda: "cluster: " in other.read_log()[said:])
            assert other.link.ended.wait(60)
            wait_for(lambda: other.verdict(token) == UNAVAILABLE)
            log.forge = lambda batch: batch
            other.disconnect()
            other.connect(log)
            other.accepts(token)
            one.disconnect()
            one.connect(log)
            one.accepts(token)


def visitors():
    """nobody but pat-clusterd's account connects to cluster.sock, and one at a
    time; a socket that is removed comes back"""
    with cluster(1) as (log, place):
        path = os.path.join(place.run_dir, "cluster.sock")

        def closed(knock=socket.socket.connect):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
                sock.settimeout(60)
                knock(sock, path)
                try:
                    return sock.recv(1 << 16) == b""
                except ConnectionError:
                    return True
        assert closed(connect)
        place.logged("a second pat-clusterd")
        place.disconnect()
        if ROOT:
            assert as_user("nobody", closed) == "True"
            place.logged("is not [cluster] user: refused")
        os.unlink(path)
        place.logged("cluster.sock was gone: bound again")
        place.connect(log)
        place.accepts(place.token())


def snapshots():
    """when the log has become long a host makes a snapshot, in order"""
    with cluster(1) as (log, place):
        token = place.token()
        with log.lock:
            log.log_batches = 10000
            place.link.tell_nodes()
        wait_for(lambda: log.snapshots)
        place.logged("snapshot made of batch %d" % log.head)
        parts = log.snapshots[log.head]
        assert parts[0].mac == log.mac()
        assert token[5:13].encode() in b"".join(part.bytes for part in parts)


def shown():
    """administrators see the hosts, and patd its figures as before"""
    with cluster() as (log, one, other):
        token = one.token()
        other.accepts(token)
        wait_for(lambda: log.nodes["host1"]["applied"] == log.head)
        for shown_by in (("cluster", "status", "--json"), ("stats", "--json")):
            said = json.loads(one.admin(*shown_by).stdout)
            said = said.get("cluster") if shown_by[0] == "stats" else said
            assert said["node"] == "host0" and said["applied"] == log.head
            assert 0 < said["lease_left"] <= LEASE
            assert said["database"]["state"] == "connected"
            nodes = {node["node"]: node for node in said["nodes"]}
            assert sorted(nodes) == ["host0", "host1"]
            assert not nodes["host1"]["lease_run_out"]
        text = one.admin("stats", "--prometheus").stdout
        assert "\njira_pat_cluster_applied %d\n" % log.head in text
        other.disconnect()
        wait_for(lambda: 'jira_pat_cluster_lease_left_seconds 0.000\n' in
                 other.admin("stats", "--prometheus").stdout)
        assert other.verdict(token) == UNAVAILABLE
        said = other.admin("stats", "--prometheus").stdout
        assert "jira_pat_cluster_connected 0\n" in said
        assert "jira_pat_cluster_lapses_total 1\n" in said
        assert "jira_pat_cluster_unavailable_total 1\n" in said


def stops():
    """patd ends in time, also while an operation waits for a host"""
    with cluster() as (_, one, other):
        token = one.token()
        other.accepts(token)
        other.link.deaf = True
        with subprocess.Popen(
                [one.admin_program, "--config", one.config, "revoke",
                 token[5:13]], stderr=subprocess.PIPE, text=True) as process:
            wait_for(lambda: one.verdict(token) == DENY)
            assert one.stop() == 0
            said = process.communicate(timeout=120)[1]
            assert process.returncode != 0 or "host1" in said, said



def given_back():
    """a patd that ends gives its lease back when its last answer of all has gone, and
    nobody waits for it"""
    with cluster() as (_, one, other):
        link, asked, answered = other.link, threading.Event(), []
        token = one.token("alice", "--uses", "2")
        other.accepts(token)
        link.append = lambda message: asked.set()  # which a worker waits for
        with Client(other.verify, 60) as client:

            def release(message):
                answered.append(bool(select.select([client.sock], [], [], 0)[0]))
                type(link).release(link, message)

            link.release = release
            client.send(question("alice", token))
            assert asked.wait(60)
            assert other.stop() == 0
            assert client.answer()[0] == UNAVAILABLE
        wait_for(lambda: answered)
        assert answered == [True]
        said = one.admin("revoke", token[5:13])
        assert "waited" not in said.stderr, said.stderr
        nodes = {node["node"]: node for node in json.loads(one.admin(
            "cluster", "status", "--json").stdout)["nodes"]}
        assert (nodes["host1"]["lease"], nodes["host1"]["lease_run_out"]) == (0, True)
        row, = (line.split() for line in one.admin("cluster", "status").stdout.
                splitlines() if line.startswith("host1"))
        assert row[3] == "none", row


def not_given_back():
    """a patd that ends does so without an answer of pat-clusterd, too, or of the database,
    and others wait for its lease"""
    with cluster() as (log, one, other):
        for silence in ("link", "database"):
            token = one.token()
            other.accepts(token)
            if silence == "link":
                other.link.release = lambda message: None
            else:
                log.set_down(True)
            assert other.stop() == 0
            other.disconnect()
            log.set_down(False)
            wait_for(lambda: json.loads(one.admin(
                "cluster", "status", "--json",
                check=False).stdout)["database"]["state"] == "connected")
            said = one.admin("revoke", token[5:13])
            assert "waited" in said.stderr and "host1" in said.stderr, said.stderr
            other.start("--debug")
            other.connect(log)


main([agreement, without_patd, everywhere, both_write, nobody_there, cut_off,
      known_already, uses, database_down, lost_answers, lies, visitors,
      snapshots, shown, stops, given_back, not_given_back])
