"""A log of batches in memory, and a pat-clusterd for each host that is there: it
connects to cluster.sock and says what a real one would, or what a test wants instead.
It knows no pepper: what it says of MACs comes from the hosts.

    log = Log(bytes(16), tag, mac)     # of tests/daemon/cluster_place.c
    link = log.link(path)              # connects, and goes on by itself
    link.deaf = True                   # a network that loses all
    log.down = True                    # the database cannot be reached
"""
import os
import pwd
import socket
import sys
import threading
import time

sys.path.append(os.path.join(os.environ["JP_SOURCE"], "tests/cluster"))

import link as messages  # noqa: E402
from link import CONFLICT, CONNECTED, CONNECTING, OK, UNKNOWN  # noqa: E402


USER = "bin" if os.geteuid() == 0 else str(os.geteuid())  # of pat-clusterd


def connect(sock, path):
    """As USER: patd looks who it was that connected."""
    if os.geteuid() != 0:
        sock.connect(path)
        return
    account = pwd.getpwnam(USER)
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
            sock.connect(path)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0, "cannot connect to " + path


class Log:
    def __init__(self, cluster, tag, mac):
        self.cluster, self.tag, self.start_mac = cluster, tag, mac
        self.lock = threading.RLock()
        self.batches, self.nodes, self.links = [], {}, []
        self.snapshots, self.parts = {}, {}
        self.down = False
        self.log_batches = None  # instead of the true number, in NODES
        self.forge = lambda batch: batch  # what hosts get instead of it
        self.lose = 0  # so many APPENDs are answered by UNKNOWN, and done

    def link(self, path):
        link = Link(self, path)
        with self.lock:
            self.links.append(link)
        return link

    def close(self):
        for link in list(self.links):
            link.close()

    @property
    def head(self):
        return len(self.batches)

    def mac(self):
        return self.batches[-1]["mac"] if self.batches else self.start_mac

    def everywhere(self, say):
        for link in list(self.links):
            say(link)

    def set_down(self, down):
        with self.lock:
            self.down = down
            self.everywhere(Link.state)
            if not down:
                self.everywhere(Link.welcome)

    def append(self, node, message):
        """The result of one; a batch that is there already is fine."""
        if any(batch["id"] == message.id for batch in self.batches):
            return OK
        if message.expected != self.head:
            return CONFLICT
        self.batches.append(dict(
            seq=self.head + 1, id=message.id, node=node, time=message.time,
            mac=message.mac, len=message.len, bytes=message.bytes))
        return OK


class Link(threading.Thread):
    def __init__(self, log, path):
        super().__init__(daemon=True)
        self.log, self.name_of_node, self.deaf = log, None, False
        self.sent = 0  # the last batch that this host was sent
        self.kept = []  # what was asked while it was deaf
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connect(self.sock, path)
        self.host = messages.Host(self.sock)
        self.sock.settimeout(None)
        self.out = threading.Lock()
        self.ended = threading.Event()
        self.start()

    def run(self):
        try:
            while True:
                message = self.host.receive()
                with self.log.lock:
                    if not self.deaf:
                        getattr(self, message.kind.lower())(message)
        except (messages.Closed, OSError):
            pass
        finally:
            with self.log.lock:
                if self in self.log.links:
                    self.log.links.remove(self)
            self.ended.set()

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.join(60)
        self.sock.close()

    def say(self, kind, data=b"", **values):
        if self.deaf:
            return
        try:
            with self.out:
                self.host.send(kind, data, **values)
        except OSError:
            pass  # the host has closed: run() hears of it

    # ---- what it says ----

    def state(self):
        self.say("STATE", state=CONNECTING if self.log.down else CONNECTED,
                 database="memory:0/fake", primary=1, tls=0, verified=1,
                 synchronous=1, err=0, text="it is down" if self.log.down else "")

    def welcome(self):
        log = self.log
        if log.down or self.name_of_node is None:
            return
        self.say("WELCOME", version=1, cluster=log.cluster, tag=log.tag,
                 head=log.head, mac=log.mac(), oldest=1, snapshot=0,
                 has_snapshot=0)
        self.batches()
        self.tell_nodes()

    def batches(self):
        if self.log.down or self.name_of_node is None or self.deaf:
            return
        while self.sent < self.log.head:
            batch = dict(self.log.forge(self.log.batches[self.sent]))
            self.sent += 1
            self.say("BATCH", batch.pop("bytes"), **batch)

    def nodes(self):
        now = time.monotonic()
        return [dict(node, contact_ms=int(1000 * (now - node["contact_ms"])))
                for _, node in sorted(self.log.nodes.items())]

    def tell_nodes(self):
        if self.log.down or self.name_of_node is None:
            return
        count = self.log.log_batches
        self.say("NODES", head=self.log.head, mac=self.log.mac(),
                 nodes=self.nodes(), log_bytes=0,
                 log_batches=self.log.head if count is None else count)

    # ---- what it hears ----

    def hello(self, message):
        self.name_of_node = message.node
        self.sent = message.applied
        node = self.log.nodes.setdefault(message.node, dict(
            name=message.node, applied=0, grants=0, lease_ms=0,
            contact_ms=time.monotonic(), version=message.release, gone=0))
        node["applied"] = max(node["applied"], message.applied)
        node["lease_ms"] = message.lease_ms
        self.state()
        self.welcome()

    def append(self, message):
        result = UNKNOWN
        if not self.log.down:
            result = self.log.append(self.name_of_node, message)
        if self.log.lose > 0:
            self.log.lose -= 1
            self.log.everywhere(Link.batches)
            result = UNKNOWN
        self.say("APPENDED", req=message.req, result=result, text="",
                 head=self.log.head, mac=self.log.mac(),
                 nodes=self.nodes() if result == OK else [])
        if result == UNKNOWN and not self.log.down:
            self.welcome()
        self.log.everywhere(Link.batches)

    def lease(self, message):
        if self.log.down:
            return
        node = self.log.nodes[self.name_of_node]
        node["grants"] += 1
        node["contact_ms"] = time.monotonic()
        self.say("LEASED", req=message.req, ok=1, head=self.log.head,
                 mac=self.log.mac(), text="")
        self.log.everywhere(Link.tell_nodes)

    def release(self, message):
        if not self.log.down:
            self.log.nodes[self.name_of_node]["lease_ms"] = 0
            self.log.everywhere(Link.tell_nodes)
        self.say("DONE", req=message.req, err=0, text="")

    def applied(self, message):
        if self.log.down:
            return
        node = self.log.nodes[self.name_of_node]
        node["applied"] = max(node["applied"], message.seq)
        self.log.everywhere(Link.tell_nodes)

    def status(self, message):
        self.state()
        self.tell_nodes()
        self.say("DONE", req=message.req, err=0, text="")

    def snapshot_put(self, message):
        parts = self.log.parts.setdefault(message.seq, {})
        parts[message.part] = message
        if len(parts) == message.parts:
            self.log.snapshots[message.seq] = [
                parts[place] for place in range(message.parts)]
            self.log.log_batches = 0
        self.say("DONE", req=message.req, err=0, text="")
