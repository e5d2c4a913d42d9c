"""The messages on cluster.sock (common/cluster/link.h) for tests: what a host says to
pat-clusterd, and what it hears.

    with Place(pair) as place:            # pat-clusterd, and a socket for it
        host = place.host()               # it has connected
        host.hello("a", applied=0)
        host.wait("WELCOME")
"""
import collections
import contextlib
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

import postgres

BUILD = os.environ["JP_BUILD"]
CLUSTERD = os.environ.get("JP_CLUSTERD") or os.path.join(BUILD, "pat_clusterd/pat-clusterd")
ROOT = os.geteuid() == 0
PART = 48 << 10
LIMIT = 60  # seconds, which only a hang reaches

# The fields of each kind, in their order: h, i, q: numbers of 2, 4 and 8 bytes; b:
# one byte; s: a text; r16, r32: bytes; l: how many bytes follow; n: the nodes.
KINDS = {
    1: ("HELLO", "version:h cluster:r16 node:s lease_ms:i applied:q mac:r32 release:s "
        "holder:r16"),
    2: ("APPEND", "req:i expected:q id:r16 time:q mac:r32 len:l"),
    3: ("LEASE", "req:i"),
    4: ("APPLIED", "seq:q"),
    5: ("SNAPSHOT_PUT", "req:i seq:q mac:r32 parts:i part:i part_mac:r32 len:l"),
    6: ("SNAPSHOT_GET", "req:i"),
    7: ("CREATE", "req:i cluster:r16 tag:r16 mac:r32"),
    8: ("JOIN", "req:i node:s tag:r16"),
    9: ("LEAVE", "req:i node:s"),
    10: ("STATUS", "req:i"),
    12: ("STATE", "state:b database:s primary:b tls:b verified:b synchronous:b err:b text:s"),
    13: ("WELCOME", "version:h cluster:r16 tag:r16 head:q mac:r32 oldest:q snapshot:q "
         "has_snapshot:b"),
    14: ("BATCH", "seq:q id:r16 node:s time:q mac:r32 len:l"),
    15: ("APPENDED", "req:i result:b text:s head:q mac:r32 nodes:n"),
    16: ("LEASED", "req:i ok:b head:q mac:r32 text:s"),
    17: ("NODES", "head:q mac:r32 nodes:n log_batches:q log_bytes:q"),
    18: ("SNAPSHOT", "req:i seq:q mac:r32 parts:i part:i part_mac:r32 len:l"),
    19: ("DONE", "req:i err:b text:s"),
    20: ("SETTLE", "req:i node:s"),
    21: ("ABANDON", "req:i node:s"),
    22: ("RELEASE", "req:i"),
}
NODE = "name:s applied:q grants:q lease_ms:i contact_ms:q version:s gone:b"
NUMBERS = {name: number for number, (name, _) in KINDS.items()}
CONNECTING, CONNECTED, REFUSED = range(3)
OK, CONFLICT, UNKNOWN, NOT_DONE = range(4)
WIDTHS = {"b": ">B", "h": ">H", "i": ">I", "l": ">I", "q": ">q"}


def fields(spec):
    return [word.split(":") for word in spec.split()]


def encode(kind, **values):
    return b"JPC1" + bytes([NUMBERS[kind]]) + pack(
        KINDS[NUMBERS[kind]][1], values)


def pack(spec, values):
    out, values = b"", dict(values)
    for name, how in fields(spec):
        value = values.pop(name)
        if how in WIDTHS:
            out += struct.pack(WIDTHS[how], value)
        elif how == "s":
            out += struct.pack(">H", len(value)) + value.encode()
        elif how == "n":
            out += struct.pack(">H", len(value)) + b"".join(
                pack(NODE, node) for node in value)
        else:
            assert len(value) == int(how[1:]), name
            out += value
    assert not values, values
    return out


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def raw(self, size):
        self.at += size
        assert self.at <= len(self.data)
        return self.data[self.at - size:self.at]

    def value(self, how):
        if how in WIDTHS:
            return struct.unpack(WIDTHS[how], self.raw(
                struct.calcsize(WIDTHS[how])))[0]
        if how == "s":
            return self.raw(self.value("h")).decode()
        if how == "n":
            return [self.all(NODE) for _ in range(self.value("h"))]
        return self.raw(int(how[1:]))

    def all(self, spec):
        return {name: self.value(how) for name, how in fields(spec)}


class Message(dict):
    """Its fields; `kind`; `bytes`, what followed it."""

    def __init__(self, kind, values):
        super().__init__(values)
        self.kind, self.bytes = kind, b""

    def __getattr__(self, name):
        return self[name]

    def of(self, name):
        return next(node for node in self["nodes"] if node["name"] == name)


def decode(data):
    assert data[:4] == b"JPC1", data[:8]
    kind, spec = KINDS[data[4]]
    reader = Reader(data[5:])
    message = Message(kind, reader.all(spec))
    assert reader.at == len(reader.data), "trailing bytes of " + kind
    return message


class Closed(Exception):
    """pat-clusterd has closed the connection."""


class Host:
    """One connection, as patd or pat-admin sees it."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(LIMIT)
        self.kept = collections.deque()  # messages that nobody waited for
        self.req = 0

    def close(self):
        self.sock.close()

    def next_req(self):
        self.req += 1
        return self.req

    def send(self, kind, data=b"", **values):
        self.sock.send(encode(kind, **values))
        for at in range(0, len(data), PART):
            self.sock.send(b"JPC1\x0b" + data[at:at + PART])

    def receive(self):
        data = self.sock.recv(1 << 17)
        if not data:
            raise Closed()
        message = decode(data)
        while len(message.bytes) < message.get("len", 0):
            part = self.sock.recv(1 << 17)
            assert part[:5] == b"JPC1\x0b"
            message.bytes += part[5:]
        return message

    def wait(self, kind, which=lambda message: True):
        """The next message of that kind; those before it are kept for others."""
        for message in self.kept:
            if message.kind == kind and which(message):
                self.kept.remove(message)
                return message
        end = time.monotonic() + LIMIT
        while True:
            if time.monotonic() > end:
                raise AssertionError("no %s among %s" % (kind, [
                    (other.kind, dict(other)) for other in self.kept]))
            message = self.receive()
            if message.kind == kind and which(message):
                return message
            self.kept.append(message)

    def silent(self, kind, seconds):
        """Whether none of that kind has come, by then."""
        end = time.monotonic() + seconds
        while select.select([self.sock], [], [], max(0, end - time.monotonic()))[0]:
            self.kept.append(self.receive())
        return not any(message.kind == kind for message in self.kept)

    def is_closed(self):
        try:
            while True:
                self.receive()
        except (Closed, ConnectionError):
            return True

    # --- what a host does ---

    def hello(self, node, cluster, applied=0, lease_ms=15000, mac=bytes(32),
              holder=bytes(16)):
        self.send("HELLO", version=1, cluster=cluster, node=node,
                  lease_ms=lease_ms, applied=applied, mac=mac, release="0.1.0",
                  holder=holder)

    def ask(self, kind, **values):
        """The DONE of a request."""
        req = self.next_req()
        self.send(kind, req=req, **values)
        return self.wait("DONE", lambda done: done.req == req)

    def begin_append(self, expected, identity, data=b"batch", mac=None):
        req = self.next_req()
        self.send("APPEND", data, req=req, expected=expected, id=identity,
                  time=1000, mac=mac or mac_of(expected + 1), len=len(data))
        return req

    def append(self, expected, identity, data=b"batch", mac=None):
        req = self.begin_append(expected, identity, data, mac)
        return self.wait("APPENDED", lambda said: said.req == req)

    def lease(self):
        req = self.next_req()
        self.send("LEASE", req=req)
        return self.wait("LEASED", lambda said: said.req == req)

    def put(self, seq, parts, part, data):
        req = self.next_req()
        self.send("SNAPSHOT_PUT", data, req=req, seq=seq, mac=mac_of(seq),
                  parts=parts, part=part, part_mac=mac_of(part), len=len(data))
        return self.wait("DONE", lambda done: done.req == req)


def mac_of(seq):
    return struct.pack(">q", seq) * 4


CONFIG = """[patd]
run_dir = {root}/run
store_dir = {root}/store
pepper_file = {root}/pepper.key
{more}
[cluster]
{conninfo}
node = {node}
user = {user}
lease = {lease}
"""


class Place:
    """A folder with a configuration, cluster.sock, and a pat-clusterd."""

    def __init__(self, conninfo, node="a", more="", lease="15s", start=True,
                 cluster="", user="daemon" if ROOT else str(os.geteuid()),
                 arguments=()):
        self.root = tempfile.mkdtemp(prefix="jira-pat-link.")
        os.chmod(self.root, 0o755)
        self.node, self.process = node, None
        self.config = os.path.join(self.root, "jira-pat.conf")
        self.log = os.path.join(self.root, "log")
        self.path = os.path.join(self.root, "run", "cluster.sock")
        self.sock = None
        os.mkdir(os.path.dirname(self.path))
        with open(self.config, "w") as file:
            file.write(CONFIG.format(
                root=self.root, node=node, user=user, more=more, lease=lease,
                conninfo=postgres.as_settings(conninfo)) + cluster)
        os.chmod(self.config, 0o644)
        if start:
            self.listen()
            self.start(*arguments)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.kill()
        if self.sock:
            self.sock.close()
        shutil.rmtree(self.root, ignore_errors=True)

    def listen(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.bind(self.path)
        os.chmod(self.path, 0o666)
        self.sock.listen(4)
        self.sock.settimeout(LIMIT)

    def start(self, *arguments, **options):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                [CLUSTERD, "--config", self.config, *arguments],
                stdin=options.pop("stdin", subprocess.DEVNULL), stdout=log,
                stderr=log, **options)
        return self.process

    def kill(self, number=signal.SIGKILL):
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)
            status = self.process.wait(LIMIT)
            self.process = None
            return status
        return None

    def host(self):
        sock, _ = self.sock.accept()
        return Host(sock)

    def setup(self):
        """Another one, as pat-admin starts it."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.start("--setup", stdin=theirs)
        theirs.close()
        return Host(ours)

    def run(self, *arguments):
        return subprocess.run(
            [CLUSTERD, "--config", self.config, *arguments], text=True,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT)

    def said(self):
        with open(self.log) as file:
            return file.read()
